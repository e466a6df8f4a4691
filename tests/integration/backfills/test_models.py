"""Models that are not simply a table of this database with a number for its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.backfills.shop import Shop
from tests.integration.fallback.project import ID

N = '("n", models.IntegerField(default=0))'


def test_a_table_in_another_schema(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.query("CREATE SCHEMA sales; CREATE TABLE shop_invoice (id int, n int)")
    place = """{"db_table": 'sales"."shop_invoice'}"""
    shop.then("0002_invoice", f'migrations.CreateModel("Invoice", [{ID}, {N}], options={place})')
    assert shop.run("auto_migrate").code == 0
    shop.query("INSERT INTO sales.shop_invoice (n) SELECT 0 FROM generate_series(1, 30)")
    shop.query("INSERT INTO shop_invoice SELECT number, 0 FROM generate_series(1, 30) AS number")
    shop.then("0003_count", 'Backfill("shop.Invoice", "count", set={"n": F("n") + 1}, batch_rows=7)')
    done = shop.run("auto_migrate")
    assert done.code == 0, done.text
    assert (shop.times("sales.shop_invoice"), shop.times("public.shop_invoice")) == ([(1, 30)], [(0, 30)])


def test_proxies_and_children_with_a_table_of_their_own(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin(0)
    proxy = 'migrations.CreateModel("Again", [], options={"proxy": True}, bases=("shop.order",))'
    link = '("order_ptr", models.OneToOneField("shop.Order", models.CASCADE, parent_link=True, primary_key=True))'
    child = f'migrations.CreateModel("Gift", [{link}, ("m", models.IntegerField(default=0))], bases=("shop.order",))'
    shop.then("0002_models", f"{proxy}, {child}")
    assert shop.run("auto_migrate").code == 0
    shop.query("INSERT INTO shop_order (n) SELECT 0 FROM generate_series(1, 40)")
    shop.query("INSERT INTO shop_gift SELECT id, 0 FROM shop_order WHERE id > 10")
    by_proxy = 'Backfill("shop.Again", "proxy", set={"n": F("n") + 1}, batch_rows=7)'
    of_child = 'Backfill("shop.Gift", "gift", set={"m": F("m") + 1, "n": F("n") + 10}, batch_rows=7)'
    related = (
        'Backfill("shop.Gift", "rich", set={"m": F("m") + 1}, where=Q(order_ptr__n__gt=5, pk__lte=20), batch_rows=7)'
    )
    shop.then("0003_count", f"{by_proxy}, {of_child}, {related}")
    done = shop.run("auto_migrate")
    assert done.code == 0, done.text
    assert shop.times() == [(1, 10), (11, 30)]
    assert sorted(shop.query("SELECT m, count(*) FROM shop_gift GROUP BY m")) == [(1, 20), (2, 10)]


MANAGER = """
class Alive(models.Manager):
    use_in_migrations = True

    def get_queryset(self):
        return super().get_queryset().filter(n__gt=0)
"""


def test_what_a_model_s_managers_leave_out_is_filled_too(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin(20)
    managers = 'migrations.AlterModelManagers("order", [("alive", Alive())])'
    base = 'migrations.AlterModelOptions("order", {"base_manager_name": "alive", "default_manager_name": "alive"})'
    shop.then(
        "0002_alive", f'{managers}, {base}, Backfill("shop.Order", "all", set={{"n": F("n") + 1}})', before=MANAGER
    )
    done = shop.run("auto_migrate")
    assert done.code == 0, done.text
    assert shop.times() == [(1, 20)]


ROUTER = """
class Router:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (model_name == "order") == (db == "orders") if model_name else None
"""


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_a_router_that_sends_the_model_elsewhere_sends_its_rows_there(tmp_path: Path, command: str) -> None:
    shop = Shop(tmp_path)
    shop.databases["orders"] = f"sqlite:///{tmp_path}/orders.sqlite3"
    shop.file("routers.py", ROUTER)
    shop.settings(DATABASE_ROUTERS=["routers.Router"])
    for alias in ("default", "orders"):
        assert shop.run(command, "--database", alias).code == 0
    shop.query(f"INSERT INTO shop_order (n) VALUES {', '.join(['(0)'] * 20)}", database="orders")
    shop.then("0002_count", 'Backfill("shop.Order", "count", set={"n": F("n") + 1}, batch_rows=7, background=True)')
    shop.then("0003_finish", 'FinishBackfill("shop", "count")')
    for alias in ("default", "orders"):
        done = shop.run(command, "--database", alias)
        assert done.code == 0, done.text
    assert shop.query("SELECT n, count(*) FROM shop_order GROUP BY n", database="orders") == [(1, 20)]
    assert '"count"' not in shop.run("backfills", "--format", "json").output
    assert '"count"' in shop.run("backfills", "--format", "json", "--database", "orders").output


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('Backfill("Order", "count", set={"n": 1})', "name the model with its app"),
        ('Backfill("shop.Order", "count me", set={"n": 1})', "letters, digits, hyphens and underscores"),
        ('Backfill("shop.Order", "count")', "takes either set or function"),
        ('Backfill("shop.Order", "count", set={"n": 1}, batch_rows=0)', "above zero"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_loaded(shop: Shop, written: str, reason: str) -> None:
    shop.then("0002_count", written)
    refused = shop.run("auto_migrate")
    assert refused.code == 7
    assert reason in refused.text

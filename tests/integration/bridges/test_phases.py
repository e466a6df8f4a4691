"""Where phases are on: what waits for the deploy is loosened before it, so that the new code can write and delete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bridges.releases import AT_ONCE, ID, Release, releases

PHASED = {"AUTO_MIGRATE_PHASES": "true", "AUTO_MIGRATE_SMALL_TABLE": "0"}
BOTH = """
class Customer(models.Model):
    name = models.CharField(max_length=9)


class Tag(models.Model):
    pass


class Order(models.Model):
    note = models.CharField(max_length=9, default="")
"""
OLD = f"""{BOTH}
    number = models.IntegerField()
    total = models.IntegerField(default=1)
    customer = models.ForeignKey(Customer, models.CASCADE)
    tags = models.ManyToManyField(Tag)


class Item(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
"""
NEW = f"{BOTH}    place = models.IntegerField(default=3)\n"
FIRST = f"""
migrations.CreateModel("Customer", [{ID}, ("name", models.CharField(max_length=9))]),
migrations.CreateModel("Tag", [{ID}]),
migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=9, default="")),
    ("number", models.IntegerField()), ("total", models.IntegerField(default=1)),
    ("customer", models.ForeignKey("shop.Customer", models.CASCADE)), ("tags", models.ManyToManyField("shop.Tag"))]),
migrations.CreateModel("Item", [{ID}, ("order", models.ForeignKey("shop.Order", models.CASCADE))])"""
ADD = 'migrations.AddField("Order", "place", models.IntegerField(default=3))'
DROPS = [
    *(f'migrations.RemoveField("Order", "{name}")' for name in ("number", "total", "customer", "tags")),
    'migrations.DeleteModel("Item")',
]
PLAN = {"0001_initial": FIRST, "0002_place": ADD, "0003_drop": f'{", ".join(DROPS)} | phase = "post_deploy"'}
OLD_WRITES = """
order = Order.objects.create(number=1, customer=Customer.objects.create(name="a"))
order.tags.add(Tag.objects.create())
Item.objects.create(order=order)
order.number = 2
order.save()
if {delete}: order.delete()
"""
NEW_WRITES = """
order = Order.objects.create()
order.place = 4
order.save()
for model in (Order, Customer, Tag): model.objects.all().delete()
"""
LOOSENED = [
    ("not_null", "shop_order", "number"),
    ("not_null", "shop_order", "total"),
    ("foreign_key", "shop_order", "customer_id"),
    ("not_null", "shop_order", "customer_id"),
    ("foreign_key", "shop_order_tags", "order_id"),
    ("foreign_key", "shop_order_tags", "tag_id"),
    ("foreign_key", "shop_item", "order_id"),
]
TIGHT = """
    SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attnotnull AND attrelid = 'shop_order'::regclass
    UNION ALL SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('f', 'c') AND convalidated
    ORDER BY 1, 2
"""
PLACE = ("default", "shop_order", "place")


@pytest.fixture
def deploy(tmp_path: Path, database_url: str) -> Iterator[tuple[Release, Release]]:
    """Return the release that is running and the one that has just been deployed."""
    first = {"0001_initial": FIRST}
    with releases(
        Release(tmp_path / "1", database_url, OLD, first), Release(tmp_path / "2", database_url, NEW, PLAN)
    ) as (old, new):
        old.migrated("v1", **PHASED)
        old.code(OLD_WRITES.format(delete=False))
        new.migrated("v2", **PHASED)
        yield old, new


def test_old_and_new_code_write_and_delete_until_what_is_forgotten_is_gone(deploy: tuple[Release, Release]) -> None:
    old, new = deploy
    assert new.bridges == [PLACE, *LOOSENED]
    old.code(OLD_WRITES.format(delete=True))
    new.code(NEW_WRITES)
    old.code(OLD_WRITES.format(delete=False))
    # Neither the same step once more nor that of the next release takes anything down, or raises it again.
    new.migrated("v2", **PHASED)
    new.migrated("v3", **PHASED, **AT_ONCE)
    assert new.bridges == [PLACE, *LOOSENED]
    new.migrated("v3", "--phase", "post_deploy", **PHASED)
    assert new.bridges == []
    new.code(NEW_WRITES)


SQL = """
    ALTER TABLE public.shop_order DROP COLUMN number, DROP COLUMN total, DROP COLUMN customer_id;
    DROP TABLE shop_order_tags, public.shop_item
"""


def test_what_sql_drops_after_the_deploy_is_loosened_before_it(tmp_path: Path, database_url: str) -> None:
    first = {"0001_initial": FIRST}
    drops = f'migrations.RunSQL("""{SQL}""", state_operations=[{", ".join(DROPS)}]) | phase = "post_deploy"'
    with releases(
        Release(tmp_path / "1", database_url, OLD, first),
        Release(tmp_path / "2", database_url, BOTH, {**first, "0002_drop": drops}),
    ) as (old, new):
        old.migrated("v1", **PHASED)
        old.code(OLD_WRITES.format(delete=False))
        new.migrated("v2", **PHASED)
        kinds = {(kind, table.rpartition('"')[2], column) for kind, table, column in new.bridges}
        assert kinds == set(LOOSENED)
        new.code(NEW_WRITES.replace("order.place", "order.note"))
        old.code(OLD_WRITES.format(delete=True))
        new.migrated("v2", "--phase", "post_deploy", **PHASED)
        assert new.bridges == []


def test_what_is_loosened_anew_stays_one_bridge(deploy: tuple[Release, Release]) -> None:
    _old, new = deploy
    new.query("DELETE FROM shop_order_tags; DELETE FROM shop_item; DELETE FROM shop_order")
    new.query("ALTER TABLE shop_order ALTER number SET NOT NULL")
    new.migrated("v2", **PHASED)
    assert new.bridges == [PLACE, *LOOSENED]
    new.code("Order.objects.create()")


def test_its_release_step_leaves_what_is_loosened_to_the_release_that_comes_back(
    deploy: tuple[Release, Release],
) -> None:
    old, new = deploy
    old.migrated("v1", **PHASED, **AT_ONCE)
    old.code(OLD_WRITES.format(delete=True))
    assert new.bridges == [PLACE, *LOOSENED]


def test_a_release_that_was_taken_back_for_good_leaves_nothing_loosened(tmp_path: Path, database_url: str) -> None:
    plan = {"0001_initial": FIRST, "0002_drop": PLAN["0003_drop"]}
    with releases(
        Release(tmp_path / "1", database_url, OLD, {"0001_initial": FIRST}),
        Release(tmp_path / "2", database_url, BOTH, plan),
    ) as (old, taken):
        old.migrated("v1", **PHASED)
        before = old.query(TIGHT)
        taken.migrated("v2", **PHASED)
        assert old.query(TIGHT) != before
        taken.code("Order.objects.create()")
        old.migrated("v3", **PHASED)
        told = old.migrated("v3", "--phase", "post_deploy", **PHASED)
        # Rows that the new code has left without a value do not allow all of it.
        assert told.count("rows do not allow to put it back") == 3
        assert old.bridges == [place for place in LOOSENED if place[0] == "not_null"]
        old.query("DELETE FROM shop_order")
        old.migrated("v3", "--phase", "post_deploy", **PHASED)
        assert (old.bridges, old.query(TIGHT)) == ([], before)
        old.code(OLD_WRITES.format(delete=True))

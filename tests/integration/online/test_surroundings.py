"""What large teams have around a database: all goes online there as it does without, and the end is Django's."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.integration.online.shop import ALWAYS, Shop
from tests.servers import PgBouncer, PostgreSQL
from tests.snapshot import snapshot, unordered

SWEPT = pytest.mark.skipif("SWEEP" not in os.environ, reason="make sweep")
FIRST = """
    migrations.CreateModel("Kind", [
        ("id", models.AutoField(primary_key=True)),
        ("name", models.CharField(max_length=9)),
    ]),
    migrations.CreateModel("Slip", [
        ("id", models.BigAutoField(primary_key=True)),
        ("kind", models.ForeignKey("Kind", models.CASCADE)),
    ]),
    migrations.CreateModel("Item", [
        ("id", models.AutoField(primary_key=True)),
        ("kind", models.ForeignKey("Kind", models.CASCADE)),
        ("count", models.IntegerField(db_default=5)),
        ("text", models.CharField(max_length=20, null=True, db_index=True)),
        ("place", models.IntegerField(null=True)),
    ], options={
        "indexes": [models.Index(fields=["-count", "text"], name="both")],
        "constraints": [models.CheckConstraint(condition=models.Q(count__gt=0), name="more")],
    }),
    migrations.RunSQL(
        "INSERT INTO shop_kind (name) VALUES ('one'), ('two');"
        "INSERT INTO shop_slip (kind_id) VALUES (1), (2);"
        "INSERT INTO shop_item (kind_id, count, text)"
        " SELECT 1 + n % 2, n, CASE WHEN n % 3 = 0 THEN n END FROM generate_series(1, 300) AS n"
    ),
"""
EVERYTHING = """
    migrations.AddIndex("item", models.Index(fields=["kind", "-text"], name="kind_text")),
    migrations.RemoveIndex("item", "both"),
    migrations.AddConstraint("item", models.UniqueConstraint(fields=["kind", "count"], name="once")),
    migrations.AddConstraint("item", models.CheckConstraint(condition=models.Q(count__lt=1000), name="less")),
    migrations.AddField("item", "twin", models.OneToOneField("self", models.SET_NULL, null=True)),
    migrations.AddField("item", "token", models.FloatField(db_default=functions.Ceil(functions.Random()))),
    migrations.AddField("item", "size", models.IntegerField(default=7)),
    migrations.AlterField("item", "text", models.CharField(max_length=20, default="it's")),
    migrations.AlterField("item", "place", models.ForeignKey(
        "Kind", models.SET_NULL, null=True, related_name="+", db_column="place"
    )),
    migrations.AlterField("item", "count", models.BigIntegerField(db_default=5)),
    migrations.AlterField("kind", "id", models.BigAutoField(primary_key=True)),
    migrations.RunSQL("CREATE INDEX by_hand ON shop_item (text)"),
    migrations.RemoveConstraint("item", "more"),
"""
LATE = """
    migrations.RemoveField("item", "kind"),
    migrations.DeleteModel("Slip"),
"""


class Surrounded(Shop):
    """A shop whose later migrations have one operation of nearly each kind, and a twin for Django's own `migrate`."""

    def __init__(self, folder: Path, server: PostgreSQL) -> None:
        self.server = server
        self.name = f"test_{uuid.uuid4().hex[:12]}"
        super().__init__(folder, server.create_database(self.name))
        self.migration("shop", "0001_initial", FIRST, head="initial = True")
        self.deploy()
        self.second(EVERYTHING, before="from django.db.models import functions")
        self.migration("shop", "0003_third", LATE, after="0002_second")
        self.settings(AUTO_MIGRATE={**ALWAYS, "PHASES": True, "BRIDGES": True})

    def stock(self) -> None:
        """Carry the later migrations out on a copy, as Django does."""
        self.server.create_database(f"{self.name}_stock", self.name)
        ours = self.databases["default"]
        self.databases["default"] = ours.replace(self.name, f"{self.name}_stock")
        done = self.run("migrate")
        assert done.code == 0, done.text
        self.databases["default"] = ours

    def difference(self) -> str:
        """Say what is not as Django makes it."""
        ours, theirs = (unordered(snapshot(self.server, one)) for one in (self.name, f"{self.name}_stock"))
        return ours.difference(theirs)

    def drop(self) -> None:
        self.server.drop_database(self.name)
        self.server.drop_database(f"{self.name}_stock")


@pytest.fixture
def surrounded(tmp_path: Path, postgresql: PostgreSQL) -> Iterator[Surrounded]:
    """Return a shop with its first migration."""
    shop = Surrounded(tmp_path, postgresql)
    yield shop
    shop.drop()


# Ends the session when an index has been built and that is about to be noted.
CUT = """
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF to_regclass('public.once') IS NOT NULL THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER cut BEFORE UPDATE ON auto_migrate_step FOR EACH ROW EXECUTE FUNCTION cut()
"""


def difference_after_a_cut(shop: Surrounded, database: str = "default") -> str:
    """Deploy, cut where an index is there and not noted; go on, and say what is not as Django makes it in the end."""
    shop.stock()
    with psycopg.connect(shop.server.url(shop.name), autocommit=True) as owner:
        owner.execute(CUT)
        shop.deploy(expect=3, AUTO_MIGRATE_MAX_RETRIES="1")
        owner.execute("DROP TRIGGER cut ON auto_migrate_step; DROP FUNCTION cut")
    for phase, operations in (("pre_deploy", {3, 4, 5, 6, 8, 9, 10, 11, 12}), ("post_deploy", set())):
        done = shop.run("auto_migrate", "--database", database, "--phase", phase)
        assert done.code == 0, done.text
        # All but what is an instant as Django does it; the keys of what goes after the deploy were dropped before it.
        assert {int(number) for number in re.findall(r"operation (\d+), step", done.text)} == operations
    assert shop.recorded[-1] == "shop.0003_third"
    assert "No migrations are pending" in shop.run("auto_migrate", "--check").text
    return shop.difference()


@SWEPT
def test_behind_a_pooler_in_transaction_mode(surrounded: Surrounded, pgbouncer: PgBouncer) -> None:
    surrounded.databases["default"] = pgbouncer.url(surrounded.name)
    assert difference_after_a_cut(surrounded) == ""


@SWEPT
def test_with_parameters_bound_in_the_server(surrounded: Surrounded) -> None:
    surrounded.settings(ENGINES={"default": {"OPTIONS": {"server_side_binding": True}}})
    assert difference_after_a_cut(surrounded) == ""


@SWEPT
def test_in_a_schema_that_is_not_the_first_of_the_search_path(surrounded: Surrounded) -> None:
    surrounded.query("CREATE SCHEMA mine")
    surrounded.settings(ENGINES={"default": {"OPTIONS": {"options": "-c search_path=mine,public"}}})
    assert difference_after_a_cut(surrounded) == ""


def test_as_a_role_that_is_no_owner_itself_and_may_make_no_temporary_tables(surrounded: Surrounded) -> None:
    role = f"r{surrounded.name}"
    surrounded.query(f"CREATE ROLE {role}_owner; CREATE ROLE {role} LOGIN PASSWORD 'x' IN ROLE {role}_owner")
    surrounded.query(f"GRANT CREATE ON SCHEMA public TO {role}_owner")
    surrounded.query(f"REVOKE TEMPORARY ON DATABASE {surrounded.name} FROM PUBLIC")
    for (table,) in surrounded.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        surrounded.query(f"ALTER TABLE {table} OWNER TO {role}_owner")
    surrounded.settings(ENGINES={"default": {"USER": role, "PASSWORD": "x"}})
    assert difference_after_a_cut(surrounded) == ""


@SWEPT
def test_with_two_aliases_for_one_database(surrounded: Surrounded) -> None:
    surrounded.databases["other"] = surrounded.url
    assert difference_after_a_cut(surrounded, "other") == ""
    assert "No migrations to apply" in surrounded.run("auto_migrate", "--all-databases").text

"""What waits for the deploy is loosened as the database has it, or the run says that it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.bridges.releases import ID, PHASED, Release, Twins, releases

OLD = """
class Order(models.Model):
    note = models.CharField(max_length=9, default="")
    number = models.IntegerField()
"""
NEW = OLD.replace("    number =", "    # ")
MADE = f"""
migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=9, default="")),
    ("number", models.IntegerField())])"""
BOUND = """
    CREATE TABLE pair (a integer, b integer, PRIMARY KEY (a, b));
    ALTER TABLE shop_order ADD COLUMN named integer CONSTRAINT "its own" NOT NULL, ADD COLUMN "Hid" integer NOT NULL,
        ADD COLUMN a integer, ADD COLUMN b integer, ADD FOREIGN KEY (a, b) REFERENCES pair;
    CREATE TABLE kept (tag integer REFERENCES shop_order_tag) PARTITION BY LIST (tag);
    CREATE TABLE kept_1 PARTITION OF kept FOR VALUES IN (1)
"""
HELD = """
    CREATE DOMAIN given AS integer NOT NULL;
    CREATE DOMAIN checked AS integer CHECK (VALUE IS NOT NULL);
    ALTER TABLE shop_order ADD COLUMN domained given, ADD COLUMN twice checked,
        ADD COLUMN refused integer CHECK (refused IS NOT NULL),
        ADD COLUMN computed integer CHECK (coalesce(computed, 0) > 0),
        ADD COLUMN beside integer, ADD CHECK (beside IS NOT NULL AND note <> 'x'),
        ADD COLUMN lenient integer CHECK (lenient > 0), ADD COLUMN repeated integer NOT NULL DEFAULT 0 UNIQUE,
        ADD CHECK (number IS NOT NULL)
"""
TAG = "CREATE TABLE shop_order_tag (id integer PRIMARY KEY)"
DROPS = """
    DO $d$ DECLARE key text; BEGIN
        SELECT conname INTO key FROM pg_constraint WHERE conrelid = 'shop_order'::regclass AND contype = 'f';
        EXECUTE format('ALTER TABLE shop_order RENAME CONSTRAINT %I TO found', key);
    END $d$;
    COMMENT ON CONSTRAINT found ON shop_order IS 'a comment';
    ALTER TABLE shop_order RENAME number TO num; ALTER TABLE shop_order RENAME TO shop_sale;
    ALTER TABLE shop_sale RENAME "Hid" TO hidden; ALTER TABLE shop_sale DROP COLUMN num, DROP COLUMN hidden,
        DROP CONSTRAINT found, DROP CONSTRAINT "its own", DROP COLUMN named, DROP COLUMN b; DROP TABLE kept_1;
    ALTER TABLE shop_sale RENAME TO shop_order
"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("twins", ["postgresql", "postgresql15"], indirect=True)
def test_the_new_code_writes_beside_what_waits(tmp_path: Path, twins: Twins) -> None:
    first = {"0001_initial": f"{MADE}, migrations.RunSQL({TAG!r}), migrations.RunSQL({BOUND!r})"}
    drops = DROPS if twins.server.version >= 18 else DROPS.replace('DROP CONSTRAINT "its own", ', "")
    state = 'state_operations=[migrations.RemoveField("Order", "number")]'
    second = {**first, "0002_drop": f"migrations.RunSQL({drops!r}, {state}) | phase = 'post_deploy'"}
    with releases(
        Release(tmp_path / "1", twins.ours, OLD, first), Release(tmp_path / "2", twins.ours, NEW, second)
    ) as (old, new):
        new.on(twins.djangos).run("migrate")
        old.migrated("v1", **PHASED)
        old.query("INSERT INTO pair VALUES (1, 1)")
        told = new.migrated("v2", **PHASED)
        assert "kept_1" not in told
        assert set(new.bridges) == {
            ("foreign_key", "shop_order", "b"),
            *(("not_null", "shop_order", name) for name in ("number", "Hid", "named")),
        }
        new.code("Order.objects.create()")
        old.query("INSERT INTO shop_order (note, number, named, \"Hid\", a, b) VALUES ('', 1, 1, 1, 1, 1)")
        old.query("DELETE FROM pair")
        old.query("DELETE FROM shop_order")
        new.migrated("v2", "--phase", "post_deploy", AUTO_MIGRATE_BLOCK="never", **PHASED)
        assert new.bridges == []
    assert twins.difference() == ""


def test_what_cannot_be_loosened_is_refused(tmp_path: Path, database_url: str) -> None:
    first = {"0001_initial": f"{MADE}, migrations.RunSQL({HELD!r})"}
    names = ["domained", "twice", "refused", "computed", "beside", "repeated", "number", "lenient"]
    drops = f"ALTER TABLE shop_order {', '.join(f'DROP COLUMN {name}' for name in names if name != 'number')}"
    removed = 'migrations.RemoveField("Order", "number")'
    second = {**first, "0002_drop": f"migrations.RunSQL({drops!r}), {removed} | phase = 'post_deploy'"}
    with releases(
        Release(tmp_path / "1", database_url, OLD, first), Release(tmp_path / "2", database_url, NEW, second)
    ) as (old, new):
        old.migrated("v1", **PHASED)
        told = new.run("auto_migrate", expect=6, **PHASED)
        refused = [name for name in names if f"shop_order.{name} goes only" in told]
        assert refused == names[:-1]
        assert "bridged" not in told

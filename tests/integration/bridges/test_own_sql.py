"""What a migration's own SQL and Python do to columns with bridges."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.bridges.conftest import OLD
from tests.integration.bridges.releases import AT_ONCE, ID, LEFT, Release, Twins, releases

# Each kind of bridge, and what a later release does to its column.
KEPT = ["named", "sent", "typed", "worded", "gone", "anew"]
FILLED = ["called", "told", "turned", "lost"]
MADE = ", ".join(f'("{name}", models.IntegerField(null=True))' for name in FILLED)
FIRST = {"0001_initial": f'migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50)), {MADE}])'}
ADDED = [f'migrations.AddField("Order", "{name}", models.IntegerField(default=7))' for name in KEPT]
TIGHT = [f'migrations.AlterField("Order", "{name}", models.IntegerField(default=8))' for name in FILLED]
SECOND = {**FIRST, "0002_bridges": ", ".join(ADDED + TIGHT)}
SENDING = """
def send(apps, editor):
    with editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop_order RENAME COLUMN sent TO received")
    editor.execute("DO $$ BEGIN ALTER TABLE shop_order RENAME told TO heard; END $$")
"""
SQL = [
    "ALTER TABLE shop_order RENAME named TO renamed",
    "ALTER TABLE shop_order RENAME called TO recalled; COMMENT ON COLUMN shop_order.recalled IS 'RENAME'",
    "ALTER TABLE shop_order ALTER typed TYPE bigint, ALTER turned TYPE text",
    "ALTER TABLE shop_order ALTER worded TYPE text USING worded::text || 'x'",
    "ALTER TABLE public.shop_order DROP COLUMN gone, DROP COLUMN lost",
    "ALTER TABLE shop_order DROP COLUMN anew; ALTER TABLE shop_order ADD COLUMN anew integer DEFAULT 7",
    "ALTER TABLE shop_order RENAME TO shop_sale",
]
OPERATIONS = ", ".join(["migrations.RunPython(send)", *(f'migrations.RunSQL("{text}")' for text in SQL)])
MOVED = [
    *(("default", "shop_sale", name) for name in ("renamed", "received", "typed", "worded")),
    *(("fill", "shop_sale", name) for name in ("recalled", "heard", "turned")),
]
INSERT = "INSERT INTO shop_sale (note) VALUES ('old') RETURNING {}"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("head", ["atomic = True", "atomic = False"])
def test_bridges_follow_their_columns(tmp_path: Path, twins: Twins, head: str) -> None:
    """The same plan by Django's own `migrate` ends with the same schema, once the bridges are down."""
    third = {**SECOND, "0003_sql": f"{OPERATIONS} | {head}"}
    with releases(
        Release(tmp_path / "1", twins.ours, OLD, FIRST),
        Release(tmp_path / "2", twins.ours, OLD, SECOND),
        Release(tmp_path / "3", twins.ours, OLD, third, before=SENDING),
    ) as (old, new, next_one):
        next_one.on(twins.djangos).run("migrate")
        old.migrated("v1")
        new.migrated("v2")
        next_one.migrated("v3", AUTO_MIGRATE_BLOCK="never")
        assert next_one.bridges == MOVED
        columns = [column for _kind, _table, column in MOVED]
        (row,) = next_one.query(INSERT.format(", ".join(columns)))
        assert row == (7, 7, 7, "7x", 8, 8, "8")
        next_one.migrated("v3", "--phase", "post_deploy")
        assert (next_one.bridges, next_one.query(LEFT)) == ([], [])
    found, wanted = twins.ends()
    assert found.schema == wanted.schema


def test_what_somebody_has_renamed_by_hand_ends_no_run(tmp_path: Path, database_url: str) -> None:
    with releases(
        Release(tmp_path / "1", database_url, OLD, FIRST), Release(tmp_path / "2", database_url, OLD, SECOND)
    ) as (old, new):
        old.migrated("v1")
        new.migrated("v2")
        new.query("ALTER TABLE shop_order RENAME TO shop_sale; ALTER TABLE shop_sale RENAME called TO recalled")
        new.migrated("v3", **AT_ONCE)
        assert (new.bridges, new.query(LEFT)) == ([], [])

"""NOT NULL that SQL of a project's own sets is bridged as that of `AlterField` is, or refused as that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.bridges.releases import AT_ONCE, ID, Release, Twins, releases

NAMES = ("stated", "apart", "sent", "Quoted")
OLD = "class Order(models.Model):\n    note = models.CharField(max_length=50)\n"
OLD += "".join(f"    {name.lower()} = models.IntegerField(null=True, db_column='{name}')\n" for name in NAMES)
NEW = OLD.replace("null=True", "default=5")
FIELD = "models.IntegerField({}, db_column='{}')"
MADE = [f'("{name.lower()}", {FIELD.format("null=True", name)})' for name in NAMES]
FIRST = {
    "0001_initial": (
        f'migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50)), {", ".join(MADE)}]),'
        'migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN filled integer DEFAULT 6, ADD COLUMN bare integer;'
        " CREATE TYPE mood AS ENUM ('calm'); ALTER TABLE shop_order ADD COLUMN felt mood DEFAULT 'calm'\")"
    )
}
STATES = {
    name: f'migrations.AlterField("Order", "{name.lower()}", {FIELD.format("default=5", name)})' for name in NAMES
}
SENDING = """
def send(apps, editor):
    editor.execute("ALTER TABLE shop_order ALTER COLUMN sent SET NOT NULL")
"""


def tightened(name: str) -> str:
    return f'ALTER TABLE shop_order ALTER COLUMN "{name}" SET NOT NULL'


OPERATIONS = [
    f"migrations.RunSQL({tightened('stated')!r}, state_operations=[{STATES['stated']}])",
    f"migrations.SeparateDatabaseAndState([migrations.RunSQL([{tightened('apart')!r}])], [{STATES['apart']}])",
    f"migrations.SeparateDatabaseAndState([], [{STATES['sent']}]), migrations.RunPython(send)",
    f"migrations.RunSQL({tightened('Quoted')!r}, state_operations=[{STATES['Quoted']}])",
    f"migrations.RunSQL({tightened('filled')!r})",
    f"migrations.RunSQL({tightened('felt')!r})",
]
WRITES = """
    INSERT INTO public.shop_order (note, stated, apart, sent, "Quoted", filled, felt)
        VALUES ('a', NULL, NULL, NULL, NULL, NULL, NULL);
    UPDATE public.shop_order SET stated = NULL, apart = NULL, sent = NULL, "Quoted" = NULL, filled = NULL, felt = NULL
"""
# As a subscription writes the rows of a database in which the old code goes on.
REPLICATED = f"SET session_replication_role = replica; SET search_path = ''; {WRITES}"
BRIDGES = {("fill", "shop_order", name) for name in (*NAMES, "filled", "felt")}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("online", ["never", "always"])
@pytest.mark.parametrize("head", ["atomic = True", "atomic = False"])
@pytest.mark.parametrize("twins", ["postgresql", "postgresql15"], indirect=True)
def test_old_code_writes_null(tmp_path: Path, twins: Twins, head: str, online: str) -> None:
    second = {**FIRST, "0002_tight": f"{', '.join(OPERATIONS)} | {head}"}
    several = (
        Release(tmp_path / "1", twins.ours, OLD, FIRST),
        Release(tmp_path / "2", twins.ours, NEW, second, before=SENDING),
    )
    with releases(*several) as (old, new):
        new.on(twins.djangos).run("migrate")
        old.migrated("v1")
        told = new.migrated("v2", AUTO_MIGRATE_ONLINE=online)
        assert told.count("AM404") == told.count("(bridged for as long as the old release runs)") == len(BRIDGES)
        assert set(new.bridges) == BRIDGES
        for writes in (WRITES, REPLICATED):
            old.query(writes)
            found = old.query('SELECT stated, apart, sent, "Quoted", filled, felt FROM shop_order')
            assert found == [(5, 5, 5, 5, 6, "calm")]
            old.query("DELETE FROM shop_order")
        new.migrated("v2", "--phase", "post_deploy")
        assert new.bridges == []
    assert twins.difference() == ""


def test_without_a_value_it_is_refused(tmp_path: Path, database_url: str) -> None:
    second = {**FIRST, "0002_tight": f"migrations.RunSQL({tightened('bare')!r})"}
    with releases(
        Release(tmp_path / "1", database_url, OLD, FIRST), Release(tmp_path / "2", database_url, OLD, second)
    ) as (old, new):
        old.migrated("v1")
        old.query("INSERT INTO shop_order (note) SELECT 'a' FROM generate_series(1, 9)")
        old.query("ANALYZE shop_order")
        told = new.run("auto_migrate", "--plan", AUTO_MIGRATE_SMALL_TABLE="0", expect=6)
        assert "AM404 shop.0002_tight" in told
        assert "No bridge can serve it: there is no default." in told
        assert new.events("v2", **AT_ONCE) != []

"""A new column with a default in Python: the database keeps it for the code that does not know the column."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.bridges.releases import AT_ONCE, FIRST, Release, bridges, query

OLD = """
class Order(models.Model):
    note = models.CharField(max_length=50)
"""
NEW = f"{OLD}    place = models.IntegerField(default=7)\n"
ADD_PLACE = 'migrations.AddField("Order", "place", models.IntegerField(default=7))'
PLANS = {"0001_initial": FIRST, "0002_place": ADD_PLACE}
WRITE = """
order = Order.objects.create(note="a")
order.note = "b"
order.save()
Order.objects.create(note="c").delete()
"""
DEFAULTS = (
    "SELECT column_default FROM information_schema.columns WHERE table_name = 'shop_order' AND column_name = '{}'"
)
STANDING = [("default", "shop_order", "place")]


@pytest.fixture
def old(tmp_path: Path, database_url: str) -> Release:
    """Return the release that is running."""
    release = Release(tmp_path / "v1", database_url, "v1", OLD, {"0001_initial": FIRST})
    release.migrated()
    release.code(WRITE)
    return release


def later(old: Release, name: str, **env: str) -> Release:
    """Return a release that has the new column."""
    return Release(old.folder.parent / name, old.url, name, NEW, PLANS, **env)


def test_the_default_stays_until_a_later_release_finds_the_old_code_gone(old: Release) -> None:
    new = later(old, "v2")
    assert "Until the old code is gone: shop_order.place keeps its default" in new.migrated()
    old.code(WRITE)
    new.code(WRITE)
    # The same release's step on another of its pods, and one of the release that came too soon.
    new.migrated(**AT_ONCE)
    assert "POST_DEPLOY_DELAY have to pass" in later(old, "v3").migrated()
    assert (bridges(old.url), query(old.url, DEFAULTS.format("place"))) == (STANDING, [("7",)])
    assert "A bridge is taken down: shop_order.place" in later(old, "v4").migrated(**AT_ONCE)
    assert (bridges(old.url), query(old.url, DEFAULTS.format("place"))) == ([], [(None,)])
    new.code(WRITE)


def test_a_plan_tells_what_will_be_raised_and_taken_down(old: Release) -> None:
    planned = later(old, "v2").events("--plan")
    (assessed,) = [event["assessed"] for event in planned if event["event"] == "migration_assessed"]
    assert assessed["operations"][0]["bridges"] == [{"kind": "default", "table": "shop_order", "column": "place"}]
    assert [(found["code"], found["handled"]) for found in assessed["findings"]] == [("AM403", "bridge")]
    later(old, "v2b").migrated()
    (found,) = [event for event in later(old, "v3").events("--plan", **AT_ONCE) if event["event"] == "bridges_found"]
    assert [bridge["column"] for bridge in found["due"]] == ["place"] == [b["column"] for b in found["standing"]]


def test_what_stands_is_shown_and_counts_as_up_to_date(old: Release) -> None:
    new = later(old, "v2")
    new.migrated()
    _status, health = new.project.get("/health/")
    assert (health["migrations"]["state"], health["status"]) == ("up_to_date", "healthy")
    (bridge,) = health["migrations"]["bridges"]
    assert (bridge["kind"], bridge["migration"], bridge["table"]) == ("default", "shop.0002_place", "shop_order")
    _status, debug = new.project.get("/debug/")
    assert debug["databases"]["default"]["bridges"][0]["definition"] == "7"
    assert new.run("auto_migrate", "--check").code == 0


def test_the_release_before_comes_back_while_a_bridge_stands(old: Release) -> None:
    later(old, "v2").migrated()
    assert "older than the database" in old.migrated(**AT_ONCE)
    old.code(WRITE)
    assert bridges(old.url) == STANDING


def test_a_release_step_that_failed_lets_nothing_out(old: Release) -> None:
    broken = {**PLANS, "0003_broken": 'migrations.RunSQL("SELECT 1 / 0")'}
    Release(old.folder.parent / "v2", old.url, "v2", NEW, broken).run("auto_migrate", expect=1)
    assert bridges(old.url) == STANDING
    later(old, "v3").migrated(**AT_ONCE)
    assert bridges(old.url) == STANDING
    later(old, "v4").migrated(**AT_ONCE)
    assert bridges(old.url) == []


def test_by_hand_it_falls_at_once(old: Release) -> None:
    new = later(old, "v2")
    new.migrated()
    assert "A bridge is taken down" in new.migrated("--phase", "post_deploy")
    assert bridges(old.url) == []


def test_without_a_release_the_code_tells_them_apart(old: Release) -> None:
    nameless = {"AUTO_MIGRATE_RELEASE": "", **AT_ONCE}
    new = later(old, "v2", **nameless)
    new.migrated()
    query(old.url, "UPDATE auto_migrate_run SET fingerprint = NULL")
    new.migrated()
    assert bridges(old.url) == STANDING
    more = {**PLANS, "0003_more": 'migrations.AddField("Order", "more", models.IntegerField(null=True))'}
    Release(
        old.folder.parent / "v3", old.url, "v3", f"{NEW}    more = models.IntegerField(null=True)\n", more
    ).migrated(**nameless)
    assert bridges(old.url) == []


def test_nothing_is_dropped_that_somebody_has_changed(old: Release) -> None:
    new = later(old, "v2")
    new.migrated()
    query(old.url, "ALTER TABLE shop_order ALTER place SET DEFAULT 8")
    assert "was changed by others" in new.migrated("--phase", "post_deploy")
    assert (bridges(old.url), query(old.url, DEFAULTS.format("place"))) == ([], [("8",)])


@pytest.mark.parametrize("gone", ["DROP TABLE shop_order", "ALTER TABLE shop_order DROP place"])
def test_what_was_dropped_by_hand_is_forgotten(old: Release, gone: str) -> None:
    new = later(old, "v2")
    new.migrated()
    query(old.url, gone)
    new.migrated("--phase", "post_deploy")
    assert bridges(old.url) == []


def test_switched_off_nothing_is_bridged(old: Release) -> None:
    new = later(old, "v2", AUTO_MIGRATE_BRIDGES="false", AUTO_MIGRATE_SMALL_TABLE="0")
    assert "bridges are switched off" in new.run("auto_migrate", expect=6).text
    new.migrated("--acknowledge", "AM403:shop.0002_place")
    assert bridges(old.url) == []
    assert "place" in old.code(WRITE, expect=1).text


def test_neither_a_new_table_nor_a_new_database_needs_one(old: Release, tmp_path: Path) -> None:
    made = f'migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))])'
    add = 'migrations.AddField("Item", "place", models.IntegerField(default=7))'
    models = f"{OLD}\nclass Item(models.Model):\n    place = models.IntegerField(default=7)\n"
    plan = {"0001_initial": FIRST, "0002_item": made, "0003_place": add}
    Release(tmp_path / "v2", old.url, "v2", models, plan).migrated()
    assert bridges(old.url) == []


def test_djangos_migrate_raises_none(old: Release) -> None:
    later(old, "v2").run("migrate")
    assert bridges(old.url) == []
    assert query(old.url, DEFAULTS.format("place")) == [(None,)]

"""A new column with a default in Python: the database keeps it for the code that does not know the column."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.bridges.conftest import NEW, OLD, SECOND
from tests.integration.bridges.releases import AT_ONCE, ID, Release, releases

WRITE = """
order = Order.objects.create(note="a")
order.note = "b"
order.save()
Order.objects.create(note="c").delete()
"""
DEFAULT = (
    "SELECT column_default FROM information_schema.columns WHERE (table_name, column_name) = ('shop_order', 'place')"
)
STANDING = [("default", "shop_order", "place")]
ADDED_PLACE = SECOND["0002_place"]
FIRST = {"0001_initial": SECOND["0001_initial"]}


def test_the_default_stays_until_a_later_release_finds_the_old_code_gone(old: Release, new: Release) -> None:
    assert "Until the old code is gone: shop_order.place keeps its default" in new.migrated("v2")
    old.code(WRITE)
    new.code(WRITE)
    # The same release's step on another of its pods, and one of the release that came too soon.
    new.query("UPDATE auto_migrate_run SET fingerprint = NULL")
    new.migrated("v2", **AT_ONCE)
    assert "POST_DEPLOY_DELAY have to pass" in new.migrated("v3")
    assert (new.bridges, new.query(DEFAULT)) == (STANDING, [("7",)])
    assert "A bridge is taken down: shop_order.place" in new.migrated("v4", **AT_ONCE)
    assert (new.bridges, new.query(DEFAULT)) == ([], [(None,)])
    new.code(WRITE)
    assert "place" in old.code(WRITE, expect=1)


def test_a_plan_tells_what_will_be_raised_and_taken_down(new: Release) -> None:
    (assessed,) = [event["assessed"] for event in new.events("v2", "--plan") if "assessed" in event]
    assert assessed["operations"][0]["bridges"] == [{"kind": "default", "table": "shop_order", "column": "place"}]
    assert [(found["code"], found["handled"]) for found in assessed["findings"]] == [("AM403", "bridge")]
    new.migrated("v2")
    (found,) = [event for event in new.events("v3", "--plan", **AT_ONCE) if event["event"] == "bridges_found"]
    assert [bridge["column"] for bridge in found["due"]] == ["place"] == [b["column"] for b in found["standing"]]


def test_what_stands_is_shown_and_counts_as_up_to_date(new: Release) -> None:
    new.migrated("v2")
    health = new.get("health")
    assert (health["migrations"]["state"], health["status"]) == ("up_to_date", "healthy")
    (bridge,) = health["migrations"]["bridges"]
    assert (bridge["kind"], bridge["migration"], bridge["table"]) == ("default", "shop.0002_place", "shop_order")
    assert "definition" not in bridge
    assert new.get("debug")["databases"]["default"]["bridges"][0]["definition"] == "7"
    assert "No migrations are pending" in new.migrated("v2", "--check")


def test_the_release_before_comes_back_while_a_bridge_stands(old: Release, new: Release) -> None:
    new.migrated("v2")
    assert "older than the database" in old.migrated("v1", **AT_ONCE)
    old.migrated("v1", "--phase", "post_deploy", **AT_ONCE)
    old.code(WRITE)
    assert new.bridges == STANDING


def test_a_release_step_that_failed_lets_nothing_out(new: Release, tmp_path: Path) -> None:
    broken = {**SECOND, "0003_broken": 'migrations.RunSQL("SELECT 1 / 0")'}
    with releases(Release(tmp_path / "broken", new.url, NEW, broken)) as (release,):
        release.run("auto_migrate", expect=1, AUTO_MIGRATE_RELEASE="v2")
    assert new.bridges == STANDING
    new.migrated("v3", **AT_ONCE)
    assert new.bridges == STANDING
    new.migrated("v4", **AT_ONCE)
    assert new.bridges == []


def test_by_hand_it_falls_at_once(new: Release) -> None:
    new.migrated("v2")
    assert "A bridge is taken down" in new.migrated("v2", "--phase", "post_deploy")
    assert new.bridges == []


def test_without_a_release_the_code_tells_them_apart(old: Release, new: Release, tmp_path: Path) -> None:
    new.migrated("", **AT_ONCE)
    new.query("UPDATE auto_migrate_run SET fingerprint = NULL")
    new.migrated("", **AT_ONCE)
    assert new.bridges == STANDING
    more = {**SECOND, "0003_more": 'migrations.AddField("Order", "more", models.IntegerField(null=True))'}
    code = f"{NEW}    more = models.IntegerField(null=True)\n"
    with releases(Release(tmp_path / "more", new.url, code, more)) as (release,):
        release.migrated("", **AT_ONCE)
    assert new.bridges == []


def test_nothing_is_dropped_that_somebody_has_changed(new: Release) -> None:
    new.migrated("v2")
    new.query("ALTER TABLE shop_order ALTER place SET DEFAULT 8")
    assert "was changed by others" in new.migrated("v2", "--phase", "post_deploy")
    assert (new.bridges, new.query(DEFAULT)) == ([], [("8",)])


@pytest.mark.parametrize("gone", ["DROP TABLE shop_order", "ALTER TABLE shop_order DROP place"])
def test_what_was_dropped_by_hand_is_forgotten(new: Release, gone: str) -> None:
    new.migrated("v2")
    new.query(gone)
    new.migrated("v2", "--phase", "post_deploy")
    assert new.bridges == []


def test_switched_off_nothing_is_bridged(old: Release, new: Release) -> None:
    off = {"AUTO_MIGRATE_BRIDGES": "false", "AUTO_MIGRATE_SMALL_TABLE": "0", "AUTO_MIGRATE_RELEASE": "v2"}
    old.code(WRITE)
    assert "bridges are switched off" in new.run("auto_migrate", expect=6, **off)
    new.run("auto_migrate", "--acknowledge", "AM403:shop.0002_place", expect=0, **off)
    assert new.bridges == []
    assert "place" in old.code(WRITE, expect=1)


def test_neither_a_new_table_nor_a_new_database_needs_one(new: Release, tmp_path: Path, database_url: str) -> None:
    made = f'migrations.CreateModel("Item", [{ID}])'
    add = 'migrations.AddField("Item", "place", models.IntegerField(default=7))'
    plan = {"0001_initial": SECOND["0001_initial"], "0002_item": made, "0003_place": add}
    code = f"{OLD}\nclass Item(models.Model):\n    place = models.IntegerField(default=7)\n"
    with releases(Release(tmp_path / "made", new.url, code, plan)) as (release,):
        release.migrated("v2")
        assert release.bridges == []
    first = new.on(database_url)
    first.migrated("v1")
    assert first.bridges == []


def test_djangos_migrate_raises_none(new: Release) -> None:
    new.run("migrate")
    assert (new.bridges, new.query(DEFAULT)) == ([], [(None,)])


def test_unapplied_the_bridge_goes_with_its_column(old: Release, new: Release) -> None:
    new.migrated("v2")
    new.migrated("v2", "shop", "0001")
    assert new.bridges == []
    old.code(WRITE)


def test_of_two_runners_one_raises_it_and_one_takes_it_down(new: Release) -> None:
    for release in ("v2", "v3"):
        both = [new.start("auto_migrate", AUTO_MIGRATE_RELEASE=release, **AT_ONCE) for _ in range(2)]
        assert [runner.wait() for runner in both] == [0, 0], [runner.output for runner in both]
        told = "".join(runner.output for runner in both)
        assert told.count("Until the old code is gone" if release == "v2" else "A bridge is taken down") == 1
    assert (new.bridges, new.query(DEFAULT)) == ([], [(None,)])


def test_what_a_plan_made_that_was_cut_is_used_by_no_release(tmp_path: Path, database_url: str) -> None:
    made = f'migrations.CreateModel("Item", [{ID}, ("orders", models.ManyToManyField("shop.Order"))])'
    added = 'migrations.AddField("Item", "place", models.IntegerField(default=7))'
    failing = {**FIRST, "0002_item": made, "0003_both": f'{added}, migrations.RunSQL("SELECT 1/0")'}
    mended = {**failing, "0003_both": f"{added}, {ADDED_PLACE}"}
    models = f"{NEW}\nclass Item(models.Model):\n    orders = models.ManyToManyField(Order)\n"
    models += "    place = models.IntegerField(default=7)\n"
    with releases(
        Release(tmp_path / "1", database_url, OLD, FIRST),
        Release(tmp_path / "2", database_url, models, failing),
        Release(tmp_path / "3", database_url, models, mended),
    ) as (old, cut, new):
        old.migrated("v1")
        cut.run("auto_migrate", expect=1, AUTO_MIGRATE_RELEASE="v2")
        told = new.migrated("v2")
        assert new.bridges == [("default", "shop_order", "place")]
        assert told.count("AM403") == 1
        # From now on the release with the table is out.
        later = {**mended, "0004_later": added.replace("place", "later")}
        with releases(Release(tmp_path / "4", database_url, models, later)) as (next_one,):
            next_one.migrated("v3")
            assert ("default", "shop_item", "later") in next_one.bridges

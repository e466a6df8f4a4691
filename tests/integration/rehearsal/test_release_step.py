"""What the release step does beside the migrations' own statements is rehearsed with them, or told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.online.shop import ALWAYS, Shop

SECOND = """
    migrations.AddField("item", "size", models.IntegerField(default=7)),
    migrations.AddIndex("item", models.Index(fields=["number"], name="item_number")),
    migrations.RunSQL("INSERT INTO shop_item (name) VALUES ('of the one before')", ""),
"""


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Shop:
    """Return a shop that has its first migration, and one to come."""
    shop = Shop(tmp_path, database_url)
    shop.deploy()
    shop.second(SECOND)
    return shop


def rehearsed(shop: Shop, **settings: object) -> tuple[int, list[dict[str, object]]]:
    """Rehearse the plan; return the exit code and the events."""
    shop.settings(AUTO_MIGRATE={**ALWAYS, **settings})
    done = shop.run("rehearse_migrations", "--format", "json")
    return done.code, [json.loads(line) for line in done.output.splitlines()]


def test_bridges_are_raised_and_what_goes_online_is_named(shop: Shop) -> None:
    # Without a bridge the SQL, which does not know the new column, is refused there as it would be in the deploy.
    code, _events = rehearsed(shop, BRIDGES=False)
    assert code == 1
    code, events = rehearsed(shop, BRIDGES=True)
    assert code == 0, events[-1]
    found = {str(event["event"]): event for event in events}
    assert "size" in str(found["bridges_raised"])
    told = found["steps_not_rehearsed"]
    assert (told["migration"], told["operation"], told["steps"]) == ("shop.0002_second", 2, 1)
    assert {finding["code"]: finding["handled"] for finding in found["plan_assessed"]["findings"]}["AM109"] == "online"  # type: ignore[attr-defined]
    # The real database has neither.
    assert shop.query("SELECT to_regclass('auto_migrate_bridge') IS NULL, count(*) = 300 FROM shop_item") == [
        (True, True)
    ]


def test_a_small_table_is_rehearsed_as_it_is_changed(shop: Shop) -> None:
    code, events = rehearsed(shop, BRIDGES=True, ONLINE="auto")
    assert code == 0, events[-1]
    assert "steps_not_rehearsed" not in {event["event"] for event in events}


def test_what_failed_contradicts_no_rule(shop: Shop) -> None:
    shop.second('migrations.AddField("item", "size", models.IntegerField()),')
    shop.settings(AUTO_MIGRATE={**ALWAYS, "BRIDGES": False})
    done = shop.run("rehearse_migrations", "--rows", "5", "--format", "json")
    assert (done.code, "contains null values" in done.output) == (1, True), done.text
    assert "rule_contradicted" not in done.output

"""How long a plan will take: by the sizes of its tables, by the pace of this database, and by what took time before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fallback.project import ID, Project

INDEX = 'migrations.AddIndex("a", models.Index(fields=["n"], name="{name}"))'


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Project:
    """Return a shop with a table of some size, in which an index is to be built."""
    project = Project(tmp_path, database_url)
    project.app("shop")
    project.settings(AUTO_MIGRATE={"BLOCK": "never", "ONLINE": "never"})
    project.migration("shop", "0001_first", f'migrations.CreateModel("A", [{ID}, ("n", models.TextField())])')
    assert project.run("auto_migrate").code == 0
    project.query("INSERT INTO shop_a (n) SELECT repeat('x', 90) || n FROM generate_series(1, 100000) AS n")
    project.query("ANALYZE shop_a")
    project.migration("shop", "0002_one", INDEX.format(name="one"), after="0001_first")
    return project


def forecast(project: Project) -> Any:
    lines = map(json.loads, project.run("auto_migrate", "--plan", "--format", "json").output.splitlines())
    [judged] = [line for line in lines if line["event"] == "plan_assessed"]
    return judged["forecast"]


def test_it_goes_by_the_sizes_of_tables_and_then_by_what_this_database_has_shown(shop: Project) -> None:
    by_sizes = forecast(shop)
    assert by_sizes["basis"] == "sizes"
    assert 0.05 < by_sizes["longest_lock_seconds"] <= by_sizes["seconds"]
    assert "⏱ Foreseen: " in shop.run("auto_migrate", "--plan").output
    assert shop.run("auto_migrate").code == 0
    [(told,)] = shop.query("SELECT detail FROM auto_migrate_event WHERE kind = 'plan_foreseen'")
    assert told["seconds"] == pytest.approx(by_sizes["seconds"], rel=0.5)
    # Another index of the same table is foreseen by what the first one took.
    shop.migration("shop", "0003_two", INDEX.format(name="two"), after="0002_one")
    learned = forecast(shop)
    assert learned["basis"] == "learned"
    [took] = shop.query("SELECT duration FROM auto_migrate_step WHERE name = '0002_one'")[0]
    assert took / 4 < learned["seconds"] < took * 4
    # And what this database had before, by what it took.
    assert shop.run("auto_migrate", "shop", "0001").code == 0
    again = forecast(shop)
    assert [one["basis"] for one in again["migrations"]] == ["history", "learned"]
    assert again["migrations"][0]["seconds"] == pytest.approx(took, abs=0.002)
    assert again["basis"] == "learned"


def test_nobody_can_tell_how_long_a_function_takes_before_it_did(shop: Project) -> None:
    before = "def nothing(apps, editor): pass\n"
    shop.migration("shop", "0003_work", "migrations.RunPython(nothing, nothing)", after="0002_one", before=before)
    told = forecast(shop)
    assert told["seconds"] is None
    assert told["longest_lock_seconds"] > 0.05
    assert "how long functions, or going back, take nobody can tell" in shop.run("auto_migrate", "--plan").output


def test_a_lock_in_a_transaction_is_held_to_its_end(shop: Project) -> None:
    add = 'migrations.AddField("b", "m", models.TextField(null=True)),'
    shop.query("DELETE FROM shop_a")
    shop.migration("shop", "0002_one", f'migrations.CreateModel("B", [{ID}])', after="0001_first")
    assert shop.run("auto_migrate").code == 0
    shop.query("INSERT INTO shop_a (n) SELECT repeat('x', 90) || n FROM generate_series(1, 100000) AS n")
    shop.query("ANALYZE shop_a")
    concurrently = INDEX.format(name="one").replace("migrations.AddIndex", "AddIndexConcurrently")
    before = "from django.contrib.postgres.operations import AddIndexConcurrently\n"
    both = add + INDEX.format(name="one")
    shop.migration("shop", "0003_both", both, after="0002_one")
    held = forecast(shop)["longest_lock_seconds"]
    shop.migration("shop", "0003_both", add + concurrently, after="0002_one", before=before, head="atomic = False")
    apart = forecast(shop)
    assert apart["longest_lock_seconds"] < 0.05 < held
    assert apart["seconds"] > 0.05


def test_no_lock_is_foreseen_for_longer_than_its_migration(shop: Project) -> None:
    shop.query("TRUNCATE shop_a")
    field = 'migrations.AddField("a", "city", models.CharField(max_length=9, null=True, db_index=True))'
    shop.migration("shop", "0002_one", field, after="0001_first")
    [told] = forecast(shop)["migrations"]
    assert 0 < told["longest_lock_seconds"] <= told["seconds"]


def test_a_database_whose_history_knows_no_forecasts_has_one(shop: Project) -> None:
    shop.query("DROP TABLE auto_migrate_event")
    assert forecast(shop)["basis"] == "sizes"
    assert shop.run("auto_migrate").code == 0

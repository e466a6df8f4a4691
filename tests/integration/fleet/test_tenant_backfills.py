"""Backfills of tenants' rows: in each schema by itself, at its place or in the background."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import pytest

from tests.integration.fleet.tenanted import Tenanted

BEFORE = """
from django.db.models import F
from auto_migrate.operations import Backfill, FinishBackfill
{more}
"""
N = 'migrations.AddField("item", "n", models.IntegerField(default=0)),'
COUNT = 'Backfill("shop.Item", "count", {what}, batch_rows=7{more}),'
SET = 'set={"n": F("n") + 1}'
BACKGROUND = ", background=True"
FINISH = 'FinishBackfill("shop", "count"),'
NAMES = ("acme", "beta", "gamma", "delta")
ONE_AT_A_TIME = {"AUTO_MIGRATE_TENANT_WORKERS": "1"}


def with_backfill(project: Tenanted, more: str = "", what: str = SET, before: str = "", rows: int = 40) -> Tenanted:
    """Give each tenant rows, and write a migration that counts each of them up."""
    for name in NAMES:
        project.query(f"INSERT INTO {name}.shop_item SELECT number FROM generate_series(1, {rows}) AS number")
    project.migration("shop", "0002_n", N, after="0001_initial")
    counting = COUNT.format(what=what, more=more)
    project.migration("shop", "0003_count", counting, after="0002_n", before=BEFORE.format(more=before))
    return project


def finishing(project: Tenanted) -> None:
    project.migration("shop", "0004_finish", FINISH, after="0003_count", before=BEFORE.format(more=""))


def times(project: Tenanted, *names: str) -> dict[str, list[tuple[int, int]]]:
    """Return how many rows of each schema were counted up how often."""
    counted = "SELECT n, count(*) FROM {name}.shop_item GROUP BY n ORDER BY n"
    return {name: project.query(counted.format(name=name)) for name in names or NAMES}


def states(project: Tenanted) -> dict[str, str]:
    return dict(project.query("SELECT schema, state FROM auto_migrate_backfill"))


def test_at_its_place_every_row_of_every_schema_is_written_once_and_taken_back(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, ', reverse_set={"n": F("n") - 1}')
    # A new tenant has nothing to be done, and nothing is kept of it.
    project.tenants("fresh")
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert times(project) == dict.fromkeys(NAMES, [(1, 40)])
    assert states(project) == dict.fromkeys(NAMES, "succeeded")
    assert "shop.0003_count" in project.recorded_in("fresh")
    back = project.run("auto_migrate", "shop", "0002")
    assert back.code == 0, back.text
    assert (times(project), states(project)) == (dict.fromkeys(NAMES, [(0, 40)]), {})


def test_in_the_background_each_schema_is_held_back_until_its_own_is_done(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, BACKGROUND)
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert "shop.count: not begun, in 4 schemas: acme, beta, delta, gamma" in done.output
    assert project.get("/health/")[1]["backfills"] == {"pending": 4}
    assert project.run("backfills", "pause", "count", "--tenant=beta").output.startswith("paused ")
    worker = project.run("backfills", "run")
    assert worker.code == 0, worker.text
    assert "shop.count: 120/120 rows, done, in 3 schemas: acme, delta, gamma" in worker.output
    assert times(project, "acme", "beta") == {"acme": [(1, 40)], "beta": [(0, 40)]}
    finishing(project)
    refused = project.run("auto_migrate")
    assert refused.code == 10, refused.text
    assert "in 1 schema: beta" in refused.errors
    # Nothing of the plan is applied anywhere, not even where all is done.
    assert "shop.0004_finish" not in project.recorded_in("public") | project.recorded_in("acme")
    assert project.run("backfills", "pause", "count").code == 2
    assert "1 schema: beta" in project.run("backfills", "resume", "count").output
    slow = project.run("auto_migrate", AUTO_MIGRATE_BACKFILL_FINISH="0.001")
    assert slow.code == 10, slow.text
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert times(project) == dict.fromkeys(NAMES, [(1, 40)])
    told = [json.loads(line) for line in project.run("backfills", "--format=json").output.splitlines()]
    assert {(one["schema"], one["state"]) for one in told} == {(name, "succeeded") for name in NAMES}
    _status, content = project.get("/backfills/?tenant=beta")
    assert [one["schema"] for one in content["results"]] == ["beta"]

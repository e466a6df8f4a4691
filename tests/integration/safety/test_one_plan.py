"""An acknowledgement that is for one plan alone lets no other pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.fallback.project import ID, Project

NAME = "AM301:shop.0002_drop"


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Project:
    """Return a shop that is about to drop a column which holds something."""
    project = Project(tmp_path, database_url)
    project.app("shop")
    project.migration("shop", "0001_first", f'migrations.CreateModel("A", [{ID}, ("n", models.TextField())])')
    assert project.run("auto_migrate").code == 0
    project.query("INSERT INTO shop_a (n) VALUES ('x')")
    project.migration("shop", "0002_drop", 'migrations.RemoveField("a", "n")', after="0001_first")
    return project


def fingerprint(shop: Project) -> str:
    lines = shop.run("auto_migrate", "--plan", "--format", "json").output.splitlines()
    [judged] = [line for line in map(json.loads, lines) if line["event"] == "plan_assessed"]
    return str(judged["plan"])


def test_it_lets_the_plan_pass_that_it_is_for_and_no_other(shop: Project) -> None:
    plan = fingerprint(shop)
    assert fingerprint(shop) == plan
    other = ("0" if plan[0] != "0" else "1") + plan[1:4]
    refused = shop.run("auto_migrate", f"--acknowledge={NAME}@{other}=known")
    assert refused.code == 6
    assert f"for the plan {other}, and this is {plan}" in refused.errors
    shop.migration("shop", "0003_more", 'migrations.AddField("a", "m", models.TextField(null=True))', after="0002_drop")
    assert fingerprint(shop) != plan
    assert shop.run("auto_migrate", f"--acknowledge={NAME}@{plan[:4]}=known").code == 6
    assert shop.recorded == ["shop.0001_first"]
    assert shop.run("auto_migrate", f"--acknowledge={NAME}@{fingerprint(shop)[:4]}=known").code == 0
    kept = "SELECT findings->0->>'acknowledged' FROM auto_migrate_run ORDER BY requested_at DESC LIMIT 1"
    assert shop.query(kept) == [("known",)]


def test_it_is_not_for_a_plan_of_which_nobody_has_told_the_fingerprint(shop: Project) -> None:
    assert shop.run("auto_migrate", f"--acknowledge={NAME}@3f=known").code == 2
    assert shop.run("auto_migrate", f"--acknowledge={NAME}@=known").code == 2

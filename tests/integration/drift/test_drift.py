"""What differs from the schema that the recorded migrations make is told, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.drift.altered import ALTERED, UNTOUCHED, alter, events, write
from tests.integration.fallback.project import ID, Project
from tests.schemas import SARIF


def test_each_alteration_is_told_and_nothing_else(tmp_path: Path, database_url: str) -> None:
    project = write(tmp_path, database_url, [*UNTOUCHED, *ALTERED])
    assert project.run("migrate").code == 0
    clean = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert clean.code == 0, clean.text
    assert f"tables compared: {3 * len(UNTOUCHED | ALTERED)}." in clean.output
    alter(project)
    said = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift", "--format", "json")
    assert said.code == 7, said.text
    found: dict[str, set[tuple[str, str]]] = {app: set() for app in UNTOUCHED | ALTERED}
    for event in events(said.output, "drift_found"):
        found[event["app_label"]].add((event["difference"]["part"], event["difference"]["kind"]))
    assert found == {app: told for app, (_statement, told) in (UNTOUCHED | ALTERED).items()}
    (checked,) = events(said.output, "drift_checked")
    assert checked["unclaimed"] == [f"{app}_old_near" for app in ("table_renamed", "view") if app in ALTERED]
    # Nothing that was made to compare with is left.
    assert project.query("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()") == [(0,)]


def test_what_a_migration_makes_in_sql_of_its_own_is_told_as_its_work(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("Item", [{ID}, ("n", models.IntegerField())])')
    project.migration(
        "shop", "0002_sql",
        "migrations.RunSQL('ALTER TABLE shop_item ADD COLUMN search tsvector; UPDATE shop_item SET n = 1'), "
        "migrations.RunPython(fill)", after="0001_initial",
        before="def fill(apps, editor):\n    editor.execute('CREATE INDEX shop_found ON shop_item USING gin (search)')",
    )  # fmt: skip
    assert project.run("migrate").code == 0
    said = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift", "--format", "json")
    assert said.code == 0, said.text
    told = events(said.output, "drift_found")
    assert [(one["difference"]["name"], one["made_by"]) for one in told] == [
        ("search", "shop.0002_sql"),
        ("shop_found", "shop.0002_sql"),
    ]
    log = json.loads(project.run("auto_migrate", "--plan", "--drift", "--format", "sarif").output)
    SARIF.validate(log)
    (result, _index) = log["runs"][0]["results"]
    assert (result["ruleId"], result["message"]["text"]) == (
        "drift-extra",
        "shop_item: column search is in no migration: tsvector",
    )
    assert [one["kind"] for one in result["suppressions"]] == ["external"]
    # A statement that only writes explains nothing.
    project.query("ALTER TABLE shop_item DROP COLUMN n")
    text = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert text.code == 7
    assert "column n is missing: integer NOT NULL" in text.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--drift"], "--drift means nothing without --plan."),
        (["--plan", "--fail-on-drift"], "--fail-on-drift means nothing without --drift."),
        (["--plan", "--drift"], "'default' is no PostgreSQL"),
        (["--adopt"], "'default' is no PostgreSQL"),
        (["--adopt", "--check"], "--adopt goes with --plan alone, and not with: check."),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    project = write(tmp_path, "", ["shop"])
    said = project.run("auto_migrate", *options)
    assert said.code == 2, said.text
    assert words in said.errors

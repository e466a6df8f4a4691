"""A project whose system checks find errors is not migrated, and one that is known to pass them is not asked again."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

CHECKS = """
import os
import pathlib

from django.apps import AppConfig
from django.core import checks
from django.db import connection


def look(app_configs, databases=None, **_more):
    with open(pathlib.Path(__file__).parent / "looked", "a") as file:
        file.write(" ".join(databases or ["-"]) + ";")
    match os.environ.get("FOUND"):
        case "error":
            return [checks.Error("The cupboard is bare.", hint="Fill it.", id="shop.E001")]
        case "warning":
            return [checks.Warning("The cupboard is low.", id="shop.W001")]
        case "query":
            connection.cursor().execute("SELECT * FROM nowhere")
        case "crash":
            raise RuntimeError("the cupboard is locked")
    return []


class Config(AppConfig):
    name = "shop"

    def ready(self):
        checks.register(look, checks.Tags.models)
"""


@pytest.fixture
def checked(project: Project) -> Project:
    """Return a project with a check of its own."""
    project.app("shop")
    project.file("shop/apps.py", CHECKS)
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    return project


def looks(project: Project) -> int:
    """Count how often the check was run."""
    path = project.folder / "code/shop/looked"
    return path.read_text().count(";") if path.exists() else 0


def test_errors_refuse_with_their_text(checked: Project) -> None:
    done = checked.run("auto_migrate", FOUND="error")
    assert done.code == 2, done.text
    assert "?: (shop.E001) The cupboard is bare." in done.errors
    assert "HINT: Fill it." in done.errors
    assert "--skip-checks" in done.errors
    assert "Traceback" not in done.text
    assert checked.query("SELECT name FROM sqlite_master WHERE name = 'shop_a'") == []
    assert checked.query("SELECT status, exit_code FROM auto_migrate_run") == [("failed", 2)]


def test_a_check_that_raises_refuses_and_says_so(checked: Project) -> None:
    done = checked.run("auto_migrate", FOUND="crash")
    assert done.code == 2, done.text
    assert "A system check raised RuntimeError: the cupboard is locked." in done.errors
    assert "Traceback" not in done.text


def test_a_check_that_asks_for_what_is_not_there_yet_is_to_blame_and_not_the_database(checked: Project) -> None:
    done = checked.run("auto_migrate", FOUND="query")
    assert done.code == 2, done.text
    assert "A system check raised OperationalError: no such table" in done.errors
    assert "Traceback" not in done.text


def test_errors_are_passed_over_where_that_is_asked_for_or_they_are_silenced(checked: Project) -> None:
    assert checked.run("auto_migrate", "--skip-checks", FOUND="error").code == 0
    assert checked.recorded == ["shop.0001_initial"]
    assert looks(checked) == 0
    checked.settings(SILENCED_SYSTEM_CHECKS=["shop.E001"])
    assert checked.run("auto_migrate", FOUND="error").code == 0


def test_warnings_refuse_nothing(checked: Project) -> None:
    assert checked.run("auto_migrate", FOUND="warning").code == 0


def test_what_is_known_to_have_passed_is_not_checked_again(checked: Project) -> None:
    assert checked.run("auto_migrate").code == 0
    assert looks(checked) == 1
    assert checked.run("auto_migrate", FOUND="error").code == 0
    assert looks(checked) == 1


def test_what_a_run_without_checks_found_proves_nothing_of_them(checked: Project) -> None:
    assert checked.run("auto_migrate", "--skip-checks").code == 0
    # Its answer will do for those who ask for the schema, and for another one without checks.
    assert checked.get("/ready/") == (200, {"status": "ready"})
    assert checked.run("auto_migrate", "--check", FOUND="error").code == 0
    assert checked.run("auto_migrate", "--skip-checks", FOUND="error").code == 0
    assert checked.query("SELECT count(*) FROM auto_migrate_run") == [(1,)]
    assert checked.run("auto_migrate", FOUND="error").code == 2
    assert checked.run("auto_migrate").code == 0
    assert checked.run("auto_migrate", "--skip-checks", FOUND="error").code == 0


def test_checks_of_the_database_are_those_of_the_one_that_is_migrated(checked: Project) -> None:
    checked.databases["other"] = f"sqlite:///{checked.folder}/other.sqlite3"
    assert checked.run("auto_migrate", "--database=other").code == 0
    assert (checked.folder / "code/shop/looked").read_text() == "other;"


def test_another_release_is_checked_although_its_schema_is_known(checked: Project) -> None:
    assert checked.run("auto_migrate", AUTO_MIGRATE_RELEASE="v1").code == 0
    assert checked.run("auto_migrate", AUTO_MIGRATE_RELEASE="v2", FOUND="error").code == 2
    assert checked.run("auto_migrate", AUTO_MIGRATE_RELEASE="v2").code == 0
    assert checked.run("auto_migrate", AUTO_MIGRATE_RELEASE="v2", FOUND="error").code == 0

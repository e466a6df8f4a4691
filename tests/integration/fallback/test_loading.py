"""Migrations that cannot be loaded, whatever they raise: `diverged`, with what to do, and the database is well."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

SOUND = f'migrations.CreateModel("A", [{ID}]),'


@pytest.fixture
def swapped(project: Project) -> Project:
    """Return a project whose user model lies in an app that has a package for migrations and none in it."""
    project.app("people", "class User(models.Model):\n    USERNAME_FIELD = 'id'\n    REQUIRED_FIELDS = []")
    project.app("shop")
    project.settings(AUTH_USER_MODEL="people.User")
    project.migration("shop", "0001_initial", SOUND)
    path = project.folder / "code/shop/migrations/0001_initial.py"
    path.write_text(path.read_text().replace("dependencies = []", 'dependencies = [("people", "__first__")]'))
    return project


BODIES = {
    "ModuleNotFoundError": "import nowhere_to_be_found",
    "SyntaxError": "def broken(:",
    "ZeroDivisionError": "1 / 0",
    "SystemExit": "import sys; sys.exit(0)",
    "KeyError": "{}['nothing']",
    "no such table": "from django.db import connection; connection.cursor().execute('SELECT * FROM nowhere')",
    "Own: gone": "class Own(BaseException): pass\nraise Own('gone')",
    "do not fit together: Migration shop.0002_broken dependencies": "REPLACED",
    "do not fit together: Migration 0002_broken in app shop has no Migration class": "GONE",
    "do not fit together: shop.000": "CIRCLE",
}


@pytest.fixture(params=BODIES, ids=lambda said: said.rpartition(": ")[2][:30])
def broken(request: pytest.FixtureRequest, project: Project) -> tuple[Project, str]:
    """Return a project that was up to date until a migration was added that cannot be loaded, and what is said."""
    project.app("shop")
    project.migration("shop", "0001_initial", SOUND)
    assert project.run("auto_migrate").code == 0
    body, after = BODIES[request.param], "0001_initial"
    if body == "REPLACED":
        body, after = "", "0009_nowhere"
    if body == "CIRCLE":
        body, after = "", "0003_last"
        project.migration("shop", "0003_last", "", after="0002_broken")
    project.migration("shop", "0002_broken", "", after=after, before=body)
    if body == "GONE":
        project.file("shop/migrations/0002_broken.py", "")
    return project, request.param


COMMANDS = [
    ["auto_migrate"],
    ["auto_migrate", "--check"],
    ["auto_migrate", "--plan"],
    ["wait_for_migrations", "--timeout=0"],
]


def hold_to_the_truth(project: Project, said: str) -> None:
    """Hold every command and every page to the same answer."""
    for command in COMMANDS:
        done = project.run(*command)
        assert done.code == 7, done.text
        assert said in done.text
        assert "Traceback" not in done.text
    assert project.get("/ready/") == (503, {"status": "not_ready", "reason": "diverged"})
    status, health = project.get("/health/")
    assert (status, health["status"], health["database"]["status"]) == (200, "degraded", "connected")
    assert health["migrations"]["state"] == "diverged"
    status, debug = project.get("/debug/")
    told = debug["databases"]["default"]["migrations"]
    assert (status, told["state"], said in told["problem"]) == (200, "diverged", True)


def test_a_dependency_on_an_app_without_migrations_is_told(swapped: Project) -> None:
    hold_to_the_truth(swapped, "Dependency on app with no migrations: people")
    done = swapped.run("auto_migrate")
    assert "manage.py makemigrations people" in done.errors


def test_a_dependency_on_an_app_that_is_not_installed_is_told(swapped: Project) -> None:
    swapped.settings(AUTH_USER_MODEL="auth.User", INSTALLED_APPS=["auto_migrate", "shop"])
    hold_to_the_truth(swapped, "Dependency on unknown app: people")
    assert "Install the app people" in swapped.run("auto_migrate").errors


@pytest.mark.sampled(2)
def test_whatever_a_module_raises_is_told(broken: tuple[Project, str]) -> None:
    project, said = broken
    hold_to_the_truth(project, said)
    assert project.recorded == ["shop.0001_initial"]


@pytest.mark.parametrize("command", [["assess_migrations", "shop"], ["assess_migrations", "--since=HEAD"]])
def test_an_assessment_says_it_too(swapped: Project, command: list[str]) -> None:
    done = swapped.run(*command)
    assert done.code in {2, 7}, done.text
    assert "Traceback" not in done.text


def test_the_place_of_what_raised_is_told(project: Project) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", SOUND, before="import shop.tools")
    project.file("shop/tools.py", "\n\n1 / 0\n")
    assert "code/shop/tools.py:3" in project.run("auto_migrate").errors
    project.file("shop/tools.py", "import json\n\njson.loads('')\n")
    assert "code/shop/tools.py:3" in project.run("auto_migrate").errors
    project.file("shop/tools.py", "def broken(:\n")
    assert "code/shop/tools.py:1" in project.run("auto_migrate").errors
    project.file("shop/migrations/0001_initial.py", "\n\nclass Migration(\n")
    said = project.run("auto_migrate").errors
    assert "code/shop/migrations/0001_initial.py:3" in said
    # It would fail in the same way.
    assert "showmigrations" not in said


def test_operations_that_can_be_read_only_once_are_carried_out(project: Project) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", SOUND)
    project.migration("shop", "0002_rows", "", after="0001_initial")
    path = project.folder / "code/shop/migrations/0002_rows.py"
    insert = 'migrations.RunSQL("INSERT INTO shop_a DEFAULT VALUES")'
    path.write_text(path.read_text().replace("operations = []", f"operations = ({insert} for _ in range(2))"))
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.query("SELECT count(*) FROM shop_a") == [(2,)]

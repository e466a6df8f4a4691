"""Nobody is told that a database is up to date of which one schema out of many was looked at."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

BACKEND = """
from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def set_schema(self, name):
        pass
"""
PACKAGES = {
    "django_tenants": "manage.py migrate_schemas",
    "django_pgschemas": "manage.py migrateschema --include-all-schemas",
}
COMMANDS = [
    ["auto_migrate"],
    ["auto_migrate", "--check"],
    ["auto_migrate", "--plan"],
    ["auto_migrate", "shop"],
    ["wait_for_migrations", "--timeout=0"],
]


@pytest.fixture(params=PACKAGES)
def tenanted(request: pytest.FixtureRequest, project: Project) -> tuple[Project, str]:
    """Return a project that is up to date in its one schema until a package brings tenants, and that package."""
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    assert project.run("auto_migrate").code == 0
    project.file(f"{request.param}/__init__.py")
    # The connection may be a project's own kind of the package's.
    project.file(f"{request.param}/backend/base.py", BACKEND)
    project.file(
        "own/base.py",
        f"from {request.param}.backend import base\n\nclass DatabaseWrapper(base.DatabaseWrapper):\n    pass\n",
    )
    project.settings(ENGINES={"default": {"ENGINE": "own"}})
    return project, request.param


def test_commands_end_with_what_brings_tenants_and_what_to_type(tenanted: tuple[Project, str]) -> None:
    project, package = tenanted
    for command in COMMANDS:
        done = project.run(*command)
        assert done.code == 2, done.text
        assert f"{package} keeps a schema for each tenant" in done.errors
        assert PACKAGES[package] in done.errors
        assert '"TENANTS": "none"' in done.errors
        assert "successfully" not in done.output


def test_pages_do_not_say_that_it_is_up_to_date(tenanted: tuple[Project, str]) -> None:
    project, package = tenanted
    assert project.get("/ready/") == (503, {"status": "not_ready", "reason": "tenants_unknown"})
    status, health = project.get("/health/")
    # A restart mends nothing here.
    assert (status, health["status"], health["database"]["status"]) == (200, "degraded", "connected")
    assert health["migrations"] == {"state": "unknown", "pending": None, "reason": "tenants_unknown"}
    status, debug = project.get("/debug/")
    assert status == 200
    assert f"{package} keeps a schema" in debug["databases"]["default"]["error"]


def test_a_project_that_says_so_is_looked_at_as_ever(tenanted: tuple[Project, str]) -> None:
    project, _package = tenanted
    for command in COMMANDS:
        assert project.run(*command, AUTO_MIGRATE_TENANTS="none").code == 0
    project.settings(AUTO_MIGRATE={"TENANTS": "none"})
    assert project.get("/ready/") == (200, {"status": "ready"})


def test_other_databases_of_the_project_have_no_tenants(tenanted: tuple[Project, str]) -> None:
    project, _package = tenanted
    project.databases["other"] = f"sqlite:///{project.folder}/other.sqlite3"
    assert project.run("auto_migrate", "--database=other").code == 0

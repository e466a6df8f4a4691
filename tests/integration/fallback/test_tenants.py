"""Nobody is told that a database is up to date of which nobody knows the schemas."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

BACKEND = """
from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def set_schema(self, name):
        pass
"""
COMMANDS = [
    ["auto_migrate"],
    ["auto_migrate", "--check"],
    ["auto_migrate", "--plan"],
    ["auto_migrate", "shop"],
    ["wait_for_migrations", "--timeout=0"],
]


@pytest.fixture
def tenanted(project: Project) -> Project:
    """Return a project that is up to date in its one schema until a package that is not known here brings tenants."""
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    assert project.run("auto_migrate").code == 0
    project.file("tenant_schemas/__init__.py")
    # The connection may be a project's own kind of the package's.
    project.file("tenant_schemas/backend/base.py", BACKEND)
    project.file(
        "own/base.py",
        "from tenant_schemas.backend import base\n\nclass DatabaseWrapper(base.DatabaseWrapper):\n    pass\n",
    )
    project.settings(ENGINES={"default": {"ENGINE": "own"}})
    return project


def test_commands_end_with_what_brings_tenants_and_what_to_type(tenanted: Project) -> None:
    for command in COMMANDS:
        done = tenanted.run(*command)
        assert done.code == 2, done.text
        assert "tenant_schemas keeps a schema for each tenant" in done.errors
        assert "manage.py migrate_schemas" in done.errors
        assert '"TENANTS": "none"' in done.errors
        assert "successfully" not in done.output


def test_pages_do_not_say_that_it_is_up_to_date(tenanted: Project) -> None:
    assert tenanted.get("/ready/") == (503, {"status": "not_ready", "reason": "tenants_unknown"})
    status, health = tenanted.get("/health/")
    # A restart mends nothing here.
    assert (status, health["status"], health["database"]["status"]) == (200, "degraded", "connected")
    assert health["migrations"] == {"state": "unknown", "pending": None, "reason": "tenants_unknown"}
    status, debug = tenanted.get("/debug/")
    assert status == 200
    assert "tenant_schemas keeps a schema" in debug["databases"]["default"]["error"]


def test_a_project_that_says_so_is_looked_at_as_ever(tenanted: Project) -> None:
    for command in COMMANDS:
        assert tenanted.run(*command, AUTO_MIGRATE_TENANTS="none").code == 0
    tenanted.settings(AUTO_MIGRATE={"TENANTS": "none"})
    assert tenanted.get("/ready/") == (200, {"status": "ready"})


@pytest.mark.parametrize(("package", "method"), [("homemade", "set_tenant"), ("boardinghouse", "other")])
def test_so_is_a_backend_that_can_be_led_into_other_schemas(tenanted: Project, package: str, method: str) -> None:
    tenanted.file(f"{package}/__init__.py")
    tenanted.file(f"{package}/backend/base.py", BACKEND.replace("set_schema", method))
    tenanted.settings(ENGINES={"default": {"ENGINE": f"{package}.backend"}})
    done = tenanted.run("auto_migrate")
    assert done.code == 2, done.text
    assert f"Migrate all schemas as {package} has it." in done.errors
    assert tenanted.run("auto_migrate", AUTO_MIGRATE_TENANTS="none").code == 0


def test_other_databases_of_the_project_have_no_tenants(tenanted: Project) -> None:
    tenanted.databases["other"] = f"sqlite:///{tenanted.folder}/other.sqlite3"
    assert tenanted.run("auto_migrate", "--database=other").code == 0


def test_schemas_with_a_record_each_have_a_history_each_though_they_see_one(on_postgresql: Project) -> None:
    project, url = on_postgresql, on_postgresql.url
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}])')
    # The history that all see, since somebody has migrated this schema first.
    assert project.run("auto_migrate").code == 0
    for schema in ("acme", "beta"):
        project.query(f"CREATE SCHEMA {schema}")
        for table in ("shop_a", "django_migrations"):
            project.query(f"CREATE TABLE {schema}.{table} (LIKE {table} INCLUDING ALL)")
        row = "(app, name, applied) SELECT app, name, applied FROM django_migrations"
        project.query(f"INSERT INTO {schema}.django_migrations {row}")
    steps = [f'migrations.AddField("A", "{name}", models.IntegerField(null=True))' for name in "xy"]
    fails = "def fails(apps, editor):\n    if __import__('os').environ.get('FAILS'):\n        raise ValueError\n"
    operations = ", ".join([steps[0], "migrations.RunPython(fails)", steps[1]])
    project.migration("shop", "0002_xy", operations, after="0001_initial", before=fails, head="atomic = False")

    def run(schema: str, *arguments: str, **env: str) -> int:
        project.databases["default"] = f"{url}?options=-c%20search_path%3D{schema}%2Cpublic"
        return project.run("auto_migrate", *arguments, **env).code

    assert run("acme", FAILS="1") == 1
    assert run("beta", "--check") == 9
    assert run("beta") == 0
    columns = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'beta' AND table_name = 'shop_a'"
    assert {name for (name,) in project.query(columns)} == {"id", "x", "y"}
    assert run("acme", "--check") == 7

"""A rehearsal begins where the real database stands, whatever its applied migrations have made for themselves."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

EXTENSIONS = (
    "SELECT name FROM pg_available_extensions WHERE installed_version IS NULL AND name <> 'plperl' ORDER BY name"
)
MADE = """
    migrations.RunSQL("CREATE SCHEMA first"),
    migrations.RunSQL('CREATE EXTENSION "{extension}" SCHEMA first'),
    migrations.RunSQL('CREATE SCHEMA "The Side"; CREATE TABLE "The Side".t (id int)'),
    migrations.RunSQL("CREATE SCHEMA with_parts CREATE TABLE t (id int)"),
    migrations.RunSQL("CREATE SCHEMA old; ALTER SCHEMA old RENAME TO renamed"),
    migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS perhaps"),
    migrations.RunPython(make),
"""
MAKE = """
def make(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN CREATE SCHEMA by_python; END $$")
"""


@pytest.fixture
def applied(on_postgresql: Project) -> Project:
    """Return a project whose applied migration made schemas and an extension, and that has a plan."""
    found = on_postgresql.query(EXTENSIONS)
    if not found:
        pytest.skip("this server has no extension to spare")
    on_postgresql.app("shop")
    on_postgresql.migration("shop", "0001_initial", MADE.format(extension=found[0][0]), before=MAKE)
    done = on_postgresql.run("auto_migrate")
    assert done.code == 0, done.text
    on_postgresql.migration("shop", "0002_a", f'migrations.CreateModel("A", [{ID}]),', after="0001_initial")
    return on_postgresql


def test_a_rehearsal_starts_after_migrations_that_make_schemas_and_extensions(applied: Project) -> None:
    done = applied.run("rehearse_migrations")
    assert done.code == 0, done.text
    assert "Applying shop.0002_a... OK" in done.output


def test_what_the_plan_makes_though_it_is_there_fails_as_it_would(applied: Project) -> None:
    operations = 'migrations.RunSQL("CREATE SCHEMA first"),'
    applied.migration("shop", "0002_a", operations, after="0001_initial")
    done = applied.run("rehearse_migrations")
    assert done.code == 1
    assert 'schema "first" already exists' in done.errors

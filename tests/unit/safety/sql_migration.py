"""Migrations of one text of SQL, and what a hazard finds in them, without a server."""

from __future__ import annotations

from django.db import connections, migrations

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.changes.statements import changes_of_sql
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import Found, ServerFacts
from auto_migrate.safety.hazards import hazards

TABLES = {"t": "shop.Thing"}
SERVER = ServerFacts("postgresql", (15, 4))


def read_sql(sql: str) -> ClassifiedMigration:
    """Read an atomic migration of one text, with a connection that is not open."""
    operation = migrations.RunSQL(sql, migrations.RunSQL.noop)
    changes = tuple(changes_of_sql(sql, connections["default"].copy(), TABLES))
    migration = migrations.Migration("0002_sql", "shop")
    return ClassifiedMigration(migration, False, (OperationChanges(1, operation, changes),))


def found_in(code: str, sql: str) -> list[Found]:
    """Return what the hazard of a code finds in a text."""
    return list(hazards()[code].look(read_sql(sql), SERVER, NewObjects()))

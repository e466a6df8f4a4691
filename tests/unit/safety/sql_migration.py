"""Migrations of SQL, and what a hazard finds in them, without a server."""

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


def read_sql(*texts: str) -> ClassifiedMigration:
    """Read an atomic migration with an operation for each text, with a connection that is not open."""
    connection = connections["default"].copy()
    operations = [
        OperationChanges(
            index, migrations.RunSQL(sql, migrations.RunSQL.noop), tuple(changes_of_sql(sql, connection, TABLES))
        )
        for index, sql in enumerate(texts, start=1)
    ]
    return ClassifiedMigration(migrations.Migration("0002_sql", "shop"), False, tuple(operations))


def found_in(code: str, *texts: str) -> list[Found]:
    """Return what the hazard of a code finds in such a migration."""
    return list(hazards()[code].look(read_sql(*texts), SERVER, NewObjects()))

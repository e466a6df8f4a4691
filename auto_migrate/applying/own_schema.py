"""The schema of a tenant, kept where it is: whoever drops it meanwhile must not lead a statement into another one.

The search path goes on to the schema that all tenants share, which has tables of the same names.
"""

from __future__ import annotations

from django.db.migrations.recorder import MigrationRecorder

from auto_migrate.active_schema import active_schema
from auto_migrate.applying.online.quoted_names import parts_of
from auto_migrate.databases.base import Question
from auto_migrate.databases.identifiers import quoted


def kept_schema() -> Question | None:
    """Return what fails where the tenant's schema is gone, and keeps it until the transaction ends where it is there.

    None where there are no tenants, and in the schema that all share.
    """
    schema = active_schema()
    if not schema:
        return None
    # Nobody drops a table that is read in a transaction which is open.
    table = f"{quoted(schema)}.{MigrationRecorder.Migration._meta.db_table}"
    return Question(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608


def in_own_schema(name: str) -> str:
    """Return a quoted name as that of something in the tenant's schema, unless it says its own."""
    schema = active_schema()
    return f"{quoted(schema)}.{name}" if schema and len(parts_of(name)) == 1 else name

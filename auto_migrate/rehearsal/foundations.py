"""What migrations find in a database and did not make: schemas, extensions, and settings of the database itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
EXTENSIONS = """
    SELECT extname, nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace ORDER BY extname
"""
SETTINGS = """
    SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
    FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclasses.dataclass(frozen=True)
class Foundations:
    """What a database stands on."""

    schemas: tuple[str, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def lay(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        """Make the same in another database; give the names of what the role may not make."""
        quote = connection.ops.quote_name
        for schema in self.schemas:
            if not succeeds(connection, f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"):
                yield schema
        for name, schema in self.extensions:
            if not succeeds(connection, f"CREATE EXTENSION IF NOT EXISTS {quote(name)} SCHEMA {quote(schema)}"):
                yield name
        database = quote(connection.settings_dict["NAME"])
        for name, setting in self.settings:
            quoted = ".".join(map(quote, name.split(".")))
            # `set_config` takes lists as they are stored, which `ALTER DATABASE … SET` does not.
            if not succeeds(connection, "SELECT set_config(%s, %s, false)", name, setting) or not succeeds(
                connection, f"ALTER DATABASE {database} SET {quoted} FROM CURRENT"
            ):
                yield name


def foundations_of(connection: BaseDatabaseWrapper) -> Foundations:
    """Read what a database stands on."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMAS)
        schemas = tuple(name for (name,) in cursor.fetchall())
        cursor.execute(EXTENSIONS)
        extensions = tuple(tuple(row) for row in cursor.fetchall())
        cursor.execute(SETTINGS)
        return Foundations(schemas, extensions, tuple(tuple(row) for row in cursor.fetchall()))


def succeeds(connection: BaseDatabaseWrapper, statement: str, *params: str) -> bool:
    """Carry out a statement if the server lets this role."""
    try:
        with atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(statement, params or None)
    except DatabaseError:
        return False
    return True

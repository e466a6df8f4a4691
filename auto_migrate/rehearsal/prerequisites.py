"""What migrations find in a database and did not make: schemas, extensions, and settings of the database itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

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

_NAME = r'("(?:[^"]|"")+"|[\w$]+)'
# What makes a schema or an extension that must not be there yet.
MAKES = re.compile(
    rf"\bCREATE\s+(?P<kind>EXTENSION|SCHEMA)\s+(?!IF\b)(?:AUTHORIZATION\s+)?(?P<made>{_NAME})"
    rf"|\bALTER\s+SCHEMA\s+{_NAME}\s+RENAME\s+TO\s+(?P<renamed>{_NAME})",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True)
class Prerequisites:
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


def prerequisites_of(connection: BaseDatabaseWrapper) -> Prerequisites:
    """Read what a database stands on."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMAS)
        schemas = tuple(name for (name,) in cursor.fetchall())
        cursor.execute(EXTENSIONS)
        extensions = tuple(tuple(row) for row in cursor.fetchall())
        cursor.execute(SETTINGS)
        return Prerequisites(schemas, extensions, tuple(tuple(row) for row in cursor.fetchall()))


def succeeds(connection: BaseDatabaseWrapper, statement: str, *params: str) -> bool:
    """Carry out a statement if the server lets this role."""
    try:
        with atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(statement, params or None)
    except DatabaseError:
        return False
    return True


class Replacement:
    """Lets migrations make what was laid before them; for `connection.execute_wrapper`.

    The real database has the schemas and extensions that its applied migrations made, and so has what is laid. What is
    still unused is taken away for them, and they pass over the rest.
    """

    def __init__(self, prerequisites: Prerequisites, connection: BaseDatabaseWrapper) -> None:
        self.laid = {
            **{name: f"DROP SCHEMA {connection.ops.quote_name(name)}" for name in prerequisites.schemas},
            **{name: f"DROP EXTENSION {connection.ops.quote_name(name)}" for name, _schema in prerequisites.extensions},
        }
        self.connection = connection

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Send a statement once what it makes is not there, or in a form that minds nothing that is."""
        if isinstance(sql, str) and MAKES.search(sql):
            sql = MAKES.sub(self._made, sql)
        return execute(sql, params, many, context)

    def _made(self, found: re.Match[str]) -> str:
        written = found["made"] or found["renamed"]
        name = written[1:-1].replace('""', '"') if written.startswith('"') else written.lower()
        removal = self.laid.pop(name, "")
        if not removal or succeeds(self.connection, removal) or not found["kind"]:
            return found[0]
        return re.sub(r"(EXTENSION|SCHEMA)", r"\1 IF NOT EXISTS", found[0], count=1, flags=re.IGNORECASE)

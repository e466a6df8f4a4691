"""Questions to the catalogue about what a step makes: within the schema of its table, and by definition."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError
from django.db.transaction import atomic, set_rollback

from auto_migrate.active_schema import active_schema
from auto_migrate.applying.online.quoted_names import parts_of, unquoted
from auto_migrate.applying.online.step import Step
from auto_migrate.applying.own_schema import in_own_schema
from auto_migrate.databases.base import Database
from auto_migrate.databases.identifiers import quoted

# What goes by an index's name in the schema of its table, if anything does.
NAMED = """
    SELECT named.relkind = 'i' AND indrelid = owner.oid, indisvalid AND indisready,
           pg_get_indexdef(named.oid), named.reltablespace
    FROM pg_class AS owner
    JOIN pg_class AS named ON named.relnamespace = owner.relnamespace AND named.relname = %s::text::name
    LEFT JOIN pg_index ON indexrelid = named.oid
    WHERE owner.oid = to_regclass(%s)
"""
SCHEMA = """
    SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pg_class.oid = to_regclass(%s)
"""
TARGETS = """
    SELECT format('%%I.%%I', nspname, relname)
    FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE conrelid = to_regclass(%s) AND conname = %s::text::name AND confrelid <> conrelid
"""
TWIN = '"auto_migrate_twin"'
TWIN_INDEX = '"auto_migrate_twin_index"'


class IndexState(enum.Enum):
    """What there is of an index that a step builds."""

    MISSING = "missing"
    INVALID = "invalid"
    """A build or a drop of it was cut."""
    BUILT = "built"
    OTHER = "other"
    """Something else goes by its name."""


class Catalogue:
    """Asks one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def index_state(self, step: Step) -> IndexState:
        """Return what there is of the index that a step builds."""
        rows = self.rows(NAMED, [unquoted(step.subject), in_own_schema(step.table)])
        if not rows:
            return IndexState.MISSING
        of_table, is_valid, definition, tablespace = rows[0]
        if not of_table:
            return IndexState.OTHER
        # Whose a cut build was, its name and its table tell; one that holds is compared with what it shall be.
        if not is_valid:
            return IndexState.INVALID
        same = self._twin(step) == (rest_of(definition), tablespace)
        return IndexState.BUILT if same else IndexState.OTHER

    def _twin(self, step: Step) -> tuple[str, int] | None:
        """Return how the server itself tells the index, made on an empty copy of the table that nobody ever sees.

        Beside the table, where the role may make indexes: temporary tables are not everybody's.
        """
        (build,) = step.sql
        twin = self.within(step.table, TWIN)
        place = (f" CONCURRENTLY {step.subject} ON {step.table}", f" {TWIN_INDEX} ON {twin}")
        try:
            with atomic(using=self.database.alias):
                self.execute(f"CREATE UNLOGGED TABLE {twin} (LIKE {step.table})")
                self.execute(build.replace(*place, 1))
                rows = self.rows(NAMED, [unquoted(TWIN_INDEX), twin])
                set_rollback(True, using=self.database.alias)
        except DatabaseError:
            return None
        return rest_of(rows[0][2]), rows[0][3]

    def schema_of(self, table: str) -> str:
        """Return the schema of a table, quoted; empty where there is no such table."""
        if (schema := active_schema()) and len(parts_of(table)) == 1:
            return quoted(schema)
        rows = self.rows(SCHEMA, [table])
        return quoted(rows[0][0]) if rows else ""

    def within(self, table: str, name: str) -> str:
        """Return a quoted name as that of something in the schema of a table."""
        schema = self.schema_of(table)
        return f"{schema}.{quoted(parts_of(name)[-1])}" if schema else name

    def targets(self, table: str, constraint: str) -> tuple[str, ...]:
        """Return the other table that a foreign key points to, if the constraint is one and is there."""
        return tuple(target for (target,) in self.rows(TARGETS, [table, unquoted(constraint)]))

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a question."""
        with self.database.connection.cursor() as cursor:
            cursor.execute(statement, list(parameters) or None)
            return list(cursor.fetchall())

    def rows_of(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that is sent as it is, without the limit of a usual statement."""
        with self.database.unbounded(), self.database.connection.cursor() as cursor:
            cursor.execute(statement, None)
            return list(cursor.fetchall())

    def execute(self, statement: str) -> None:
        """Send a statement as it is."""
        with self.database.connection.cursor() as cursor:
            cursor.execute(statement, None)


def rest_of(definition: str) -> str:
    """Return an index's definition without its name and its table."""
    unique = "UNIQUE " if definition.startswith("CREATE UNIQUE ") else ""
    return unique + re.sub(r"^.*? USING ", "USING ", definition, count=1, flags=re.DOTALL)

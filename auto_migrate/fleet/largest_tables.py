"""How large the tables of many tenants are, told by the largest of each: a plan that all share is judged once."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from django.utils.translation import ngettext

from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.postgresql.adapter import PostgreSQL
from auto_migrate.databases.statistics import BYTES_A_ROW, PATIENCE, PostgreSQLStatistics, TableStatistics
from auto_migrate.fleet.inventory import AT_ONCE

# One is small if it has few rows and few bytes: whichever it has more of decides between two.
LARGEST = f"""
    SELECT space.nspname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
    WHERE relname = %s AND nspname = ANY(%s) AND relkind IN ('r', 'p')
    ORDER BY greatest(reltuples, pg_total_relation_size(pg_class.oid) / {BYTES_A_ROW}.0) DESC, nspname LIMIT 1
"""  # noqa: S608 # a constant
# Those that have a page at all.
FILLED = """
    SELECT space.nspname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
    WHERE relname = %s AND nspname = ANY(%s) AND relkind IN ('r', 'p')
      AND (relkind = 'p' OR relhassubclass OR pg_relation_size(pg_class.oid) > 0)
"""


class LargestStatistics(PostgreSQLStatistics):
    """Tells of a table without a schema what is so of the largest of that name among some schemas."""

    def __init__(self, connection: BaseDatabaseWrapper, schemas: Collection[str]) -> None:
        super().__init__(connection)
        self.schemas = list(schemas)
        self._found: dict[str, str] = {}

    def quoted(self, table: str) -> str:
        own, schema = super().quoted(table), self.schema_of(table)
        return f"{quoted(schema)}.{own}" if schema else own

    def schema_of(self, table: str) -> str:
        """Return the schema that has the largest table of a name, empty for one that says its own."""
        if table not in self._found:
            row = None if "." in table else self.one(LARGEST, [table, self.schemas])
            self._found[table] = "" if row is None else row[0]
        return self._found[table]

    def told_as(self, table: str) -> str:
        schema = self._found.get(table, "")
        return f"{schema}.{table}" if schema else table

    def scope(self, table: str) -> str:
        if not self._found.get(table) or len(self.schemas) < 2:
            return ""
        text = ngettext(
            "of {count} schema it is the largest", "of {count} schemas it is the largest", len(self.schemas)
        )
        return text.format(count=len(self.schemas))

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        return {table: self._unless_filled(table, found) for table, found in super().of_tables(tables, limit).items()}

    def _unless_filled(self, table: str, found: TableStatistics) -> TableStatistics:
        """Let nobody take all for empty where one of them has rows: the largest may have been emptied."""
        if found.rows or not found.counted or not self.schema_of(table):
            return found
        try:
            with atomic(using=self.connection.alias):
                self.one(self.BOUNDS, [PATIENCE])
                is_filled = self._is_any_filled(table)
        except DatabaseError:
            # Of one that cannot be read nobody knows that it is empty.
            is_filled = True
        return dataclasses.replace(found, rows=1) if is_filled else found

    def _is_any_filled(self, table: str) -> bool:
        own = super().quoted(table)
        with self.connection.cursor() as cursor:
            cursor.execute(FILLED, [table, self.schemas])
            names = [f"{quoted(name)}.{own}" for (name,) in cursor.fetchall()]
        for first in range(0, len(names), AT_ONCE):
            exists = " OR ".join(f"EXISTS (SELECT FROM {name})" for name in names[first : first + AT_ONCE])
            if self.one(f"SELECT {exists}")[0]:
                return True
        return False


class LargestTablesAdapter(PostgreSQL):
    """The database as a plan of many tenants is judged for it."""

    def __init__(self, alias: str, schemas: Collection[str]) -> None:
        super().__init__(alias)
        self.schemas = schemas

    @property
    def statistics(self) -> PostgreSQLStatistics:
        return LargestStatistics(self.connection, self.schemas)

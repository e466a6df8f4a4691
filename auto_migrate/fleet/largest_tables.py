"""How large the tables of many tenants are, told by the largest of each: a plan that all share is judged once."""

from __future__ import annotations

from collections.abc import Collection

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.postgresql.adapter import PostgreSQL
from auto_migrate.databases.statistics import PostgreSQLStatistics

LARGEST = """
    SELECT space.nspname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
    WHERE relname = %s AND nspname = ANY(%s) AND relkind IN ('r', 'p')
    ORDER BY pg_relation_size(pg_class.oid) DESC, reltuples DESC LIMIT 1
"""


class LargestStatistics(PostgreSQLStatistics):
    """Tells of a table without a schema what is so of the largest of that name among some schemas."""

    def __init__(self, connection: BaseDatabaseWrapper, schemas: Collection[str]) -> None:
        super().__init__(connection)
        self.schemas = list(schemas)
        self._found: dict[str, str] = {}

    def quoted(self, table: str) -> str:
        if table not in self._found:
            row = None if "." in table else self.one(LARGEST, [table, self.schemas])
            own = super().quoted(table)
            self._found[table] = own if row is None else f"{quoted(row[0])}.{own}"
        return self._found[table]


class LargestTenants(PostgreSQL):
    """The database as a plan of many tenants is judged for it."""

    def __init__(self, alias: str, schemas: Collection[str]) -> None:
        super().__init__(alias)
        self.schemas = schemas

    @property
    def statistics(self) -> PostgreSQLStatistics:
        return LargestStatistics(self.connection, self.schemas)

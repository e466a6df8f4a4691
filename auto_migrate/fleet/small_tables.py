"""In which of many schemas a table is small: one question for all of them, since looking at each takes a dozen."""

from __future__ import annotations

import threading
from collections.abc import Collection

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.conf import get_settings
from auto_migrate.databases.statistics import BYTES_A_ROW, PATIENCE

# What a row takes in a page at the least: its header (HeapTupleHeader, aligned), and the pointer to it.
LEAST_BYTES = 28
# The schemas in which a table is small beyond doubt. One of which others inherit, or with partitions, is looked at.
SMALL = """
    SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = %s AND nspname = ANY(%s) AND relkind = 'r' AND NOT relhassubclass
      AND pg_relation_size(pg_class.oid) <= %s AND pg_total_relation_size(pg_class.oid) <= %s
"""


class SmallTables:
    """Which of some schemas have a small table of a name; asked by several threads, once for each name."""

    def __init__(self, schemas: Collection[str]) -> None:
        self.schemas = list(schemas)
        self.mutex = threading.Lock()
        self._known: dict[str, frozenset[str]] = {}

    def has(self, connection: BaseDatabaseWrapper, schema: str, table: str) -> bool:
        """Return whether the table of a schema is small for sure."""
        with self.mutex:
            if table not in self._known:
                self._known[table] = self._ask(connection, table)
            return schema in self._known[table]

    def _ask(self, connection: BaseDatabaseWrapper, table: str) -> frozenset[str]:
        rows = get_settings().SMALL_TABLE
        try:
            with atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
                cursor.execute(SMALL, [table, self.schemas, rows * LEAST_BYTES, rows * BYTES_A_ROW])
                return frozenset(name for (name,) in cursor.fetchall())
        except DatabaseError:
            # Somebody has locked one of them: each schema looks at its own.
            return frozenset()

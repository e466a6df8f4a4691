"""What a database says of the tables that statements use: their columns, and the views and functions on them."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.workload.usage import bare

COLUMNS = """
    SELECT array_agg(attname::text) FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
VIEWS = """
    SELECT DISTINCT CASE WHEN pg_table_is_visible(class.oid) THEN '' ELSE nspname || '.' END || class.relname
    FROM pg_depend AS used
    JOIN pg_rewrite AS rule ON rule.oid = used.objid AND used.classid = 'pg_rewrite'::regclass
    JOIN pg_class AS class ON class.oid = rule.ev_class
    JOIN pg_namespace AS schema ON schema.oid = class.relnamespace
    LEFT JOIN pg_attribute AS own ON attrelid = used.refobjid AND attname = %s
    WHERE used.refclassid = 'pg_class'::regclass AND used.refobjid = to_regclass(%s) AND class.oid <> used.refobjid
      AND (%s = '' OR used.refobjsubid = own.attnum)
"""
# Partitions, and whatever else inherits a table or is inherited: a column of the one is a column of the other.
RELATIVES = """
    WITH RECURSIVE below (child) AS (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s)
        UNION SELECT inhrelid FROM pg_inherits JOIN below ON inhparent = child
    ), above (parent) AS (
        SELECT inhparent FROM pg_inherits WHERE inhrelid = to_regclass(%s)
        UNION SELECT inhparent FROM pg_inherits JOIN above ON inhrelid = parent
    )
    SELECT CASE WHEN pg_table_is_visible(class.oid) THEN '' ELSE nspname || '.' END || relname
    FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = relnamespace
    WHERE class.oid IN (SELECT child FROM below UNION SELECT parent FROM above)
"""
# Of a function in SQL's new style (BEGIN ATOMIC) there is no text, but what it depends on.
ATOMIC_FUNCTIONS = """
    SELECT DISTINCT proname::text FROM pg_depend AS used JOIN pg_proc AS function ON function.oid = used.objid
    LEFT JOIN pg_attribute AS own ON attrelid = used.refobjid AND attname = %s
    WHERE used.classid = 'pg_proc'::regclass AND used.refclassid = 'pg_class'::regclass
      AND used.refobjid = to_regclass(%s) AND (%s = '' OR used.refobjsubid IN (0, own.attnum))
"""
FUNCTIONS = """
    SELECT DISTINCT proname::text FROM pg_proc AS function JOIN pg_namespace AS schema ON schema.oid = pronamespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = function.oid AND deptype = 'e')
      AND position(lower(%s) IN lower(coalesce(prosrc, ''))) > 0
      AND (position(lower(%s) IN lower(coalesce(prosrc, ''))) > 0
           OR EXISTS (SELECT FROM pg_trigger WHERE tgfoid = function.oid AND tgrelid = to_regclass(%s)))
"""


class UsedTables:
    """Asks a PostgreSQL about its tables, each question once; other databases answer nothing."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self._columns: dict[str, frozenset[str] | None] = {}
        self._mentions: dict[tuple[str, str], tuple[str, ...]] = {}
        self._relatives: dict[str, tuple[str, ...]] = {}

    def columns(self, table: str) -> frozenset[str] | None:
        """Return the columns of a table, None where there is no such table."""
        if table not in self._columns:
            found = self._ask(COLUMNS, self._quoted(table))
            self._columns[table] = frozenset(found[0]) if found and found[0] else None
        return self._columns[table]

    def mentions(self, table: str, column: str) -> tuple[str, ...]:
        """Name the views and functions that speak of a column, or of the table where none is named."""
        key = (table, column)
        if key not in self._mentions:
            quoted, name = self._quoted(table), bare(table).rpartition(".")[2]
            views = self._ask(VIEWS, column, quoted, column)
            functions = self._ask(FUNCTIONS, column or name, name, quoted)
            functions += self._ask(ATOMIC_FUNCTIONS, column, quoted, column)
            self._mentions[key] = tuple(sorted({*views, *functions}))
        return self._mentions[key]

    def relatives(self, table: str) -> tuple[str, ...]:
        """Name the partitions of a table, the table that it is a partition of, and the like."""
        if table not in self._relatives:
            quoted = self._quoted(table)
            self._relatives[table] = tuple(sorted(self._ask(RELATIVES, quoted, quoted)))
        return self._relatives[table]

    def _ask(self, query: str, *parameters: str) -> list[str]:
        if self.connection.vendor != "postgresql":
            return []
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return [value for (value,) in cursor.fetchall()]

    def _quoted(self, table: str) -> str:
        return ".".join(self.connection.ops.quote_name(part) for part in bare(table).split("."))

"""What a database says of its tables, without waiting for anybody: how large they are and how busy."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DatabaseError, DataError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

# What a table of few rows may weigh, for each row that counts as few.
BYTES_A_ROW = 1024
# How long to wait for a table that somebody has locked before its size is taken from the catalogue alone.
PATIENCE = "200ms"


@dataclasses.dataclass(frozen=True, slots=True)
class TableStatistics:
    """One table as it is now; rows are an estimate unless they were `counted`. None: not told."""

    rows: int
    bytes: int | None = None
    reads: float | None = None
    """Scans of it and of its indexes a second, on average since the statistics began."""
    writes: float | None = None
    """Rows written a second, likewise."""
    counted: bool = True
    plain: bool = True
    """Whether it is a table of its own: no view, not partitioned, and none inherits from it or it from any."""

    def is_small(self, rows: int) -> bool:
        """Return whether nothing that is done to it takes long, if `rows` are few."""
        return self.rows <= rows and (self.bytes or 0) <= rows * BYTES_A_ROW


@dataclasses.dataclass(frozen=True, slots=True)
class Activity:
    """What goes on in the database as a whole: the age of its oldest transaction in seconds, and its replicas."""

    oldest_transaction: float | None = None
    replicas: int = 0


class Statistics(abc.ABC):
    """The means to ask one database."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    @abc.abstractmethod
    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        """Return the statistics of those tables that exist, counting rows up to `limit` and one."""

    def activity(self) -> Activity:
        """Return what goes on in the database as a whole."""
        return Activity()

    def count(self, table: str, limit: int) -> int:
        """Count the rows of a table up to `limit` and one."""
        name = self.quoted(table)
        return int(self.one(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {limit + 1}) AS counted")[0])  # noqa: S608

    def quoted(self, table: str) -> str:
        """Quote a name that may have a schema, also as `db_table` says it: `schema"."table`."""
        return ".".join(self.connection.ops.quote_name(part.strip('"')) for part in table.split("."))

    def one(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        """Return the first row of an answer."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)
            return cursor.fetchone()


class PostgreSQLStatistics(Statistics):
    """Asks the catalogue and the cumulative statistics; partitions count for the table that they are of."""

    TABLE = """
        WITH named AS (SELECT to_regclass(%s) AS oid),
             parts AS (
                 SELECT oid FROM named WHERE oid IS NOT NULL
                 UNION SELECT tree.relid FROM named, pg_partition_tree(named.oid) AS tree WHERE tree.isleaf
             )
        SELECT count(*),
               max(reltuples),
               sum(greatest(reltuples, 0)),
               sum(relpages::bigint * current_setting('block_size')::bigint),
               bool_and(has_table_privilege(pg_class.oid, 'SELECT')),
               sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0)),
               sum(n_tup_ins + n_tup_upd + n_tup_del),
               (SELECT relkind = 'r' FROM pg_class JOIN named USING (oid))
                   AND NOT EXISTS (SELECT FROM pg_inherits, named WHERE oid IN (inhparent, inhrelid))
        FROM parts JOIN pg_class USING (oid) LEFT JOIN pg_stat_all_tables AS used ON used.relid = pg_class.oid
    """
    # With row_security off, PostgreSQL refuses to count where it would leave rows out.
    BOUNDS = """
        SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', '0', true),
               set_config('row_security', 'off', true)
    """
    SINCE = """
        SELECT greatest(extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time())), 1)
        FROM pg_stat_database WHERE datname = current_database()
    """
    ACTIVITY = """
        SELECT (SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
               (SELECT count(*) FROM pg_stat_replication)
    """

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        seconds = float(self.one(self.SINCE)[0])
        found = {table: self._bounded(table, limit, seconds) for table in tables}
        return {table: statistics for table, statistics in found.items() if statistics is not None}

    def activity(self) -> Activity:
        oldest, replicas = self.one(self.ACTIVITY)
        return Activity(None if oldest is None else float(oldest), int(replicas))

    def _bounded(self, table: str, limit: int, seconds: float) -> TableStatistics | None:
        """Return the statistics of a table whose name can be read and that nobody has locked for long, even in part."""
        try:
            with atomic(using=self.connection.alias):
                self.one(self.BOUNDS, [PATIENCE])
                return self._of(table, limit, seconds)
        except (DataError, OperationalError):
            return None

    def _of(self, table: str, limit: int, seconds: float) -> TableStatistics | None:
        there, analyzed, estimate, pages, readable, reads, writes, plain = self.one(self.TABLE, [self.quoted(table)])
        if not there:
            return None
        traffic = float(reads or 0) / seconds, float(writes or 0) / seconds
        rows, size = int(estimate) if analyzed >= 0 else limit + 1, int(pages)
        counted = None
        # An estimate far above the limit is good enough; everything else is worth a look.
        if readable and rows <= 10 * limit:
            counted, size = self._measured(table, limit, size)
        if counted is not None and counted <= limit:
            return TableStatistics(counted, size, *traffic, counted=True, plain=plain)
        return TableStatistics(max(rows, counted or 0), size, *traffic, counted=False, plain=plain)

    def _measured(self, table: str, limit: int, size: int) -> tuple[int | None, int]:
        """Count and measure a table; no count where somebody has it locked, or a policy hides rows from us."""
        try:
            with atomic(using=self.connection.alias):
                counted = self.count(table, limit)
                size = int(self.one("SELECT pg_total_relation_size(to_regclass(%s))", [self.quoted(table)])[0])
        except DatabaseError:
            return None, size
        return counted, size


class MySQLStatistics(Statistics):
    """Asks the information schema, whose row counts are estimates, and counts small tables."""

    TABLE = """
        SELECT table_rows, data_length + index_length FROM information_schema.tables
        WHERE table_schema = database() AND table_name = %s
    """

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        found = {}
        for table in tables:
            if row := self.one(self.TABLE, [table]):
                estimate, size = int(row[0] or 0), int(row[1] or 0)
                rows = estimate if estimate > 10 * limit else self.count(table, limit)
                found[table] = TableStatistics(
                    max(rows, estimate) if rows > limit else rows, size, counted=rows <= limit
                )
        return found


class SQLiteStatistics(Statistics):
    """Counts, which takes no longer than the limit allows."""

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        there = set(self.connection.introspection.table_names())
        return {table: TableStatistics(self.count(table, limit)) for table in tables if table in there}

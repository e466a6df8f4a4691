"""What a database says of its tables, without waiting for anybody: how large they are and how busy."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import DatabaseError, DataError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.databases.mysql.metadata_locks import impatient

# What a table of few rows may weigh, for each row that counts as few.
BYTES_A_ROW = 1024
# How long to wait for a table that somebody has locked before its size is taken from the catalogue alone.
PATIENCE = "200ms"
# For how many seconds a server must have counted before an average means something.
WINDOW = 3600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Traffic:
    """What was done to a table, a second, on average over the last `window` seconds.

    `reads` are scans of it and of its indexes, `writes` rows.
    """

    reads: float
    writes: float
    window: float


@dataclasses.dataclass(frozen=True, slots=True)
class TableStatistics:
    """One table as it is now; rows are an estimate unless they were `counted`. None: not told.

    `bytes` are all of it, `indexes` those of them that are its indexes. Where not even an estimate of the rows is
    known, they are `rows` at the least.
    """

    rows: int
    bytes: int | None = None
    indexes: int = 0
    traffic: Traffic | None = None
    counted: bool = True
    rows_known: bool = True
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

    def told_as(self, table: str) -> str:
        """Return how people are told of the table that was looked at."""
        return table

    def scope(self, _table: str) -> str:
        """Return for which other tables it stands, in words; nothing if for none."""
        return ""

    def count(self, name: str, limit: int) -> int:
        """Count the rows of a table, whose name is quoted, up to `limit` and one."""
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

    # A table with partitions has no rows of its own, and what ANALYZE writes down for it are those of its partitions.
    PARTS = """
        named AS (SELECT to_regclass(%s) AS oid),
        parts AS (
            SELECT oid FROM named JOIN pg_class USING (oid) WHERE relkind <> 'p'
            UNION SELECT tree.relid FROM named, pg_partition_tree(named.oid) AS tree WHERE tree.isleaf
        )
    """
    TABLE = f"""
        WITH {PARTS}
        SELECT (SELECT count(oid) FROM named),
               min(reltuples),
               sum(greatest(reltuples, 0)),
               sum(relpages::bigint * current_setting('block_size')::bigint),
               (SELECT has_table_privilege(oid, 'SELECT') FROM named),
               sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0)),
               sum(n_tup_ins + n_tup_upd + n_tup_del),
               (SELECT relkind = 'r' FROM pg_class JOIN named USING (oid))
                   AND NOT EXISTS (SELECT FROM pg_inherits, named WHERE oid IN (inhparent, inhrelid))
        FROM parts JOIN pg_class USING (oid) LEFT JOIN pg_stat_all_tables AS used ON used.relid = pg_class.oid
    """  # noqa: S608 # a constant
    SIZES = f"WITH {PARTS} SELECT sum(pg_total_relation_size(oid)), sum(pg_indexes_size(oid)) FROM parts"  # noqa: S608
    # With row_security off, PostgreSQL refuses to count where it would leave rows out.
    BOUNDS = """
        SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', '0', true),
               set_config('row_security', 'off', true)
    """
    # From PostgreSQL 15 on, a database that nobody has reset counts since the cluster was made, or had crashed.
    SINCE = """
        SELECT extract(epoch FROM now() - coalesce(own.stats_reset, whole.stats_reset, pg_postmaster_start_time()))
        FROM pg_stat_database AS own, pg_stat_bgwriter AS whole WHERE datname = current_database()
    """
    ACTIVITY = """
        SELECT (SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
               (SELECT count(*) FROM pg_stat_replication)
    """

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        window = float(self.one(self.SINCE)[0])
        found = {table: self._bounded(table, limit, window) for table in tables}
        return {table: statistics for table, statistics in found.items() if statistics is not None}

    def activity(self) -> Activity:
        oldest, replicas = self.one(self.ACTIVITY)
        return Activity(None if oldest is None else float(oldest), int(replicas))

    def _bounded(self, table: str, limit: int, window: float) -> TableStatistics | None:
        """Return the statistics of a table whose name can be read and that nobody has locked for long, even in part."""
        try:
            with atomic(using=self.connection.alias):
                self.one(self.BOUNDS, [PATIENCE])
                return self._of(table, limit, window)
        except (DataError, OperationalError):
            return None

    def _of(self, table: str, limit: int, window: float) -> TableStatistics | None:
        name = self.quoted(table)
        there, analyzed, estimate, pages, readable, reads, writes, plain = self.one(self.TABLE, [name])
        if not there:
            return None
        # One without partitions is empty; one that nobody analyzed may hold anything.
        rows_known = (analyzed or 0) >= 0
        rows = int(estimate or 0) if rows_known else limit + 1
        traffic = None
        if window >= WINDOW:
            traffic = Traffic(float(reads or 0) / window, float(writes or 0) / window, window)
        size, indexes = self._undone(lambda: self.one(self.SIZES, [name])) or (pages, 0)
        counted = None
        # An estimate far above the limit is good enough; everything else is worth a look.
        if readable and rows <= 10 * limit:
            counted = self._undone(lambda: self.count(name, limit))
        told = (int(size or 0), int(indexes or 0), traffic)
        if counted is not None and counted <= limit:
            return TableStatistics(counted, *told, plain=plain)
        return TableStatistics(max(rows, counted or 0), *told, counted=False, rows_known=rows_known, plain=plain)

    def _undone(self, ask: Callable[[], Any]) -> Any:
        """Return an answer, None where somebody has the table locked, or a policy hides rows from us."""
        try:
            with atomic(using=self.connection.alias):
                return ask()
        except DatabaseError:
            return None


class MySQLStatistics(Statistics):
    """Asks the information schema, whose row counts are estimates, and counts small tables.

    A table of another database is named as `database.table`; a name may have a full stop of its own, too.
    """

    TABLE = """
        SELECT table_schema, table_name, table_rows, data_length, index_length FROM information_schema.tables
        WHERE table_schema = coalesce(%s, database()) AND table_name = %s AND table_type <> 'VIEW'
    """

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        # Even the size of a table may be kept back for whoever has it locked.
        with impatient(self.connection):
            found = {table: self._of(table, limit) for table in tables}
        return {table: statistics for table, statistics in found.items() if statistics is not None}

    def _of(self, table: str, limit: int) -> TableStatistics | None:
        database, _stop, name = table.rpartition(".")
        row = self.one(self.TABLE, [None, table]) or (database and self.one(self.TABLE, [database, name]))
        if not row:
            return None
        *named, estimate, data, indexes = row
        sizes = (int(data or 0) + int(indexes or 0), int(indexes or 0))
        estimate = int(estimate or 0)
        quoted = ".".join(map(self.connection.ops.quote_name, named))
        rows = estimate if estimate > 10 * limit else self._counted(quoted, limit)
        return TableStatistics(max(rows, estimate) if rows > limit else rows, *sizes, counted=rows <= limit)

    def _counted(self, name: str, limit: int) -> int:
        """Count the rows up to `limit` and one; as many has a table that cannot be read."""
        try:
            return self.count(name, limit)
        except DatabaseError:
            return limit + 1


class SQLiteStatistics(Statistics):
    """Counts, which takes no longer than the limit allows."""

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        there = set(self.connection.introspection.table_names())
        return {table: TableStatistics(self.count(self.quoted(table), limit)) for table in tables if table in there}

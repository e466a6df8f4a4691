"""Indexes of PostgreSQL that were built concurrently: whole, or left INVALID by a build that was cut."""

from __future__ import annotations

from collections.abc import Collection

from auto_migrate.active_schema import active_schema
from auto_migrate.clock import Clock
from auto_migrate.databases.base import Database
from auto_migrate.databases.index_builds import ConcurrentIndexes
from auto_migrate.databases.postgresql.sessions import named
from auto_migrate.databases.session_waits import Reason, Tell, await_free, tell_nobody
from auto_migrate.values import IndexBuild, IndexCondition

# An index that its builder has not committed has neither a number nor a name for anybody else (index_relid is 0 all
# through a build that is not concurrent): only the text of the statement can tell that it may be one of ours.
BUILDING = """
    SELECT build.pid FROM pg_stat_progress_create_index AS build
    LEFT JOIN pg_class ON pg_class.oid = build.index_relid
    LEFT JOIN pg_stat_activity AS builder ON builder.pid = build.pid
    WHERE build.datname = current_database()
    -- Names are equal in all schemas of tenants.
    AND (%(schema)s = '' OR NOT EXISTS (
        SELECT FROM pg_class AS built JOIN pg_namespace AS space ON space.oid = built.relnamespace
        WHERE built.oid = build.relid AND nspname <> %(schema)s
    ))
    AND (
        %(names)s::text[] IS NULL
        OR relname = ANY(%(names)s::text[])
        OR relname IS NULL AND EXISTS (
            SELECT 1 FROM unnest(%(names)s::text[]) AS name WHERE position(name IN builder.query) > 0
        )
    )
"""


# The tables of migrations are found without naming a schema; another schema of the path may have a namesake.
INDEX = """
    SELECT indisvalid AND indisready, format('%%I.%%I', nspname, relname)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = %s::text::name AND pg_table_is_visible(indrelid)
"""


# How far builds are: the server counts blocks in one phase and rows in the next.
PROGRESS = """
    SELECT build.pid, relid::regclass::text, phase,
           CASE WHEN tuples_total > 0 THEN 100.0 * tuples_done / tuples_total
                WHEN blocks_total > 0 THEN 100.0 * blocks_done / blocks_total END::float8,
           extract(epoch FROM clock_timestamp() - query_start)::float8
    FROM pg_stat_progress_create_index AS build JOIN pg_stat_activity USING (pid)
    WHERE build.datname = current_database()
"""


class PostgreSQLIndexes(ConcurrentIndexes):
    """The indexes of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def condition(self, name: str) -> IndexCondition:
        found = self._find(name)
        if not found:
            return IndexCondition.MISSING
        return IndexCondition.VALID if all(valid for valid, _where in found) else IndexCondition.INVALID

    def invalid(self) -> list[str]:
        with self.database.connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                " WHERE NOT indisvalid AND pg_table_is_visible(indrelid) ORDER BY relname"
            )
            return [name for (name,) in cursor.fetchall()]

    def builds(self) -> list[IndexBuild]:
        with self.database.connection.cursor() as cursor:
            cursor.execute(PROGRESS)
            return [IndexBuild(*row[1:]) for row in cursor.fetchall()]

    def await_builds(self, clock: Clock, names: Collection[str] | None = None, tell: Tell = tell_nobody) -> None:
        await_free(
            lambda: not self._building(names),
            lambda: named(self.database, self._building(names)),
            reason=Reason.BUILD,
            limit=self.database.runner_patience,
            clock=clock,
            tell=tell,
        )

    def _building(self, names: Collection[str] | None) -> list[int]:
        with self.database.connection.cursor() as cursor:
            cursor.execute(BUILDING, {"names": None if names is None else list(names), "schema": active_schema()})
            return [pid for (pid,) in cursor.fetchall()]

    def drop(self, name: str) -> None:
        left = [where for valid, where in self._find(name) if not valid]
        with self.database.unbounded(), self.database.connection.cursor() as cursor:
            for where in left:
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {where}")

    def _find(self, name: str) -> list[tuple[bool, str]]:
        """Return the indexes of that name on the tables that are visible: whether each is valid, and where it is."""
        with self.database.connection.cursor() as cursor:
            cursor.execute(INDEX, [name])
            return list(cursor.fetchall())

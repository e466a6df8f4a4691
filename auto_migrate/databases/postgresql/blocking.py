"""What the sessions of a run do, and who is in their way, as anybody sees it who looks from outside.

Nothing is asked of the tables that are being migrated: the server's own views tell who holds what and who waits for
whom. A run is known by its locks. The holder of the deploy lock bears the run's name; the session that works holds the
fence for as long as the run has its turn or, behind a pooler, the lock on the record in each migration's transaction.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.lock_modes import CONFLICTS, LockMode
from auto_migrate.databases.postgresql.adapter import RECORD_KEY
from auto_migrate.databases.postgresql.deploy_lock import LOCK_KEY
from auto_migrate.databases.postgresql.sessions import FENCE_KEY
from auto_migrate.redaction import presentable

# What is shown of a statement.
MAX_STATEMENT = 500
# How far to follow who waits for whom.
DEEPEST = 5

SESSIONS = """
    SELECT (held.classid::bigint << 32) | held.objid::bigint, activity.pid, activity.application_name, activity.state,
           extract(epoch FROM activity.query_start)::float8, activity.wait_event_type IS NOT DISTINCT FROM 'Lock',
           activity.query
    FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (held.classid::bigint << 32) | held.objid::bigint = ANY(%s)
"""
PROGRESS = """
    SELECT phase, blocks_done, blocks_total, tuples_done, tuples_total FROM pg_stat_progress_create_index WHERE pid = %s
    UNION ALL SELECT phase, heap_blks_scanned, heap_blks_total, 0, 0 FROM pg_stat_progress_cluster WHERE pid = %s
    UNION ALL SELECT phase, heap_blks_scanned, heap_blks_total, 0, 0 FROM pg_stat_progress_vacuum WHERE pid = %s
    UNION ALL SELECT phase, sample_blks_scanned, sample_blks_total, 0, 0 FROM pg_stat_progress_analyze WHERE pid = %s
"""
# From those for whom the session that works waits in the server, and those who hold what it looks for a gap in, on to
# those for whom these wait. Zero stands for a prepared transaction, which has no session.
TREE = """
    WITH RECURSIVE wanted AS (
        SELECT to_regclass(quoted) AS relation, mode
        FROM unnest(%(quoted)s::text[], %(modes)s::text[]) AS pairs(quoted, mode)
    ), roots AS (
        SELECT unnest(pg_blocking_pids(%(work)s)) AS pid
        UNION
        SELECT coalesce(held.pid, 0) FROM wanted JOIN pg_locks AS held USING (relation, mode)
        WHERE held.locktype = 'relation' AND held.granted
          AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        UNION
        SELECT held.pid FROM pg_locks AS held
        WHERE held.pid = ANY(%(told)s) AND held.locktype = 'advisory' AND held.granted
          AND (held.classid::bigint << 32) | held.objid::bigint = ANY(%(keys)s)
    ), tree AS (
        SELECT pid, %(work)s AS waiter, ARRAY[pid] AS path FROM roots WHERE pid <> ALL(%(own)s)
        UNION ALL
        SELECT next.pid, tree.pid, tree.path || next.pid
        FROM tree CROSS JOIN LATERAL unnest(pg_blocking_pids(tree.pid)) AS next(pid)
        WHERE tree.pid <> 0 AND next.pid <> ALL(tree.path) AND next.pid <> ALL(%(own)s)
          AND cardinality(tree.path) < %(deepest)s
    )
    SELECT DISTINCT tree.path, tree.pid, activity.usename, activity.application_name, activity.state,
           extract(epoch FROM coalesce(activity.xact_start, activity.state_change))::float8, activity.query,
           (SELECT string_agg(DISTINCT coalesce(held.relation::regclass::text || ' ', '') || held.mode, ', ')
            FROM pg_locks AS held LEFT JOIN wanted ON wanted.relation = held.relation
            LEFT JOIN pg_locks AS awaited ON awaited.pid = tree.waiter AND NOT awaited.granted
                 AND awaited.locktype = held.locktype AND awaited.relation IS NOT DISTINCT FROM held.relation
                 AND awaited.transactionid IS NOT DISTINCT FROM held.transactionid
                 AND awaited.objid IS NOT DISTINCT FROM held.objid
            WHERE held.pid = tree.pid AND held.granted
              AND (held.locktype = 'relation' AND wanted.mode = held.mode OR awaited.pid IS NOT NULL))
    FROM tree LEFT JOIN pg_stat_activity AS activity USING (pid)
    ORDER BY tree.path
"""
END = "SELECT pg_terminate_backend(%s)"


@dataclasses.dataclass(frozen=True)
class BlockingSession:
    """A session that a run waits for, or one that such a session waits for: `depth` tells which.

    `pid` is None for a prepared transaction. What the server hides from this role is empty; `locks` are those that are
    waited for, as `pg_locks` spells them.
    """

    pid: int | None
    depth: int
    user: str
    application: str
    state: str
    since: datetime.datetime | None
    query: str
    locks: str


@dataclasses.dataclass(frozen=True)
class StatementProgress:
    """What the session that works does: its statement, since when, whether it waits, and how far the server says it is.

    `done` of `total` are blocks or rows of the table; both are 0 where the server does not tell.
    """

    statement: str
    since: datetime.datetime | None
    waits: bool
    phase: str = ""
    done: int = 0
    total: int = 0


@dataclasses.dataclass(frozen=True)
class RunActivity:
    """How a run stands: `held` tells whether it has the deploy lock."""

    held: bool
    work: StatementProgress | None = None
    in_the_way: tuple[BlockingSession, ...] = ()


def run_activity(
    connection: BaseDatabaseWrapper, run_id: uuid.UUID, *, wanted: Mapping[str, str], told: Collection[int]
) -> RunActivity:
    """Return how a run stands.

    `wanted` are the locks that it said last it waits for, table and mode; `told` the sessions that it said are in the
    way of its record or its fence. Both count as far as they still hold.
    """
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, [[LOCK_KEY, FENCE_KEY, RECORD_KEY]])
        rows = cursor.fetchall()
        held = any(row[0] == LOCK_KEY and str(row[2]).endswith(f" {run_id.hex[:8]}") for row in rows)
        if not held:
            return RunActivity(held=False)
        ours = [row for row in rows if row[0] != LOCK_KEY and row[1] not in told]
        session = min(ours, key=lambda row: row[0] != FENCE_KEY, default=None)
        pid = session[1] if session else 0
        own = [pid, *(row[1] for row in rows if row[0] == LOCK_KEY)]
        work = _work(cursor, session) if session else None
        if not (wanted or told or (work and work.waits)):
            return RunActivity(held, work)
        return RunActivity(held, work, tuple(_in_the_way(connection, pid, own, wanted, told)))


def holder(connection: BaseDatabaseWrapper) -> str:
    """Return who holds the deploy lock, empty if nobody does, over the connection that there is."""
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, [[LOCK_KEY]])
        return ", ".join(f"{row[2] or 'unknown'} (pid {row[1]})" for row in cursor.fetchall())


def end(connection: BaseDatabaseWrapper, pid: int) -> bool:
    """End a session; return whether there was one. Raise what the server says to a role that may not."""
    with connection.cursor() as cursor:
        cursor.execute(END, [pid])
        return bool(cursor.fetchone()[0])


def _work(cursor: Any, session: Sequence[Any]) -> StatementProgress:
    _key, pid, _name, state, started, waits, query = session
    if state != "active":
        # Python is at work, and the statement that the server shows is over.
        return StatementProgress("", None, waits=False)
    cursor.execute(PROGRESS, [pid] * 4)
    phase, *numbers = cursor.fetchone() or ("", 0, 0, 0, 0)
    pairs = [(done, total) for done, total in (numbers[:2], numbers[2:]) if total]
    done, total = pairs[0] if pairs else (0, 0)
    return StatementProgress(shown(query), moment(started), waits, phase, done, total)


def _in_the_way(
    connection: BaseDatabaseWrapper, pid: int, own: list[int], wanted: Mapping[str, str], told: Collection[int]
) -> Iterable[BlockingSession]:
    quote = connection.ops.quote_name
    pairs = [
        (quote(table), mode)
        for table, name in wanted.items()
        for mode in CONFLICTS.get(LockMode[name.replace(" ", "_")], ())
    ]
    parameters: dict[str, Any] = {
        "work": pid,
        "own": own,
        "quoted": [table for table, _mode in pairs],
        "modes": [mode for _table, mode in pairs],
        "told": list(told),
        "keys": [FENCE_KEY, RECORD_KEY],
        "deepest": DEEPEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(TREE, parameters)
        for path, of, user, application, state, since, query, locks in cursor.fetchall():
            yield BlockingSession(
                of or None,
                len(path) - 1,
                presentable(user or ""),
                presentable(application or ""),
                state or ("" if of else "prepared transaction"),
                moment(since),
                shown(query),
                locks or "",
            )


def shown(query: str | None) -> str:
    """Return a statement on one line, without secrets."""
    return presentable(" ".join((query or "").split()))[:MAX_STATEMENT]


def moment(seconds: float | None) -> datetime.datetime | None:
    """Return a time that the server told as a number, which no DateStyle changes."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)

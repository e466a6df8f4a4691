"""Other sessions of PostgreSQL that are in a run's way: who holds one of its advisory locks, or builds its index."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Sequence
from typing import Any

from django.db import DatabaseError, Error
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.clock import Clock
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.postgresql.session_settings import OWN_TABLES
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.databases.session_waits import Reason, Tell, await_free, blocker_of
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Blocker, Holder

# Held by the session that works outside of transactions: "auto_fen" in ASCII, beside the deploy lock's "auto_mig".
FENCE_KEY = int.from_bytes(b"auto_fen")

# A session that stands idle for so many seconds between two statements of its work, while somebody else has the deploy
# lock, was stopped. One that lives notices at its next statement that it has lost the lock.
STOPPED_AFTER = 1.0

# Within a transaction, pg_stat_activity stays as it was when it was first looked at.
ACTIVITY = """
    SELECT pg_stat_clear_snapshot(), activity.pid, activity.usename, activity.application_name, activity.state,
           extract(epoch FROM clock_timestamp() - coalesce(activity.xact_start, activity.state_change))::float8,
           activity.query, extract(epoch FROM clock_timestamp() - activity.state_change)::float8
    FROM (SELECT DISTINCT pid FROM {source}) AS wanted JOIN pg_stat_activity AS activity USING (pid)
    WHERE activity.pid <> pg_backend_pid()
    ORDER BY activity.xact_start
"""
HOLDERS = ACTIVITY.format(
    source="""pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (classid::bigint << 32) | objid::bigint = %s"""
)
# Modes in which a table cannot be written to.
HISTORY = ACTIVITY.format(
    source="""pg_locks JOIN pg_class ON pg_class.oid = relation
              WHERE locktype = 'relation' AND granted AND relname ~ %s
                AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""
)
NAMED = ACTIVITY.format(source="unnest(%s::int[]) AS named(pid)")


def key_here(key: int) -> int:
    """Return the key of one of a run's advisory locks in the schema that this thread works in: tenants are apart."""
    if not (schema := active_schema()):
        return key
    own = hashlib.blake2b(schema.encode(), digest_size=8, key=key.to_bytes(8))
    return int.from_bytes(own.digest(), signed=True)


def holders(database: Database, key: int) -> list[tuple[Blocker, float]]:
    """Return who holds an advisory lock, each with the seconds for which it has been in the state that it is in."""
    return _look(database, HOLDERS, [key])


def history_holders(database: Database) -> tuple[Blocker, ...]:
    """Return who keeps a table of the history, or Django's record, from being written to, or even read."""
    return tuple(blocker for blocker, _since in _look(database, HISTORY, [f"^{OWN_TABLES}$"]))


def named(database: Database, pids: Collection[int]) -> tuple[Blocker, ...]:
    """Return what there is to be said of some sessions."""
    return tuple(blocker for blocker, _since in _look(database, NAMED, [list(pids)]))


def _look(database: Database, query: str, params: Sequence[Any]) -> list[tuple[Blocker, float]]:
    with database.connection.cursor() as cursor:
        cursor.execute(query, params)
        return [(blocker_of(row[1:7]), row[7] or 0.0) for row in cursor.fetchall()]


class SessionLock(DeployLock):
    """An advisory lock of the very session that works, which goes with its connection: not for behind a pooler."""

    def __init__(self, database: Database, key: int) -> None:
        self.database = database
        self.key = key
        # The driver's connection that holds it.
        self._held: object = None

    @property
    def is_held(self) -> bool:
        """Return whether the session that works has it: a connection that was made anew is another session."""
        return self._held is not None and self._held is self.database.connection.connection

    def try_acquire(self) -> bool:
        with self.database.connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [self.key])
            if cursor.fetchone()[0]:
                self._held = self.database.connection.connection
        return self.is_held

    def holder(self) -> Holder | None:
        for blocker, _since in holders(self.database, self.key):
            return Holder(f"{blocker.application or 'unknown'} (pid {blocker.pid})", None)
        return None

    def verify(self) -> None:
        if not self.is_held:
            raise TransientError(_(FaultKind.CONNECTION_LOST.value))

    def release(self) -> None:
        is_held, self._held = self.is_held, None
        if not is_held:
            return
        with contextlib.suppress(Error), self.database.connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [self.key])


class Fence:
    """The right to work outside of a transaction, held by the very session that does.

    The deploy lock is another session's: whoever loses it while stopped (SIGSTOP, a host that was suspended) would send
    its next statement before it could notice. So a runner holds this lock in the session that works for as long as it
    has its turn; whoever has the deploy lock ends the session of a runner that holds the fence and stands still.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock: SessionLock | None = None

    @property
    def is_held(self) -> bool:
        """Return whether the session that works has it."""
        return self._lock is not None and self._lock.is_held

    def hold(self, lock: DeployLock, *, limit: float, clock: Clock, tell: Tell) -> None:
        """Take it; raise `DeployLockTimeout` if another session keeps it."""
        lock.verify()
        await_free(self._take, self._blockers, reason=Reason.FENCE, limit=limit, clock=clock, tell=tell)

    def drop(self) -> None:
        """Let go of it, so that a persistent connection does not keep it; never raises."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _take(self) -> bool:
        lock = SessionLock(self.database, key_here(FENCE_KEY))
        if lock.try_acquire():
            self._lock = lock
            return True
        for blocker, since in holders(self.database, lock.key):
            if blocker.state.startswith("idle") and since > STOPPED_AFTER:
                self._end(blocker)
        return False

    def _end(self, blocker: Blocker) -> None:
        # A role that may not end it waits as for any other.
        database = self.database
        with contextlib.suppress(DatabaseError), savepoint(database.alias), database.connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [blocker.pid])

    def _blockers(self) -> tuple[Blocker, ...]:
        return tuple(blocker for blocker, _since in holders(self.database, key_here(FENCE_KEY)))

"""The deploy lock of PostgreSQL: an advisory lock held by an open transaction on a connection of its own.

Why a transaction: it pins the server connection, so the lock works behind PgBouncer in transaction mode, where the
session locks of other tools are stranded on a pooled connection. Why READ COMMITTED: an idle transaction at that level
holds no snapshot, so `CREATE INDEX CONCURRENTLY` does not wait for it. Why polling: a session blocked in
`pg_advisory_lock()` does hold a snapshot, and the holder's `CREATE INDEX CONCURRENTLY` would wait for its own waiters.
"""

from __future__ import annotations

import contextlib
import datetime
from typing import TYPE_CHECKING

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.client_pool import copy_outside_pool
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.postgresql.session_settings import CONFIGURE
from auto_migrate.databases.sockets import CONNECT_TIMEOUT, SERVER_SETTINGS, ended_after, keep_alive
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Holder

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

# Advisory locks are shared by everybody in a database: "auto_mig" in ASCII, which nobody else is likely to choose.
LOCK_KEY = int.from_bytes(b"auto_mig")

# The holder sits idle in its transaction for as long as the migrations take, and the server must not mind. All settings
# are local to the transaction, so that a pooled connection goes back without a trace.
SETTINGS = {
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    **SERVER_SETTINGS,
}

HOLDER = """
    SELECT activity.pid, activity.application_name, extract(epoch FROM activity.xact_start)::float8
    FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (held.classid::bigint << 32) | held.objid::bigint = %s
"""


class AdvisoryLock(DeployLock):
    """`pg_try_advisory_xact_lock` in an open READ COMMITTED transaction; `key` is the deploy lock's or another's."""

    def __init__(self, database: Database, runner: str, key: int = LOCK_KEY) -> None:
        self.database = database
        self.runner = runner
        self.key = key
        self._connection: BaseDatabaseWrapper | None = None
        # Kept: backends for tenants send a statement of their own with each that is made.
        self._kept_cursor: CursorWrapper | None = None
        self._transaction: tuple[int, str] | None = None

    def try_acquire(self) -> bool:
        with self.database.translate_errors(), self._cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [self.key])
            if cursor.fetchone()[0]:
                self._settle(cursor)
                return True
            cursor.execute("ROLLBACK")
            return False

    def _settle(self, cursor: CursorWrapper) -> None:
        """Make the transaction fit to be held for long, and remember it."""
        settings = {**SETTINGS, "application_name": self.runner}
        cursor.execute(CONFIGURE, [True, list(settings), list(settings.values())])
        self._transaction = self._identify(cursor)
        if self._connection is not None:
            keep_alive(self._connection)

    def _identify(self, cursor: CursorWrapper) -> tuple[int, str]:
        # now() is the start of the transaction: together with the backend it identifies the one that took the lock.
        cursor.execute("SELECT pg_backend_pid(), now()::text")
        pid, started = cursor.fetchone()
        return pid, started

    def holder(self) -> Holder | None:
        with self.database.translate_errors(), self._cursor() as cursor:
            with ended_after(cursor.db, CONNECT_TIMEOUT):
                cursor.execute(HOLDER, [self.key])
            row = cursor.fetchone()
        if row is None:
            return None
        # As a number, which neither USE_TZ nor the role's DateStyle changes.
        since = datetime.datetime.fromtimestamp(row[2], tz=datetime.UTC) if row[2] is not None else None
        return Holder(f"{row[1] or 'unknown'} (pid {row[0]})", since)

    def verify(self) -> None:
        try:
            if self._connection is None or self._connection.connection is None:
                kept = False
            else:
                with self._cursor() as cursor:
                    kept = self._identify(cursor) == self._transaction
        except Error:
            kept = False
        if not kept:
            raise TransientError(_(FaultKind.DEPLOY_LOCK_LOST.value))

    def release(self) -> None:
        if self.key == LOCK_KEY:
            self.database.drop_fence()
        connection, self._connection, self._kept_cursor, self._transaction = self._connection, None, None, None
        if connection is None:
            return
        with contextlib.suppress(Error):
            if connection.connection is not None:
                with connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")
        with contextlib.suppress(Error):
            connection.close()

    def _cursor(self) -> contextlib.AbstractContextManager[CursorWrapper]:
        if self._connection is None:
            self._connection = self._own_connection()
        if self._kept_cursor is None:
            self._kept_cursor = self._connection.cursor()
        return contextlib.nullcontext(self._kept_cursor)

    def _own_connection(self) -> BaseDatabaseWrapper:
        connection = copy_outside_pool(self.database.connection)
        self.database.own_connections.add(connection)
        connection.settings_dict["AUTOCOMMIT"] = True
        # All that work under this lock verify it, one after the other.
        connection.inc_thread_sharing()
        return connection

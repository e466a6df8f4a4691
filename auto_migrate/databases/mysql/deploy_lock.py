"""The deploy lock of MySQL and MariaDB: a named lock, which belongs to a session and is gone with it.

Two of them, in truth. The deploy lock is held on a connection of its own, so that it outlives whatever a migration does
to its connection. The work lock is held by the session that carries out the migrations: when a runner is killed, its
deploy lock is free at once, but its last statement runs on in the server, and nobody may migrate before that has ended.

A host that vanishes closes nothing, and TCP asks after hours. So the session of the lock is to be heard of every minute
(`wait_timeout`), and a thread is heard of while the runner lives, whatever its migrations do meanwhile. Who gets the
deploy lock after that, and finds the work lock with a session that has been idle for as long, ends that one.

A named lock is known to one server. Where several of them accept writes (Galera, group replication), all runners have
to connect to the same one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.base import DeployLock
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.sockets import CONNECT_TIMEOUT, bounded, ended_after, keep_alive
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Holder

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

# In characters; MySQL refuses a longer name.
MAX_NAME = 64
# The longest `wait_timeout` that every platform takes, 24 days: a migration that computes is idle for its session.
LONGEST_IDLE = 2147483
# Seconds after which who holds the lock and is not heard of counts as gone, and how often the holder is heard of.
SILENCE, BEAT = 60, 10.0

# Without the privilege PROCESS a session sees those of its own account only, and another runner is likely one of them.
SESSION = "SELECT user, host, time FROM information_schema.processlist WHERE id = %s"
SILENT = "SELECT 1 FROM information_schema.processlist WHERE id = %s AND command = 'Sleep' AND time >= %s"


@dataclasses.dataclass(frozen=True)
class Session:
    """A session of the server, as far as this account may see it: what it has been doing, and since when."""

    description: str
    busy_since: datetime.datetime | None


def session_that_holds(cursor: CursorWrapper, name: str) -> Session | None:
    """Return which session holds a named lock."""
    cursor.execute("SELECT IS_USED_LOCK(%s)", [name])
    (number,) = cursor.fetchone()
    if number is None:
        return None
    cursor.execute(SESSION, [number])
    row = cursor.fetchone()
    if row is None:
        return Session(f"connection {number}", None)
    user, host, seconds = row
    since = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(seconds=int(seconds or 0))
    return Session(f"{user}@{host} (connection {number})", since)


def end_silent_session(cursor: CursorWrapper, name: str) -> None:
    """End a session that holds a lock and has not been heard of; one that a statement runs in is waited for."""
    cursor.execute("SELECT IS_USED_LOCK(%s)", [name])
    (number,) = cursor.fetchone()
    cursor.execute(SILENT, [number, SILENCE])
    if cursor.fetchone() is not None:
        with contextlib.suppress(Error):
            cursor.execute("KILL CONNECTION %s", [number])


def lock_name(cursor: CursorWrapper, purpose: str) -> str:
    """Name a lock for the database that the session is in, as the server spells it: aliases of one share it."""
    cursor.execute("SELECT DATABASE()")
    database = str(cursor.fetchone()[0])
    name = f"auto_migrate {purpose} {database}"
    if len(name) <= MAX_NAME:
        return name
    return f"auto_migrate {purpose} {hashlib.blake2s(database.encode(), digest_size=16).hexdigest()}"


class WorkingDatabase(Protocol):
    """The database whose session carries out the migrations, and holds the work lock while it does."""

    @property
    def connection(self) -> BaseDatabaseWrapper: ...

    def translate_errors(self) -> contextlib.AbstractContextManager[None]: ...

    def try_work_lock(self) -> bool: ...

    def leave_session(self) -> None: ...


class NamedLock(DeployLock):
    """`GET_LOCK` on a connection of its own, under one name for each purpose."""

    def __init__(self, database: WorkingDatabase, purpose: str) -> None:
        self.database = database
        self.purpose = purpose
        self._connection: BaseDatabaseWrapper | None = None
        self._name = ""
        self._held = False
        # One statement at a time: a thread keeps the session from being idle.
        self._using = threading.RLock()
        self._released = threading.Event()

    def try_acquire(self) -> bool:
        with self.database.translate_errors(), self._cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", [self._name])
            if not cursor.fetchone()[0]:
                return False
            # From here on there may be something to give back, even if the next line is cut.
            self._held = True
            if self._may_work():
                cursor.execute("SET SESSION wait_timeout = %s", [SILENCE])
                self._stay_alive()
                return True
            cursor.execute("SELECT RELEASE_LOCK(%s)", [self._name])
            return False

    def _stay_alive(self) -> None:
        """Have the server hear of the session until the lock is released, or the connection is lost."""
        assert self._connection is not None  # noqa: S101 # the lock was taken on it
        keep_alive(self._connection)
        self._released = threading.Event()
        # The session itself: a connection that is made anew is another one, and does not hold the lock.
        heard = (self._connection.connection, self._released)
        threading.Thread(target=self._beat, args=heard, daemon=True).start()

    def _beat(self, session: Any, released: threading.Event) -> None:
        while not released.wait(BEAT):
            try:
                with self._using, contextlib.closing(session.cursor()) as cursor:
                    cursor.execute("DO 1")
            except Exception:  # noqa: BLE001 # each driver has its own; the lock went with the session
                return

    def _may_work(self) -> bool:
        """Return whether nobody who had the lock before is still at work."""
        return True

    def _leave(self) -> None:
        """Let go of what goes with the lock."""

    def holder(self) -> Holder | None:
        with self.database.translate_errors(), self._cursor() as cursor:
            if session := session_that_holds(cursor, self._name):
                return Holder(session.description)
            return self._holder_of_work(cursor)

    def _holder_of_work(self, _cursor: CursorWrapper) -> Holder | None:
        return None

    def verify(self) -> None:
        try:
            # A connection that was made anew meanwhile is another session, and does not hold the lock.
            with self._cursor() as cursor:
                cursor.execute("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", [self._name])
                kept = bool(cursor.fetchone()[0])
        except Error:
            kept = False
        if not kept:
            raise TransientError(_(FaultKind.DEPLOY_LOCK_LOST.value))

    def release(self) -> None:
        self._released.set()
        # The work lock first: whoever has the deploy lock must find it free.
        if self._held:
            self._held = False
            self._leave()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # No driver bears that a connection is closed while a thread uses it.
        with self._using:
            with contextlib.suppress(Error):
                if connection.connection is not None:
                    with connection.cursor() as cursor:
                        # The server notices later that a connection was closed.
                        cursor.execute("SELECT RELEASE_LOCK(%s)", [self._name])
            with contextlib.suppress(Error):
                connection.close()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[CursorWrapper]:
        with self._using:
            if self._connection is None:
                connection = self.database.connection.copy()
                connection.settings_dict["AUTOCOMMIT"] = True
                options = connection.settings_dict["OPTIONS"]
                options["connect_timeout"] = bounded(options, CONNECT_TIMEOUT)
                with connection.cursor() as cursor:
                    self._name = lock_name(cursor, self.purpose)
                self._connection = connection
            # Nothing is asked over it that takes long.
            with ended_after(self._connection, CONNECT_TIMEOUT), self._connection.cursor() as cursor:
                yield cursor


class NamedDeployLock(NamedLock):
    """The deploy lock, and with it the work lock on the connection that migrates."""

    def __init__(self, database: WorkingDatabase) -> None:
        super().__init__(database, "deploy")

    def _may_work(self) -> bool:
        if self.database.try_work_lock():
            return True
        with self._cursor() as cursor:
            end_silent_session(cursor, lock_name(cursor, "work"))
        return False

    def _leave(self) -> None:
        self.database.leave_session()

    def _holder_of_work(self, cursor: CursorWrapper) -> Holder | None:
        session = session_that_holds(cursor, lock_name(cursor, "work"))
        if session is None:
            return None
        who = _("a statement that a runner left behind, {session}").format(session=session.description)
        return Holder(who, session.busy_since)

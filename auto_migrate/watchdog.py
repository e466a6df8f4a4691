"""Watching over the statements of a run from another thread: who is in their way, and whether an answer will ever come.

A statement that waits in the server for somebody else's lock looks, from here, like one that works. And an answer that
the network has swallowed is waited for without an end where something in between, such as a proxy, still confirms every
packet. The server knows both: what each of its sessions does, and for whom it waits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.base import Database
from auto_migrate.databases.client_pool import copy_outside_pool
from auto_migrate.databases.postgresql.concurrent_indexes import PROGRESS
from auto_migrate.databases.session_waits import END_SESSION, PREPARED, REPORT_EVERY, Reason, blocker_of, ways_out
from auto_migrate.databases.sockets import duplicate, ended_after, hurried
from auto_migrate.emitter import Emitter
from auto_migrate.events import IndexProgressed
from auto_migrate.exceptions import DatabaseBusy
from auto_migrate.retry import teller
from auto_migrate.values import Blocker, IndexBuild

if TYPE_CHECKING:
    from auto_migrate.databases.answer_limit import AwaitedAnswers

# How often to look whether a statement is under way, in seconds; one that is found twice is worth asking about.
TICK = 1.0
# For how many looks on end the server has to say that it waits for us, while we wait for it. A long statement that is
# on its way over a slow network looks the same for some time.
STRANDED = 8
# How long the watchdog's own connection and its questions may take.
PATIENCE = 5
# After how many seconds a server that answers nobody, not even with a refusal, is given up.
SILENCE = 60.0
# How often to tell how far the build of an index is.
PROGRESS_EVERY = 5.0
# What libpq calls a connection on which a command is in progress.
ACTIVE = 1

SESSIONS = """
    SELECT pid, state, state_change::text, wait_event_type IS NOT DISTINCT FROM 'Lock',
           extract(epoch FROM clock_timestamp() - query_start)::float8
    FROM pg_stat_activity WHERE pid = ANY(%s)
"""
# Zero stands for a prepared transaction, and the server does not say for which.
BLOCKERS = """
    SELECT activity.pid, activity.usename, activity.application_name, activity.state,
           extract(epoch FROM clock_timestamp() - activity.xact_start)::float8, activity.query
    FROM (SELECT DISTINCT unnest(pg_blocking_pids(%s)) AS pid) AS wanted
    JOIN pg_stat_activity AS activity USING (pid)
    UNION ALL
    SELECT NULL, owner, '', %s, extract(epoch FROM clock_timestamp() - prepared)::float8,
           'PREPARE TRANSACTION ' || quote_literal(gid)
    FROM pg_prepared_xacts WHERE database = current_database() AND 0 = ANY(pg_blocking_pids(%s))
"""


@dataclasses.dataclass
class Watched:
    """One connection, and what was seen of it on end."""

    wrapper: BaseDatabaseWrapper
    driver: Any = None
    ticks: int = 0
    state_change: str = ""
    idle_looks: int = 0
    report_at: float = TICK
    progress_at: float = TICK

    def is_waiting(self) -> bool:
        """Return whether an answer has been awaited at two looks on end, over the same connection."""
        driver = self.wrapper.connection
        if driver is None or driver is not self.driver or transaction_status(driver) != ACTIVE:
            self.driver, self.ticks, self.idle_looks, self.report_at, self.progress_at = driver, 0, 0, TICK, TICK
            self.ticks = int(driver is not None and transaction_status(driver) == ACTIVE)
            return False
        self.ticks += 1
        return self.ticks > 1

    def is_stranded(self, state: str, state_change: str) -> bool:
        """Return whether the server has been waiting for us all the time in which we have been waiting for it."""
        same = state.startswith("idle") and state_change == self.state_change
        self.state_change, self.idle_looks = state_change, self.idle_looks + 1 if same else 0
        return self.idle_looks >= STRANDED

    def cut(self) -> None:
        """End the wait for an answer that will never come: what waits finds its connection lost, and begins anew."""
        handle = duplicate(self.wrapper)
        if handle is not None and self.wrapper.connection is self.driver:
            with handle, contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)


def transaction_status(driver: Any) -> int:
    """Return what libpq knows of a connection without asking the server; may be called from any thread."""
    try:
        return int(driver.info.transaction_status)
    except Exception:  # noqa: BLE001 # closed meanwhile, or a driver that does not tell
        return -1


class Watchdog:
    """Watches the connections of one run on PostgreSQL, in a thread that a run that works well never notices.

    A server that answers nobody any more is waited for as long as `SILENCE`, by a run only where it is asked directly:
    a pooler that has no second connection to lend is as silent while it works.
    """

    END = END_SESSION

    def __init__(self, database: Database, emit: Emitter, *, is_question: bool = False) -> None:
        self.is_question = is_question
        # Who was in the way when it was looked at last.
        self.blockers: tuple[Blocker, ...] = ()
        self.database = database
        self.emit = emit
        self.tell = teller(emit)
        self.work = database.connection
        self.ended = threading.Event()
        self.clock = emit.clock
        # Since when looks have failed on end, and for how long until it is told.
        self.silent_since: float | None = None
        self.report_at: float = PATIENCE
        self._watched: dict[int, Watched] = {}

    def run(self) -> None:
        """Look every second until the run has ended."""
        while not self.ended.wait(TICK):
            waiting = [watched for watched in self._all() if watched.is_waiting()]
            began = self.clock.monotonic()
            try:
                if waiting:
                    self._look(waiting)
                self.silent_since, self.report_at = None, PATIENCE
            except (Error, self.work.Database.Error):  # type: ignore[attr-defined] # every vendor's
                is_answer = self.clock.monotonic() - began < PATIENCE - TICK
                self._tell_silence(is_answer=is_answer)

    def _tell_silence(self, *, is_answer: bool) -> None:
        """Say that looks fail on end; one says nothing, since what waited may have been closed meanwhile.

        A server that refuses us at once has answered, and may well be at work for whoever it has let in.
        """
        now = self.clock.monotonic()
        self.silent_since = now if self.silent_since is None else self.silent_since
        if (waited := now - self.silent_since) >= self.report_at:
            self.report_at = waited + REPORT_EVERY
            self.tell(Reason.SILENCE, waited, ())
        if waited >= SILENCE and not is_answer and (self.is_question or not self.database.is_known_pooled):
            # All of them, or the next one would be waited for as long.
            for watched in self._all():
                watched.cut()

    def _all(self) -> list[Watched]:
        wrappers = [self.work, *list(self.database.own_connections)]
        self._watched = {id(one): self._watched.get(id(one)) or Watched(one) for one in wrappers}
        return list(self._watched.values())

    @contextlib.contextmanager
    def _beside(self) -> Iterator[Any]:
        """Return a cursor of a connection that is made for a look, and is not waited for for long."""
        connection: Any = copy_outside_pool(self.work)
        try:
            with hurried(connection, PATIENCE):
                # No more than that: to set it up takes questions, and a pooler may have nobody to answer them.
                connection.connection = connection.get_new_connection(connection.get_connection_params())
            with ended_after(connection, PATIENCE), contextlib.closing(connection.connection.cursor()) as cursor:
                yield connection.make_cursor(cursor)
        finally:
            with contextlib.suppress(Error):
                connection.close()

    def _look(self, waiting: list[Watched]) -> None:
        """Ask the server about the sessions."""
        with self._beside() as cursor:
            by_pid = {watched.driver.info.backend_pid: watched for watched in waiting}
            cursor.execute(SESSIONS, [list(by_pid)])
            for pid, state, state_change, is_blocked, seconds in cursor.fetchall():
                if is_blocked:
                    self._tell_blocked(by_pid[pid], cursor, pid, seconds or 0.0)
                elif by_pid[pid].is_stranded(state or "", state_change or ""):
                    by_pid[pid].cut()
            cursor.execute(PROGRESS)
            for pid, *build in cursor.fetchall():
                if pid in by_pid:
                    self._tell_progress(by_pid[pid], IndexBuild(*build))

    def _tell_progress(self, watched: Watched, build: IndexBuild) -> None:
        if build.seconds >= watched.progress_at:
            watched.progress_at = build.seconds + PROGRESS_EVERY
            self.emit(IndexProgressed(build.table, build.phase, build.percent, build.seconds))

    def _tell_blocked(self, watched: Watched, cursor: Any, pid: int, waited: float) -> None:
        if waited < watched.report_at:
            return
        watched.report_at = waited + REPORT_EVERY
        self.blockers = self._blockers(cursor, pid)
        self.tell(Reason.STATEMENT, waited, self.blockers)

    def _blockers(self, cursor: Any, pid: int) -> tuple[Blocker, ...]:
        cursor.execute(BLOCKERS, [pid, PREPARED, pid])
        return tuple(blocker_of(row) for row in cursor.fetchall())


class AwaitedStatement(Watched):
    """The connection that works, whose driver does not tell whether it waits."""

    def __init__(self, wrapper: BaseDatabaseWrapper, answers: AwaitedAnswers) -> None:
        super().__init__(wrapper)
        self.answers = answers
        self.since: float | None = None

    def is_waiting(self) -> bool:
        self.driver, since = self.wrapper.connection, self.answers.since
        if since is None or self.driver is None or since != self.since:
            self.since, self.report_at = since, TICK
            return False
        return True

    def cut(self) -> None:
        self.answers.cut()


class MySQLWatchdog(Watchdog):
    """Watches the connection that works on MySQL or MariaDB."""

    END = "KILL {pid}"

    def __init__(
        self, database: Database, emit: Emitter, answers: AwaitedAnswers, *, is_question: bool = False
    ) -> None:
        super().__init__(database, emit, is_question=is_question)
        self.awaited = AwaitedStatement(self.work, answers)

    def _all(self) -> list[Watched]:
        return [self.awaited]

    def _look(self, waiting: list[Watched]) -> None:
        # Runs on other databases, and those that wait for nobody, do without.
        from auto_migrate.databases.mysql.lock_waits import seconds_waited

        with self._beside() as cursor:
            number = self.awaited.answers.number
            if (waited := seconds_waited(cursor, number)) is not None:
                self._tell_blocked(self.awaited, cursor, number, waited)

    def _blockers(self, cursor: Any, pid: int) -> tuple[Blocker, ...]:
        from auto_migrate.databases.mysql.lock_waits import blockers_of

        return blockers_of(cursor, pid)


@contextlib.contextmanager
def bounded_questions(database: Database, emit: Emitter, *, patience: float | None = None) -> Iterator[Watchdog | None]:
    """Bound what the questions of the block wait for, and say for whom; raise `DatabaseBusy` naming them."""
    with database.guarded(patience=patience), watched(database, emit, is_question=True) as dog, naming_blockers(dog):
        yield dog


@contextlib.contextmanager
def naming_blockers(dog: Watchdog | None) -> Iterator[None]:
    """Let a `DatabaseBusy` of the block name whom a watchdog saw in the way."""
    try:
        yield
    except DatabaseBusy as error:
        if dog is None or not dog.blockers:
            raise
        raise DatabaseBusy(error.message, hint="\n".join(ways_out(dog.blockers, ending=dog.END))) from error


@contextlib.contextmanager
def watched(database: Database, emit: Emitter, *, is_question: bool = False) -> Iterator[Watchdog | None]:
    """Watch over this thread's statements while the block runs."""
    with contextlib.ExitStack() as notes:
        if database.vendor == "postgresql":
            dog = Watchdog(database, emit, is_question=is_question)
        elif database.vendor == "mysql":
            from auto_migrate.databases.answer_limit import awaited_answers

            answers = notes.enter_context(awaited_answers(database.connection))
            dog = MySQLWatchdog(database, emit, answers, is_question=is_question)
        else:
            yield None
            return
        with _watching(dog):
            yield dog


@contextlib.contextmanager
def _watching(dog: Watchdog) -> Iterator[None]:
    thread = threading.Thread(target=dog.run, name=f"auto_migrate watchdog {dog.database.alias}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        dog.ended.set()

"""A second session beside the one that migrates, for statements that no transaction can be put around."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.rehearsal.relations import Lock, locks_of

POLL = 0.002
LIKE_A_WRITER = "LOCK TABLE {names} IN ROW EXCLUSIVE MODE"
AGAINST_ALL_BUT_WRITERS = "LOCK TABLE {names} IN SHARE UPDATE EXCLUSIVE MODE"


class Watcher:
    """Looks on while a statement runs. Its connection is open throughout, so that the scratch is never left alone.

    What works concurrently takes its locks for an instant only, too short to be seen on a small table. So the tables
    are held, first against the weakest lock that such a statement takes, then as a writer holds them, each until the
    statement waits for it: then it has shown what it asks for.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.connection.inc_thread_sharing()
        self.connection.ensure_connection()

    @contextlib.contextmanager
    def watching(self, pid: int, tables: Sequence[int]) -> Iterator[set[Lock]]:
        """Return the set to which the locks of the session `pid` are added while the block runs."""
        taken: set[Lock] = set()
        done = threading.Event()
        grips = self._hold(tables)
        thread = threading.Thread(
            target=self._poll, args=(pid, taken, done, grips), name="auto_migrate-watcher", daemon=True
        )
        thread.start()
        try:
            yield taken
        finally:
            done.set()
            thread.join()

    def close(self) -> None:
        """Leave the database."""
        self.connection.close()
        self.connection.dec_thread_sharing()

    def _hold(self, tables: Sequence[int]) -> list[str]:
        """Hold tables, and return the statements that let go of them step by step."""
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            cursor.execute("SELECT table_oid::regclass::text FROM unnest(%s::oid[]) AS table_oid", [list(tables)])
            names = ", ".join(name for (name,) in cursor.fetchall())
            for step in (LIKE_A_WRITER, "SAVEPOINT all_but", AGAINST_ALL_BUT_WRITERS) if names else ():
                cursor.execute(step.format(names=names))
        return ["ROLLBACK TO all_but", "COMMIT"] if names else ["COMMIT"]

    def _poll(self, pid: int, taken: set[Lock], done: threading.Event, grips: list[str]) -> None:
        try:
            with self.connection.cursor() as cursor:
                while not done.is_set():
                    locks, waits = locks_of(cursor, pid)
                    taken |= locks
                    if waits and grips:
                        cursor.execute(grips.pop(0))
                    done.wait(POLL)
        finally:
            if grips:
                with self.connection.cursor() as cursor:
                    cursor.execute("COMMIT")


@contextlib.contextmanager
def watcher_of(connection: BaseDatabaseWrapper) -> Iterator[Watcher]:
    """Return a watcher beside a connection while the block runs."""
    watcher = Watcher(connection.copy())
    try:
        yield watcher
    finally:
        watcher.close()

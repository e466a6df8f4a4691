"""The threads that bring schemas to where the code needs them, each over a connection of its own.

Threads and not processes: all of them see the same signal, the same loss of the deploy lock and the same end of their
process, and they share the plans. What they wait for is the server.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator

from django.db import Error, connections

from auto_migrate.code_lock import code_aside
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.direct import directly
from auto_migrate.exceptions import TransientError
from auto_migrate.lock_wait import sharing_deploy_lock

MOST_WORKERS = 4
# How often the thread that waits for the others looks around, in seconds.
TICK = 0.2


def worker_count() -> int:
    """Return how many schemas, or databases, are migrated at a time."""
    return get_settings().TENANT_WORKERS or min(MOST_WORKERS, os.cpu_count() or 1)


def working(serve: Callable[[], object], workers: int, name: str) -> Iterator[None]:
    """Have several threads call a function that never raises; go on several times a second until all have ended."""
    # As daemons: whoever stops the run at once waits for none of them.
    threads = [threading.Thread(target=serve, name=f"{name} {number}", daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            # Whoever has begun this may be code of others itself, and the threads need the right to run some.
            with code_aside():
                thread.join(TICK)
            yield


class SharedLock(DeployLock):
    """A deploy lock that several threads verify, one after the other; whoever took it releases it."""

    def __init__(self, lock: DeployLock) -> None:
        self.lock = lock
        self.mutex = threading.Lock()

    def try_acquire(self) -> bool:
        return True

    def holder(self) -> None:
        return None

    def verify(self) -> None:
        with self.mutex:
            self.lock.verify()

    def release(self) -> None:
        return


class WorkerPool:
    """Calls `work` again and again in several threads until it returns False, or raises in any of them."""

    def __init__(self, database: Database, lock: SharedLock, work: Callable[[Database], bool]) -> None:
        self.database = database
        self.lock = lock
        self.work = work
        self.error: BaseException | None = None
        # How many threads have a connection, or may get one yet.
        self.serving = 0
        self.mutex = threading.Lock()

    def carry_out(self, workers: int, meanwhile: Callable[[], None]) -> None:
        """Wait until all is done, and raise what has ended it; `meanwhile` is called several times a second.

        What that raises is raised when all threads have come to an end, as they do at a safe place.
        """
        self.serving = workers
        for _tick in working(self._serve, workers, "auto_migrate schemas"):
            try:
                meanwhile()
            except Exception as error:  # noqa: BLE001 # raised below
                self.error = self.error or error
        if self.error is not None:
            raise self.error

    def _serve(self) -> None:
        alias = self.database.alias
        try:
            with directly(alias), sharing_deploy_lock(alias, self.lock):
                database = adapter_for(alias)
                database.lock_wait = self.database.lock_wait
                # Replaced and not added to: the watchdog goes through it in a thread of its own.
                known = [*self.database.own_connections, connections[alias]]
                self.database.own_connections = weakref.WeakSet(known)
                try:
                    with database.guarded():
                        self._work(database)
                finally:
                    with contextlib.suppress(Error):
                        connections[alias].close()
        except BaseException as error:  # noqa: BLE001 # raised again where the others are waited for
            self.error = self.error or error

    def _work(self, database: Database) -> None:
        while self.error is None:
            if database.connection.connection is None:
                try:
                    database.prepare()
                except (Error, TransientError):
                    if self._leaves_others():
                        # They have the server's last connections, and do the work of all.
                        return
                    raise
            if not self.work(database):
                return

    def _leaves_others(self) -> bool:
        """Take a thread out of those that serve, unless it is the last one."""
        with self.mutex:
            is_last = self.serving <= 1
            self.serving -= not is_last
        return not is_last

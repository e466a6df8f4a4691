"""The line between a run and those who watch it: a thread that has a connection of its own.

Whoever watches is in another process and has nothing but the database. The run cannot use its own connection: it waits
within a transaction, and nobody would see what it writes there. So what is told of waits is written by this thread, and
once a second it looks whether somebody wants something of the run. Of a run that is over within a second and never had
to wait there is nothing to write, and no connection is made.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import DataError, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.clock import Clock
from auto_migrate.databases.client_pool import copy_outside_pool
from auto_migrate.databases.sockets import hurried
from auto_migrate.events import (
    AttemptFailed,
    Context,
    Event,
    LockAwaited,
    OlderReleasesNoticed,
    PoolerNoticed,
    RetryScheduled,
    SessionsAwaited,
    TablesAwaited,
)
from auto_migrate.history.listener import HistoryListener
from auto_migrate.history.models import EventRecord
from auto_migrate.history.run_log import RunLog, Wish, storable_detail
from auto_migrate.record_events import RecordMended
from auto_migrate.redaction import presentable

logger = logging.getLogger(__name__)

# How often to look for a wish, in seconds.
TICK = 1.0
# How long a connection may take to come about, and how long an ended run waits for what is still to be written.
CONNECT_TIMEOUT = 5
LAST_WORDS = 2.0
# What is kept of a run whose database cannot be written to.
LONGEST = 200

WAITS = (LockAwaited, TablesAwaited, SessionsAwaited)
TOLD = (*WAITS, AttemptFailed, RetryScheduled, PoolerNoticed, OlderReleasesNoticed, RecordMended)


class Channel:
    """A listener that writes down what steps do not tell, and hands wishes to the run's clock."""

    def __init__(self, history: HistoryListener, clock: Clock) -> None:
        self.history = history
        self.clock = clock
        self.connection: BaseDatabaseWrapper | None = None
        self._news: queue.SimpleQueue[EventRecord | None] = queue.SimpleQueue()
        self._unwritten: list[EventRecord] = []
        self._last: EventRecord | None = None
        self._thread: threading.Thread | None = None
        self._heard = 0

    def __call__(self, event: Event, context: Context) -> None:
        """Take note; once the run has a row, begin to write."""
        if self.connection is None:
            return
        if isinstance(event, TOLD):
            detail = storable_detail(event.as_dict())
            self._news.put(EventRecord(run_id=context.run_id, kind=event.kind, at=context.at, detail=detail))
        if self.history.started and self._thread is None:
            self._thread = threading.Thread(
                target=self._serve, args=(context.run_id,), name=f"auto_migrate channel {context.database}", daemon=True
            )
            self._thread.start()

    @contextlib.contextmanager
    def opened(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Let it work while the block runs, over a copy of a connection that others do not use."""
        in_memory = getattr(connection, "is_in_memory_db", None)
        # Within a transaction of others nobody sees the run before it is over.
        if not connection.in_atomic_block and not (in_memory and in_memory()):
            self.connection = connection
        try:
            yield
        finally:
            if self._thread is not None:
                self._news.put(None)
                self._thread.join(LAST_WORDS)

    def _serve(self, run_id: uuid.UUID) -> None:
        original: Any = self.connection
        # Made in the thread that uses it; only its settings are looked at here.
        connection = connections[original.alias] = copy_outside_pool(original)
        log = RunLog(connection.alias, run_id)
        goes_on = True
        while goes_on:
            goes_on, heard = self._take_all()
            # A row that cannot be written must not keep a wish from being heard.
            for work in (self._write, *(() if heard else (functools.partial(self._listen, log),))):
                try:
                    with hurried(connection, CONNECT_TIMEOUT):
                        work()
                except Exception as error:  # noqa: BLE001 # a log that cannot be kept stops no run
                    logger.debug("The log of run %s waits: %s", run_id, presentable(str(error)))
                    with contextlib.suppress(Error):
                        connection.close()
        with contextlib.suppress(Error):
            connection.close()

    def _take_all(self) -> tuple[bool, bool]:
        """Wait for news for a moment; return whether more may come, and whether any came."""
        goes_on = True
        try:
            goes_on = self._take_in(self._news.get(timeout=TICK))
            while not self._news.empty():
                goes_on &= self._take_in(self._news.get())
        except queue.Empty:
            return goes_on, False
        return goes_on, True

    def _take_in(self, news: EventRecord | None) -> bool:
        """Keep what is to be written; return whether more may come."""
        if news is not None:
            self._unwritten = [*self._unwritten, news][-LONGEST:]
        return news is not None

    def _write(self) -> None:
        """Write what has come; one wait is one row, whose end is the last that was told of it."""
        while self._unwritten:
            news = self._unwritten[0]
            if self._last is not None and is_same_wait(self._last, news):
                news.pk = self._last.pk
            try:
                news.save(using=self.history.history.database)
            except DataError:
                # What this database cannot hold it will not hold the next time either.
                logger.warning("%s of run %s could not be kept.", news.kind, news.run_id)
            else:
                self._last = news
            self._unwritten.pop(0)

    def _listen(self, log: RunLog) -> None:
        for number, wish in log.wishes(after=self._heard):
            self._heard = number
            if wish is Wish.STOP:
                self.clock.interrupt()
            else:
                self.clock.wake()


def is_same_wait(before: EventRecord, now: EventRecord) -> bool:
    """Return whether an entry goes on with the wait that the one before it has told of."""
    told, tells = before.detail or {}, now.detail or {}
    same = all(told.get(name) == tells.get(name) for name in ("migration", "reason"))
    longer = tells.get("waited", 0) > told.get("waited", 0)
    return now.kind == before.kind and now.kind in {event.kind for event in WAITS} and same and longer

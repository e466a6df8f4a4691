"""The loop: one worker carries one backfill out, batch by batch.

Each batch is one transaction of three things: it reads the keys of the next page, writes the rows of that range, and
notes how far it came. Whatever ends a worker, at any instant, a batch and the note of it are there together or not at
all; so every row is written exactly once. The note is also the fence: it is written only if the backfill is still this
worker's and nobody has paused it, and rolls the batch back where it is not.

The last key is looked up at the start, so that a table that grows is no race; and that no row is left up to there, seen
in the transaction that notes it, is what makes it `succeeded`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterator

from django.db import DatabaseError
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.backfill_events import BackfillProgressed
from auto_migrate.backfills.backfill_spec import BATCH_ROWS, BackfillSpec
from auto_migrate.backfills.batch_size import BatchSize
from auto_migrate.backfills.keys import KeyRange, loaded
from auto_migrate.backfills.limits import limit_batch, session_kept, took_too_long
from auto_migrate.backfills.locks import worker_lock
from auto_migrate.backfills.pages import Pages
from auto_migrate.backfills.progress import progress_of
from auto_migrate.backfills.records import OPEN, Backfills, Fenced
from auto_migrate.backfills.throttle import EVERY, RecordMark, Throttle
from auto_migrate.clock import Clock
from auto_migrate.databases.base import Database
from auto_migrate.exceptions import AutoMigrateError, RunInterrupted, TransientError, summary_of
from auto_migrate.history.models import BackfillRecord
from auto_migrate.values import BackfillState

logger = logging.getLogger(__name__)

# Seconds between looks at what is waited for, and between reports.
POLL = 0.5
REPORT_FIRST = 2.0
REPORT_EVERY = 10.0
# Rows up to which they are counted and not estimated.
COUNTED = 100_000

Report = Callable[[BackfillProgressed], None]


def report_nothing(_event: BackfillProgressed) -> None:
    """Report to nobody."""


@dataclasses.dataclass
class Worker:
    """One worker of one backfill; `verify` raises where it must not go on for other reasons than the backfill's."""

    database: Database
    task: BackfillSpec
    clock: Clock = dataclasses.field(default_factory=Clock)
    report: Report = report_nothing
    verify: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.store = Backfills(self.database.alias)
        self.pages = Pages(self.database.connection, self.task.table)
        self.worker = f"{socket.gethostname()[:200]}:{os.getpid()} {uuid.uuid4().hex}"
        self.lock = worker_lock(self.database, self.task.key, f"auto_migrate {self.task.key} {self.worker}"[:63])
        self.reported: tuple[str, bool] | None = None
        self.next_report = 0.0

    def try_run(self, record: BackfillRecord, *, states: tuple[BackfillState, ...] = OPEN) -> bool:
        """Carry out what is left, if nobody else is at it; return whether this worker had its turn.

        `record.state` tells how that ended: succeeded, or paused or cancelled by somebody. Raise what a batch raises
        that is not to be tried again, with the record `failed`.
        """
        if not self.lock.try_acquire():
            record.refresh_from_db(using=self.database.alias)
            return False
        try:
            self.store.claim(record, self.worker, states=states, backwards=self.task.backwards)
            with self._ended(record), session_kept(self.database, self.task.target_seconds):
                self._run(record)
        except Fenced:
            record.refresh_from_db(using=self.database.alias)
        finally:
            self.lock.release()
        self._tell(record)
        return True

    @contextlib.contextmanager
    def _ended(self, record: BackfillRecord) -> Iterator[None]:
        """Note why the worker stops before the end."""
        try:
            yield
        except Fenced:
            raise
        except (RunInterrupted, TransientError, KeyboardInterrupt):
            self._note(lambda: self.store.let_go(record))
            raise
        except AutoMigrateError:
            raise
        except Exception as error:
            fault, reason = self.database.fault_of(error), summary_of(error)
            if fault is not None and fault.kind.transient:
                self._note(lambda: self.store.let_go(record))
            else:
                self._note(lambda: self.store.fail(record, reason))
            raise

    def _note(self, write: Callable[[], None]) -> None:
        """Write to the record if the connection is still there; whoever comes next finds the worker gone anyway."""
        with contextlib.suppress(DatabaseError):
            write()

    def _run(self, record: BackfillRecord) -> None:
        if not is_begun(record):
            self._begin(record)
        size = BatchSize(max(1, record.batch_rows), self.task.target_seconds)
        throttle = Throttle(self.database, self.pages.table, RecordMark(record))
        self._tell(record, now=True)
        verified = float("-inf")
        while record.state == BackfillState.RUNNING:
            self.clock.check()
            if self.clock.monotonic() - verified >= EVERY:
                # Between two looks the backfill's own fence is enough.
                self.verify()
                verified = self.clock.monotonic()
            if reason := throttle.obstacle(self.clock.monotonic()):
                self._hold(record, reason)
                continue
            self._batch(record, size)
            self._tell(record, size=size)

    def _begin(self, record: BackfillRecord) -> None:
        """Look up where the backfill will end, and how many rows there are up to there."""
        # Most tenants have so few rows that nothing else is asked.
        upper, rows = self.pages.extent(max(record.batch_rows, BATCH_ROWS))
        self.store.begin(record, upper, self._estimated() if rows is None else rows)

    def _estimated(self) -> int:
        """Return about how many rows the table has, without reading a large one."""
        statistics, name = self.database.statistics, self.task.table.name
        found = statistics.of_tables([name], COUNTED).get(name) if statistics is not None else None
        return found.rows if found is not None else 0

    def _hold(self, record: BackfillRecord, reason: str) -> None:
        """Wait a moment for what is in the way, and say so."""
        self.store.hold(record, reason[:500])
        self._tell(record)
        self.clock.pause(POLL)

    def _batch(self, record: BackfillRecord, size: BatchSize) -> None:
        """Carry out one batch; one that is in the way of others, or they in its, is tried again with half as many."""
        started = self.clock.monotonic()
        rows = size.rows
        try:
            with atomic(using=self.database.alias):
                limit_batch(self.database, size.target, cut_short=rows > 1, computes=self.task.computes)
                done = self._write(record, rows, started)
        except DatabaseError as error:
            too_long = took_too_long(error) and rows > 1
            if not too_long and not self._is_contention(error):
                raise
            record.refresh_from_db(using=self.database.alias)
            size.halve()
            if not too_long:
                self._hold(record, _("rows of {table} are locked by others").format(table=self.task.table.name))
            return
        if done:
            size.note(done, self.clock.monotonic() - started)

    def _write(self, record: BackfillRecord, rows: int, started: float) -> int:
        """Write the rows of the next page and note it, or note that there is none; return how many they were."""
        whole = rest_of(record)
        page = self.pages.page(whole, rows) if whole is not None else None
        if page is None:
            if whole is not None and self.pages.has_rows(whole):
                return 0
            self.store.succeed(record)
            return 0
        self.task.write(page.range)
        seconds = self.clock.monotonic() - started
        self.store.advance(record, page.range.upto, page.rows, batch_rows=rows, seconds=seconds)
        return page.rows

    def _is_contention(self, error: Exception) -> bool:
        fault = self.database.fault_of(error)
        return fault is not None and fault.kind.contention

    def _tell(self, record: BackfillRecord, *, size: BatchSize | None = None, now: bool = False) -> None:
        """Report how far the backfill is, now and then and when its state changes or it begins or ceases to wait."""
        at, told = self.clock.monotonic(), (record.state, bool(record.held_by))
        if not now and at < self.next_report and told == self.reported:
            return
        self.next_report = at + (REPORT_FIRST if self.reported is None else REPORT_EVERY)
        self.reported = told
        left = None
        if size is not None and size.rate and record.total is not None and record.state == BackfillState.RUNNING:
            left = max(0, record.total - record.done) / size.rate
        self.report(progress_of(record, left=left))


def is_begun(record: BackfillRecord) -> bool:
    """Return whether it is known where a backfill will end; of a table without rows there is no last key."""
    return record.upper is not None or record.total == 0


def rest_of(record: BackfillRecord) -> KeyRange | None:
    """Return the range that is left of a backfill that was begun; None of a table that was empty then."""
    if record.upper is None:
        return None
    return KeyRange(loaded(record.cursor) if record.cursor is not None else None, loaded(record.upper))

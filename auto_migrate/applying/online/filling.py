"""Rows written block by block: a range of a table's blocks in a transaction of its own each.

No key is needed, and nothing is kept of how far it came: a row that is filled is passed over by the next try (`ctid`
ranges are scans of their own since 14). It ends where the table ended at its start. What is written behind that comes
filled, by the trigger or the constraint of the step before it; nobody would ever catch up with a table that grows as
fast as it is filled. Pace, limits and whom it waits for are those of backfills.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager

from django.db import DatabaseError, connections

from auto_migrate.applying.online.catalogue import Catalogue
from auto_migrate.applying.online.step import Step
from auto_migrate.backfills.batch_size import BatchSize
from auto_migrate.backfills.limits import limit_batch, took_too_long
from auto_migrate.backfills.throttle import Throttle
from auto_migrate.backfills.worker import POLL, REPORT_EVERY, REPORT_FIRST
from auto_migrate.conf import get_settings
from auto_migrate.databases.postgresql.congestion import Congestion
from auto_migrate.emitter import Emitter
from auto_migrate.events import RowsFilled

BLOCKS = "SELECT pg_relation_size(to_regclass(%s)) / current_setting('block_size')::bigint"
# How many blocks at first, and at most, since some may be filled already and others not; and at least, unless somebody
# holds one of their rows: what goes around a batch takes longer than so few do. How long, in seconds, rows shall be
# held: shorter than by a backfill, since all of the release waits for them.
FIRST = 8
MOST = 4096
LEAST = 4
TARGET = 0.02


class LogMark:
    """Where the server and its replicas are in its log."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def position(self) -> int:
        """Return the place that the server itself has reached."""
        return Congestion(self.catalogue.database.connection).position()

    def reached(self, alias: str) -> int | None:
        """Return the place that a replica has replayed; raise what its database raises."""
        return Congestion(connections[alias]).replayed()


@dataclasses.dataclass
class Filling:
    """One step that fills rows; `transaction` opens that of a batch."""

    catalogue: Catalogue
    step: Step
    transaction: Callable[[], AbstractContextManager[None]]
    emit: Emitter

    def __post_init__(self) -> None:
        self.size = BatchSize(FIRST, TARGET)
        self.throttle = Throttle(self.catalogue.database, self.step.table, LogMark(self.catalogue))
        self.next_report = self.emit.clock.monotonic() + REPORT_FIRST
        self.waits = False

    def carry_out(self) -> None:
        """Carry out the one statement of the step, which has a WHERE, on all blocks in turn."""
        clock, low, end, refused_since = self.emit.clock, 0, self._end(), None
        while low < end:
            clock.check()
            held_by = self.throttle.obstacle(clock.monotonic())
            self._report(low, end, held_by)
            if held_by:
                clock.pause(POLL)
                continue
            high, started = min(low + self.size.rows, end), clock.monotonic()
            try:
                held = self._write(low, high)
            except DatabaseError as error:
                self.size.halve()
                if took_too_long(error) and high > low + 1:
                    continue
                # Somebody holds one of the rows: fewer at a time, so that the others are not held up along with it.
                refused_since = refused_since or started
                if not self._is_contention(error) or started - refused_since > get_settings().LOCK_PATIENCE:
                    raise
                clock.pause(POLL)
                continue
            self.size.note(high - low, held)
            self.size.rows = max(LEAST, min(self.size.rows, MOST))
            low, refused_since = high, None

    def _end(self) -> int:
        """Return how many blocks there are."""
        return int(self.catalogue.rows(BLOCKS, [self.step.table])[0][0])

    def _write(self, low: int, high: int) -> float:
        """Write the rows of a range of blocks; return for how long they were held."""
        with self.transaction():
            limit_batch(self.catalogue.database, TARGET, cut_short=high > low + LEAST, computes=False)
            started = self.emit.clock.monotonic()
            self.catalogue.execute(f"{self.step.sql[0]} AND ctid >= '({low},0)' AND ctid < '({high},0)'")
        return self.emit.clock.monotonic() - started

    def _is_contention(self, error: DatabaseError) -> bool:
        fault = self.catalogue.database.fault_of(error)
        return fault is not None and fault.kind.contention

    def _report(self, low: int, end: int, held_by: str) -> None:
        """Report how far it is, now and then and when it begins or ceases to wait."""
        now = self.emit.clock.monotonic()
        if now < self.next_report and bool(held_by) is self.waits:
            return
        self.next_report, self.waits = now + REPORT_EVERY, bool(held_by)
        self.emit(RowsFilled(self.step.table, 100 * low / end, held_by))

"""Backfills carried out by a worker, while the release goes on."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS

from auto_migrate.backfill_events import BackfillsUnfinished
from auto_migrate.backfills.declared import declared
from auto_migrate.backfills.foreground import failed
from auto_migrate.backfills.progress import progress_of
from auto_migrate.backfills.records import OPEN, Backfills
from auto_migrate.backfills.worker import POLL, Worker
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.direct import directly
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, TransientError, UsageError, summary_of
from auto_migrate.history.models import BackfillRecord
from auto_migrate.retry import Retry, retry_transient_errors
from auto_migrate.values import BackfillKey, BackfillState

logger = logging.getLogger(__name__)


def tell_unfinished(database: str, emit: Emitter) -> None:
    """Let the listeners know which backfills are not finished, if any is not."""
    if unfinished := Backfills(database).unfinished():
        emit(BackfillsUnfinished(tuple(map(progress_of, unfinished))))


def run_backfills(
    database: str = DEFAULT_DB_ALIAS,
    *,
    patience: float = float("inf"),
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> list[BackfillKey]:
    """Carry out what is to be done and nobody is at, and return what this worker has finished.

    One that is paused under it is waited for, together for up to `patience` seconds. One that fails does not keep the
    others from being carried out; raise `MigrationFailed` for the first of them at the end, `DatabaseUnreachable` or
    `DatabaseRefused` if the database cannot be used, `RunInterrupted` if the clock is.
    """
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    adapter = adapter_for(database)
    with report_ending(emit), directly(database), adapter.guarded(limited=False):
        return Background(adapter, emit, patience).run()


class Background:
    """One worker of one database."""

    def __init__(self, database: Database, emit: Emitter, patience: float) -> None:
        self.database = database
        self.emit = emit
        self.patience = patience
        self.store = Backfills(database.alias)
        self.failures: list[MigrationFailed] = []
        # What is not to be tried again: it has failed here, is another worker's, or of another release.
        self.left: set[BackfillKey] = set()
        self.begun: set[BackfillKey] = set()
        self.finished: list[BackfillKey] = []

    def run(self) -> list[BackfillKey]:
        """Go on until there is nothing left to do."""
        while retry_transient_errors(self.database, self._turn, retry=Retry.configured(), emit=self.emit):
            self.emit.clock.check()
        if self.failures:
            raise self.failures[0]
        return self.finished

    def _turn(self, _attempt: int) -> bool:
        """Carry out the next one, or wait for one that is paused; return whether to look again."""
        self.database.prepare()
        records = [record for record in self.store.all() if record.key not in self.left]
        for record in records:
            # What is being taken back is the release step's.
            if record.state in OPEN and not record.backwards:
                self._carry_out(record)
                return True
        paused = any(record.state == BackfillState.PAUSED and record.key in self.begun for record in records)
        if not paused or self.patience <= 0:
            return False
        self.patience -= POLL
        self.emit.clock.pause(POLL)
        return True

    def _carry_out(self, record: BackfillRecord) -> None:
        key = record.key
        try:
            task = declared(self.database.connection, key).task()
            had_turn = Worker(self.database, task, self.emit.clock, self.emit).try_run(record)
        except UsageError as error:
            logger.warning("%s", error)
            self.left.add(key)
            return
        except (AutoMigrateError, TransientError):
            raise
        except Exception as error:
            if (fault := self.database.fault_of(error)) is not None and fault.kind.transient:
                raise
            self.left.add(key)
            self.failures.append(failed(key, summary_of(error)))
            return
        if not had_turn:
            self.left.add(key)
            return
        self.begun.add(key)
        if record.state == BackfillState.SUCCEEDED:
            self.finished.append(key)

"""Backfills carried out by a worker, while the release goes on."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Collection, Sequence

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

from auto_migrate.backfill_events import BackfillsUnfinished
from auto_migrate.backfills.declared import declared
from auto_migrate.backfills.foreground import failed
from auto_migrate.backfills.progress import together
from auto_migrate.backfills.records import OPEN, Backfills
from auto_migrate.backfills.tenant_schemas import entered, forget_content_types
from auto_migrate.backfills.worker import POLL, Worker
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.direct import directly
from auto_migrate.databases.options import refuse_pooler
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import Listener
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, TransientError, UsageError, summary_of
from auto_migrate.history.models import BackfillRecord
from auto_migrate.retry import Retry, retry_transient_errors
from auto_migrate.tenancy import in_public, shared_schema
from auto_migrate.values import BackfillKey, BackfillState
from auto_migrate.watchdog import watched

logger = logging.getLogger(__name__)


def tell_unfinished(database: str, emit: Emitter) -> None:
    """Let the listeners know which backfills are not finished, if any is not."""
    if unfinished := Backfills(database).unfinished():
        emit(BackfillsUnfinished(tuple(together(unfinished))))


def run_backfills(
    database: str = DEFAULT_DB_ALIAS,
    *,
    patience: float = float("inf"),
    tenants: Collection[str] = (),
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> list[BackfillKey]:
    """Carry out what is to be done and nobody is at, and return what this worker has finished, each once a schema.

    Of `tenants` only those are done, if any are named. One that is paused under it is waited for, together for up to
    `patience` seconds. One that fails does not keep the others from being carried out; raise `MigrationFailed` for the
    first of them at the end, `DatabaseUnreachable` or `DatabaseRefused` if the database cannot be used,
    `RunInterrupted` if the clock is.
    """
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    adapter = adapter_for(database)
    with report_ending(emit), in_public(database), directly(database), adapter.guarded(), watched(adapter, emit):
        emit.schema = shared_schema(database)
        return Background(adapter, emit, patience, tenants).run()


class Background:
    """One worker of one database, who goes through the schemas of tenants one after the other."""

    def __init__(self, database: Database, emit: Emitter, patience: float, tenants: Collection[str] = ()) -> None:
        self.database = database
        self.emit = emit
        self.patience = patience
        self.tenants = tenants
        self.store = Backfills(database.alias)
        self.failures: list[MigrationFailed] = []
        # Rows of what is not to be tried again: it has failed here, is another worker's, or of another release.
        self.left: set[int] = set()
        self.begun: set[int] = set()
        self.finished: list[BackfillRecord] = []
        # What the files say is the same for all schemas.
        self.declared = functools.cache(functools.partial(declared, database.connection))

    def run(self) -> list[BackfillKey]:
        """Go on until there is nothing left to do."""
        self.store.follow_renamed_schemas()
        while retry_transient_errors(self.database, self._turn, retry=Retry.configured(), emit=self.emit):
            self.emit.clock.check()
        for event in together(record for record in self.finished if record.schema):
            self.emit(event)
        if self.failures:
            raise self.failures[0]
        return [record.key for record in self.finished]

    def _turn(self, _attempt: int) -> bool:
        """Carry out the next one, or wait for one that is paused; return whether to look again."""
        if self.database.connection.connection is None:
            # One for all: a thousand schemas are a thousand turns.
            self.database.prepare()
        # What is being taken back is the release step's.
        records = self.store.all(self.tenants).exclude(pk__in=self.left).filter(backwards=False)
        if (record := records.filter(state__in=OPEN).first()) is not None:
            self._carry_out(record)
            return True
        if self.patience <= 0 or not records.filter(state=BackfillState.PAUSED, pk__in=self.begun).exists():
            return False
        self.patience -= POLL
        self.emit.clock.pause(POLL)
        return True

    def _carry_out(self, record: BackfillRecord) -> None:
        try:
            had_turn = self._try(record)
        except UsageError as error:
            logger.warning("%s", error)
            # In other schemas it would be the same.
            self.left.update(alike.pk for alike in self.store.find(str(record.key)))
            return
        except (AutoMigrateError, TransientError):
            raise
        except Exception as error:
            if (fault := self.database.fault_of(error)) is not None and fault.kind.transient:
                raise
            self._note(record, error)
            return
        if not had_turn:
            self.left.add(record.pk)
            return
        self.begun.add(record.pk)
        if record.state == BackfillState.SUCCEEDED:
            self.finished.append(record)

    def _try(self, record: BackfillRecord) -> bool:
        """Do what is left of one in its schema; return whether this worker had its turn."""
        if record.schema:
            refuse_pooler(self.database)
        with entered(self.database.alias, record.schema):
            task = self.declared(record.key).task()
            forget_content_types(apps, task.apps)
            return Worker(self.database, task, self.emit.clock, self.emit).try_run(record)

    def _note(self, record: BackfillRecord, error: Exception) -> None:
        """Keep in mind that one has failed; whoever was dropped meanwhile needs nothing any more."""
        self.left.add(record.pk)
        if record.schema not in self.store.forget_gone():
            self.failures.append(failed(record.key, summary_of(error), record.schema))

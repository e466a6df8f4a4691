"""The listener that keeps the record. Events come outside of migrations' transactions, so each note stands at once."""

from __future__ import annotations

import contextlib
import logging
import uuid

from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.databases import adapter_for
from auto_migrate.databases.faults import first_line
from auto_migrate.events import (
    Context,
    Event,
    LockAcquired,
    MigrationFinished,
    MigrationStarted,
    MigrationStopped,
    PlanAssessed,
    PlanMade,
    RunClaimed,
    RunFailed,
    RunStarted,
    RunStopped,
    RunSucceeded,
    StateCompared,
)
from auto_migrate.exit_codes import ExitCode
from auto_migrate.fleet_events import SchemasCompared
from auto_migrate.history.run_log import FORESEEN, RunLog
from auto_migrate.history.store import History, StepNote
from auto_migrate.record_events import MigrationsAdopted
from auto_migrate.redaction import presentable
from auto_migrate.values import MigrationKey, RunStatus, StepStatus

logger = logging.getLogger(__name__)

# The database could not be written to in the first place.
UNWRITABLE = frozenset({ExitCode.UNREACHABLE, ExitCode.REFUSED})


class HistoryListener:
    """Keeps one run: one that was `queued` from when it is claimed, any other from when it has something to do."""

    def __init__(self, database: str, *, requested_by: str, queued: bool = False) -> None:
        self.history = History(database)
        self.requested_by = requested_by
        self.queued = queued
        self.started = self.planned = False
        self.phase = "all"
        self.deferred: tuple[MigrationKey, ...] = ()
        self.notes: list[StepNote] = []
        # Whether another writer was in the way the last time, who is not waited for at each event anew.
        self.crowded = False

    def __call__(self, event: Event, context: Context) -> None:
        """Write down what the event says. A history that cannot be written must not stop a deploy."""
        self._notice(event)
        due = self._keep_steps(event)
        never_began = isinstance(event, RunFailed) and not self.started and event.exit_code not in UNWRITABLE
        impatient = adapter_for(self.history.database).impatient() if self.crowded or never_began else None
        try:
            with impatient or contextlib.nullcontext():
                self._write(event, context, due=due)
            self.crowded = False
        except Error as error:
            self.crowded = self._is_crowded(error)
            if self.crowded:
                self._warn(context, error)
            else:
                self._write_again(event, context, error, due=due)

    def _write(self, event: Event, context: Context, *, due: bool) -> None:
        if due:
            try:
                self.history.note(context.run_id, *self.notes)
            except Error:
                if isinstance(event, RunFailed | RunStopped):
                    # The run has ended, whatever becomes of its steps.
                    self._note_run(event, context)
                raise
            self.notes.clear()
        if isinstance(event, SchemasCompared) and event.plans:
            # Each schema adds its steps to it.
            self._start(context)
        self._note_run(event, context)

    def _write_again(self, event: Event, context: Context, error: Error, *, due: bool) -> None:
        """Try once more in a session of its own making, and in signs that every encoding has.

        The connection may have been cut, a migration may have left a session that nobody can write in, and the
        database may be encoded in what cannot hold the text of an error.
        """
        try:
            if not self.history.leave_session():
                raise error
            self.history.plain = True
            self._write(event, context, due=due)
        except Error as again:
            self._warn(context, again)
        finally:
            self.history.plain = False

    def _is_crowded(self, error: Error) -> bool:
        """Return whether another writer was in the way, for whom a second try would wait as long."""
        database = adapter_for(self.history.database)
        fault = database.fault_of(error)
        return fault is not None and fault.kind.contention and database.impatient() is not None

    def _warn(self, context: Context, error: Error) -> None:
        text = _("The history of run {run_id} could not be written: {error}")
        logger.warning(text.format(run_id=context.run_id, error=presentable(first_line(error))))

    def _start(self, context: Context) -> None:
        if not self.started:
            self.history.start(context.run_id, requested_by=self.requested_by, phase=self.phase)
            self.started = True

    def _notice(self, event: Event) -> None:
        """Keep what is written down later."""
        match event:
            case RunStarted():
                self.phase = event.phase
            case RunClaimed():
                self.started = True
            case StateCompared():
                self.deferred = event.deferred
            case SchemasCompared():
                self.deferred = tuple(dict.fromkeys((*self.deferred, *event.deferred)))

    def _keep_steps(self, event: Event) -> bool:
        """Keep where the migrations are; return whether to write it down: that one ended when the next begins."""
        match event:
            case MigrationStarted():
                self.notes.append(StepNote(event.migration, StepStatus.RUNNING))
            case MigrationFinished():
                status = StepStatus.UNAPPLIED if event.backwards else StepStatus.APPLIED
                self.notes.append(StepNote(event.migration, status, duration=event.duration))
                return event.index >= event.total
            case MigrationStopped():
                self.notes.append(StepNote(event.migration, StepStatus.FAILED, error=event.error))
        return bool(self.notes)

    def _note_assessment(self, event: PlanAssessed, run_id: uuid.UUID) -> None:
        told = event.as_dict()
        if event.findings:
            self.history.assessed(run_id, told["findings"])
        if event.forecast:
            RunLog(self.history.database, run_id).note(FORESEEN, told["forecast"])

    def _note_plan(self, event: PlanMade | MigrationsAdopted, context: Context) -> None:
        self._start(context)
        if isinstance(event, PlanMade):
            self.planned = True
            self.history.plan(context.run_id, event.migrations, backwards=event.backwards)
            return
        self.history.plan(context.run_id, event.migrations, backwards=False)
        notes = (StepNote(key, StepStatus.APPLIED, context.at, duration=0.0) for key in event.migrations)
        self.history.note(context.run_id, *notes)

    def _note_run(self, event: Event, context: Context) -> None:
        run_id = context.run_id
        match event:
            case LockAcquired():
                self.history.close_dead_runs(but=run_id)
            case PlanAssessed() if event.findings or event.forecast:
                self._start(context)
                self._note_assessment(event, run_id)
            case PlanMade() | MigrationsAdopted() if event.migrations:
                self._note_plan(event, context)
            case RunSucceeded() if self.started or event.fingerprint or self.deferred:
                self._start(context)
                if self.planned:
                    self.history.settle_steps(run_id)
                self.history.finish(
                    run_id,
                    RunStatus.SUCCEEDED,
                    exit_code=ExitCode.DONE,
                    fingerprint=event.fingerprint or None,
                    deferred=self.deferred,
                )
            case RunStopped() if self.started:
                self.history.finish(run_id, RunStatus.INTERRUPTED, exit_code=event.exit_code)
                self.history.end_steps(run_id)
            case RunFailed() if self.started or (not self.queued and event.exit_code not in UNWRITABLE):
                self._start(context)
                stopped = event.exit_code == ExitCode.INTERRUPTED
                status = RunStatus.INTERRUPTED if stopped else RunStatus.FAILED
                self.history.finish(run_id, status, exit_code=event.exit_code, error=event.error, hint=event.hint)
                self.history.end_steps(run_id)

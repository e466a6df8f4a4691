"""The listener that keeps the record. Events come outside of migrations' transactions, so each note stands at once."""

from __future__ import annotations

import logging

from django.db import Error

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
from auto_migrate.history.store import History, StepNote
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
        self.started = False
        self.phase = "all"
        self.deferred: tuple[MigrationKey, ...] = ()
        self.notes: list[StepNote] = []

    def __call__(self, event: Event, context: Context) -> None:
        """Write down what the event says. A history that cannot be written must not stop a deploy."""
        try:
            self._notice(event)
            self._note_steps(event, context)
            self._note_run(event, context)
        except Error as error:
            text = presentable(first_line(error))
            logger.warning("The history of run %s could not be written: %s", context.run_id, text)

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

    def _note_steps(self, event: Event, context: Context) -> None:
        """Write down where the migrations are; that one ended together with that the next began."""
        match event:
            case MigrationStarted():
                self.notes.append(StepNote(event.migration, StepStatus.RUNNING))
            case MigrationFinished():
                status = StepStatus.UNAPPLIED if event.backwards else StepStatus.APPLIED
                self.notes.append(StepNote(event.migration, status, duration=event.duration))
                if event.index < event.total:
                    return
            case MigrationStopped():
                self.notes.append(StepNote(event.migration, StepStatus.FAILED, error=event.error))
        if self.notes:
            notes, self.notes = self.notes, []
            self.history.note(context.run_id, *notes)

    def _note_run(self, event: Event, context: Context) -> None:
        run_id = context.run_id
        match event:
            case LockAcquired():
                self.history.close_dead_runs(but=run_id)
            case PlanAssessed() if event.findings:
                self._start(context)
                self.history.assessed(run_id, event.as_dict()["findings"])
            case PlanMade() if event.migrations:
                self._start(context)
                self.history.plan(run_id, event.migrations, backwards=event.backwards)
            case RunSucceeded() if self.started or event.fingerprint or self.deferred:
                self._start(context)
                self.history.finish(
                    run_id,
                    RunStatus.SUCCEEDED,
                    exit_code=ExitCode.DONE,
                    fingerprint=event.fingerprint or None,
                    deferred=self.deferred,
                )
            case RunStopped() if self.started:
                self.history.finish(run_id, RunStatus.INTERRUPTED, exit_code=event.exit_code)
            case RunFailed() if self.started or (not self.queued and event.exit_code not in UNWRITABLE):
                self._start(context)
                self.history.finish(
                    run_id, RunStatus.FAILED, exit_code=event.exit_code, error=event.error, hint=event.hint
                )

"""OpenTelemetry: one trace a run (`pip install django-auto-migrate[otel]`).

A span for the run, and in it one for each stage of the pipeline, each migration, each operation of it and each step of
what goes online; waits are events of the span in which they happen. It goes to the tracer provider that the project has
set up. Name it as a listener::

    AUTO_MIGRATE = {"LISTENERS": ["auto_migrate.reporting.tracing.Tracing"]}

The attributes `db.*` and `error.type` are the stable ones of https://opentelemetry.io/docs/specs/semconv/database/; the
exit code of a run, as deploy scripts see it, is `auto_migrate.exit_code`, and every code but 0 is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections
from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

from auto_migrate.conf import get_settings
from auto_migrate.events import (
    AttemptFailed,
    AttemptStarted,
    Context,
    Event,
    LockAcquired,
    LockAwaited,
    MigratingStarted,
    MigrationFinished,
    MigrationStarted,
    MigrationStopped,
    OnlineStepStarted,
    RunFailed,
    RunStarted,
    RunStopped,
    RunSucceeded,
    SessionsAwaited,
    StateCompared,
    TablesAwaited,
    VerifyStarted,
)
from auto_migrate.exit_codes import ExitCode
from auto_migrate.values import TimedOperation
from auto_migrate.version import __version__

# The stage that begins with an event, and so ends the one before it.
STAGES: dict[type[Event], str] = {
    AttemptStarted: "compare",
    StateCompared: "lock",
    LockAcquired: "assess",
    MigratingStarted: "apply",
    VerifyStarted: "verify",
}
NOTED = (LockAwaited, TablesAwaited, SessionsAwaited, AttemptFailed)
# What OpenTelemetry calls Django's vendors.
SYSTEMS = {"postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite", "oracle": "oracle.db"}

ERROR_TYPES = {int(code): code.name.lower() for code in ExitCode}


class Tracing:
    """Makes the spans of one run."""

    def __init__(self) -> None:
        self.tracer = trace.get_tracer("auto_migrate", __version__)
        # The run, the stage and the migration that are under way, as far as there are any.
        self.open: list[Span] = []
        # What is said of every span of the run.
        self.database: dict[str, str] = {}
        # Steps of the migration under way, and when they began.
        self.steps: list[tuple[OnlineStepStarted, int]] = []

    def __call__(self, event: Event, context: Context) -> None:
        """Begin and end spans at the times at which it happened."""
        if context.is_part:
            # Tenants are migrated side by side, which no stack of spans can tell.
            return
        at = int(context.at.timestamp() * 1e9)
        if isinstance(event, RunStarted | LockAcquired) and not self.open:
            self.database = _database(context)
            self._begin("auto_migrate run", at, _attributes(context))
        if not self.open:
            # Whoever only asks makes no run.
            return
        self._follow(event, at)

    def _follow(self, event: Event, at: int) -> None:
        if (stage := STAGES.get(type(event))) is not None:
            self._end(at, down_to=1)
            self._begin(stage, at, {})
        match event:
            case MigrationStarted():
                told = {"auto_migrate.migration": str(event.migration), "auto_migrate.backwards": event.backwards}
                self._begin(f"migration {event.migration}", at, told)
            case OnlineStepStarted():
                self.steps.append((event, at))
            case MigrationFinished() | MigrationStopped():
                self._end_migration(at, event.operations, getattr(event, "error", ""))
            case RunSucceeded():
                self._close(at, ExitCode.DONE, "")
            case RunFailed() | RunStopped():
                self._close(at, event.exit_code, getattr(event, "error", ""))
        if isinstance(event, NOTED):
            noted = {key: value for key, value in event.as_dict().items() if isinstance(value, str | int | float)}
            self.open[-1].add_event(event.kind, noted, at)

    def _end_migration(self, at: int, operations: Sequence[TimedOperation], error: str) -> None:
        """End a migration's span, and make those within it: nothing is told of them while its transaction is open."""
        for timed in operations:
            self._add_operation(timed, error if timed is operations[-1] else "")
        self.steps.clear()
        if error:
            self.open[-1].set_status(Status(StatusCode.ERROR, error))
        self._end(at, down_to=2)

    def _add_operation(self, timed: TimedOperation, error: str) -> None:
        depth = len(self.open)
        began, ended = (int(moment.timestamp() * 1e9) for moment in (timed.began, timed.ended))
        told = {"db.operation.name": timed.name, "auto_migrate.operation": timed.operation}
        self._begin(f"operation {timed.operation} {timed.name}", began, told)
        steps = [(step, at) for step, at in self.steps if step.operation == timed.operation]
        for (step, at), end in zip(steps, [*(at for _step, at in steps), ended][1:], strict=True):
            table = step.table.replace('"', "")
            told = {"db.operation.name": step.name, "db.collection.name": table, "auto_migrate.step": step.step}
            self._begin(f"step {step.step} {step.name}", at, told)
            self._end(max(at, end), down_to=depth + 1)
        if error:
            self.open[-1].set_status(Status(StatusCode.ERROR, error))
        self._end(ended, down_to=depth)

    def _begin(self, name: str, at: int, attributes: Mapping[str, object]) -> None:
        within = trace.set_span_in_context(self.open[-1]) if self.open else None
        told: Any = {**self.database, **attributes}
        self.open.append(self.tracer.start_span(name, within, attributes=told, start_time=at))

    def _end(self, at: int, *, down_to: int) -> None:
        while len(self.open) > down_to:
            self.open.pop().end(at)

    def _close(self, at: int, exit_code: int, error: str) -> None:
        for span in self.open if exit_code else ():
            span.set_status(Status(StatusCode.ERROR, error))
            span.set_attribute("error.type", ERROR_TYPES[exit_code])
        self.open[0].set_attribute("auto_migrate.exit_code", int(exit_code))
        self._end(at, down_to=0)


def _database(context: Context) -> dict[str, str]:
    """Return which database it is; never a secret."""
    connection = connections[context.database]
    return {
        "db.system.name": SYSTEMS.get(connection.vendor, "other_sql"),
        "db.namespace": str(connection.settings_dict.get("NAME") or ""),
    }


def _attributes(context: Context) -> dict[str, str]:
    """Return what is to be said of a run."""
    return {
        "auto_migrate.run_id": str(context.run_id),
        "auto_migrate.database": context.database,
        "auto_migrate.release": get_settings().release,
    }

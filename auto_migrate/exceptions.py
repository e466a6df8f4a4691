"""Everything that can end a run, each with the exit code that deploy scripts see.

AutoMigrateError
├── MigrationFailed        1  a migration raised; everything before it stays applied and recorded
├── UsageError             2  a bad option, target or setting
│   └── RunNotQueued       2  a run asked for over HTTP that somebody else has begun or given up
├── DatabaseUnreachable    3  transient errors outlasted every attempt
│   └── DatabaseBusy       5  others keep locked what a question has to read
├── DatabaseRefused        4  the database will not let this role in, however often it asks
├── DeployLockTimeout      5  another runner kept the deploy lock for too long
├── PlanRefused            6  the safety assessment found what nobody has acknowledged
├── HistoryDiverged        7  code and recorded history contradict each other
├── RunInterrupted         8  a signal asked the run to stop
├── DatabaseBehind         9  `--check` found pending migrations
└── BackfillUnfinished    10  the plan needs a backfill that is not finished

`TransientError` is not among them: it never leaves the engine, which answers it with another attempt.
"""

from __future__ import annotations

from typing import ClassVar

from auto_migrate.exit_codes import ExitCode
from auto_migrate.redaction import presentable


def summary_of(error: BaseException) -> str:
    """Return what an exception says, on one line that begins with its class."""
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 # code of others, which may fail as well
        said = ""
    return f"{type(error).__name__}: {said}".removesuffix(": ")


class AutoMigrateError(Exception):
    """A run that could not end well.

    `message` says what happened, `hint` what to check or type next (possibly empty, possibly several lines); neither
    holds a secret that others have said, nor what a terminal would obey.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.MIGRATION_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = presentable(message)
        self.hint = presentable(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class MigrationFailed(AutoMigrateError):
    """A migration raised and was rolled back as far as the database can."""

    exit_code = ExitCode.MIGRATION_FAILED


class UsageError(AutoMigrateError):
    """An option, target or setting makes no sense."""

    exit_code = ExitCode.USAGE


class RunNotQueued(UsageError):
    """The run to be carried out was begun or given up by somebody else."""


class DatabaseUnreachable(AutoMigrateError):
    """The database did not become usable within the attempts allowed."""

    exit_code = ExitCode.UNREACHABLE


class DatabaseBusy(DatabaseUnreachable):
    """Somebody else kept locked, for as long as was waited, what a question has to read."""

    exit_code = ExitCode.LOCK_TIMEOUT


class DatabaseRefused(AutoMigrateError):
    """The database answered, and no further attempt can change its answer."""

    exit_code = ExitCode.REFUSED


class DeployLockTimeout(AutoMigrateError):
    """Another runner held the deploy lock for longer than `lock_wait`."""

    exit_code = ExitCode.LOCK_TIMEOUT


class PlanRefused(AutoMigrateError):
    """The safety assessment found hazards that nobody has acknowledged."""

    exit_code = ExitCode.PLAN_REFUSED


class HistoryDiverged(AutoMigrateError):
    """The recorded history and the migration files contradict each other."""

    exit_code = ExitCode.DIVERGED


class RunInterrupted(AutoMigrateError):
    """A signal asked the run to stop, and it stopped at a safe place."""

    exit_code = ExitCode.INTERRUPTED


class DatabaseBehind(AutoMigrateError):
    """Migrations are pending and the caller only asked."""

    exit_code = ExitCode.BEHIND


class BackfillUnfinished(AutoMigrateError):
    """The plan needs a backfill that will take longer than a release step waits, or that somebody has stopped."""

    exit_code = ExitCode.BACKFILL_UNFINISHED


class TransientError(Exception):
    """The database is not usable right now, but a later attempt may find it so.

    `reason` is one short line; `detail` is what the driver said, without secrets. `contention` tells that the database
    is well and others were in the way, `of_history` that it was about tables of the history or the record, `kept` that
    a migration's earlier operations stay; `advice` says what to look at if it lasts.
    """

    def __init__(
        self,
        reason: str,
        *,
        detail: str = "",
        contention: bool = False,
        of_history: bool = False,
        kept: bool = False,
        advice: str = "",
    ) -> None:
        super().__init__(reason)
        self.advice = advice
        self.reason = reason
        self.detail = presentable(detail)
        self.contention = contention
        self.of_history = of_history
        self.kept = kept

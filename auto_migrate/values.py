"""What everybody speaks of: migrations, states, and who holds or blocks what."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.management.base import OutputWrapper
    from django.db.migrations.migration import Migration

# A migration in Django's graph, as `(app_label, name)`.
Node = tuple[str, str]


class SchemaState(enum.StrEnum):
    """How the code's migrations and the database's record compare."""

    UP_TO_DATE = "up_to_date"
    BEHIND = "behind"
    AHEAD = "ahead"
    DIVERGED = "diverged"


class RunStatus(enum.StrEnum):
    """Where a run is, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StepStatus(enum.StrEnum):
    """Where one migration of a run is, or how it ended."""

    PENDING = "pending"
    RUNNING = "running"
    APPLIED = "applied"
    UNAPPLIED = "unapplied"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class BackfillState(enum.StrEnum):
    """Where a backfill is, or how it ended."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclasses.dataclass(frozen=True, slots=True)
class BackfillKey:
    """A backfill's identity: the app of its model and its name, whatever migration it stands in."""

    app_label: str
    name: str

    def __str__(self) -> str:
        return f"{self.app_label}.{self.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class MigrationKey:
    """A migration's identity."""

    app_label: str
    name: str

    @classmethod
    def of(cls, migration: Migration) -> MigrationKey:
        """Return the identity of one of Django's migrations."""
        return cls(migration.app_label, migration.name)

    def __str__(self) -> str:
        return f"{self.app_label}.{self.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the deploy lock. Fields that the database does not tell are empty or None."""

    description: str
    since: datetime.datetime | None = None
    migration: MigrationKey | None = None
    migration_since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Blocker:
    """A transaction that holds a table which a migration needs. What the database hides is None or empty.

    `age` is the transaction's, in seconds; `query` its current or last statement, shortened.
    """

    table: str
    pid: int | None
    user: str
    application: str
    state: str
    autovacuum: bool
    age: float | None
    query: str


@dataclasses.dataclass(frozen=True, slots=True)
class WantedLock:
    """A lock that a run waits for: a table, and PostgreSQL's mode as `LOCK TABLE` spells it."""

    table: str
    mode: str


@dataclasses.dataclass(frozen=True)
class Audience:
    """What receivers of Django's signals are told of a command: its verbosity, whether it may ask, where it writes."""

    verbosity: int = 0
    interactive: bool = False
    stdout: OutputWrapper | None = None


@dataclasses.dataclass(frozen=True)
class IndexBuild:
    """A build that goes on: on which table, in which phase, how much of it is done in percent, and for how long (s)."""

    table: str
    phase: str
    percent: float | None
    seconds: float

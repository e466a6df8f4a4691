"""What the assessment of a plan has to say, as values: shown, written as JSON, and kept in the history."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from auto_migrate.values import ValueObject

if TYPE_CHECKING:
    from auto_migrate.values import BridgeKind, MigrationKey, OperationKey


class Level(enum.StrEnum):
    """How much a finding matters here, mildest first."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The place in the order."""
        return list(Level).index(self)


class Handled(enum.StrEnum):
    """What takes care of a finding, so that it stops nothing."""

    ONLINE = "online"
    """The operation is carried out in steps that hold nobody up."""
    BRIDGE = "bridge"
    """The database serves the release that is still running for as long as it runs."""


class Basis(enum.StrEnum):
    """What a piece of evidence rests on."""

    RULE = "rule"
    """What the operation does, by PostgreSQL's and Django's own rules."""
    LIVE = "live"
    """What the database about to be migrated says of the table."""
    OBSERVED = "observed"
    """What a rehearsal of the plan was seen to do."""
    STATEMENTS = "statements"
    """What the running release sends, as its tests or the server recorded it."""


class Evidence(ValueObject):
    """One reason for a finding and its level, as a sentence."""

    basis: Basis
    text: str


class Finding(ValueObject):
    """One hazard of one migration.

    `operation` is 1-based, None where the migration as a whole is meant; `instead` is code to write, or empty;
    `acknowledged` is the reason that somebody gave, None where nobody has; `handled` is what takes care of it, None
    where nothing does.
    """

    code: str
    level: Level
    migration: MigrationKey
    operation: int | None
    table: str
    title: str
    problem: str
    instead: str
    evidence: tuple[Evidence, ...]
    acknowledged: str | None = None
    handled: Handled | None = None

    @property
    def is_settled(self) -> bool:
        """Return whether somebody has acknowledged the finding, or something takes care of it."""
        return self.acknowledged is not None or self.handled is not None

    def blocks_at(self, level: Level) -> bool:
        """Return whether the finding is not settled and at or above a level."""
        return not self.is_settled and self.level.rank >= level.rank


class OnlineStep(ValueObject):
    """One step of an operation that is carried out online: `lock` is the strongest on a table that is there already."""

    name: str
    sql: tuple[str, ...]
    lock: str
    transaction: bool
    """Whether the step is a transaction, or one statement outside of any."""


class PlannedBridge(ValueObject):
    """A bridge that is raised for an operation; `column` is empty where it is about all of a table's."""

    kind: BridgeKind
    table: str
    column: str


class PlannedOperation(ValueObject):
    """One operation of a plan, 1-based, with the statements that it would send as far as they can be told.

    `online` are the steps in which it is carried out instead, none where it is carried out as it stands. `bridges` are
    those that its release raises for it.
    """

    index: int
    description: str
    reversible: bool
    effects: tuple[str, ...] = ()
    """What its statements do to each table, one sentence each."""
    sql: tuple[str, ...] = ()
    online: tuple[OnlineStep, ...] = ()
    bridges: tuple[PlannedBridge, ...] = ()


class AssessedMigration(ValueObject):
    """One migration of a plan with what was found in it; `phase` is empty where nobody told it.

    `done` operations were carried out (or taken back) by a run that was cut, and are not told; None where none was cut.
    """

    migration: MigrationKey
    backwards: bool
    atomic: bool
    phase: str
    operations: tuple[PlannedOperation, ...]
    findings: tuple[Finding, ...]
    done: int | None = None


class Acknowledgement(ValueObject):
    """Somebody's word that a hazard is known and wanted; `migration` may be a pattern, as in `fnmatch`."""

    code: str
    migration: str
    reason: str
    origin: str
    """Where it was given: in the migration, the settings, or on the command line."""
    plan: str = ""
    """The fingerprint of the only plan that it is for, or the beginning of it; empty where it is for any."""


class ForecastBasis(enum.StrEnum):
    """What a forecast rests on, the best first."""

    HISTORY = "history"
    """What the same took when this database had it before."""
    LEARNED = "learned"
    """The sizes of tables, at the pace at which this database was seen to go through them."""
    SIZES = "sizes"
    """The sizes of tables, at a pace measured elsewhere."""


class MigrationForecast(ValueObject):
    """How many seconds one migration will take; None where it does what nobody can tell, as a function may.

    `by_sizes` is what its work would take at the pace measured elsewhere, of which the history learns.
    """

    migration: MigrationKey
    seconds: float | None
    longest_lock_seconds: float
    basis: ForecastBasis
    by_sizes: float | None = None


class Forecast(ValueObject):
    """How many seconds a plan will take, and for how many at most it holds a lock that others wait for.

    `seconds` is None where a migration is among it of which nobody can tell. Waiting for others is not foreseen.
    """

    seconds: float | None
    longest_lock_seconds: float
    basis: ForecastBasis
    migrations: tuple[MigrationForecast, ...] = ()


class Assessment(ValueObject):
    """A plan as it was judged, and the acknowledgements for it that match nothing in it.

    `unlooked` are statements of which nobody could tell in time whether rows forbid them.
    """

    migrations: tuple[AssessedMigration, ...]
    unmatched: tuple[Acknowledgement, ...] = ()
    forecast: Forecast | None = None
    held: frozenset[OperationKey] = frozenset()
    """The operations that are carried out only when the old code is gone."""
    unlooked: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of all migrations, in the plan's order."""
        return tuple(finding for assessed in self.migrations for finding in assessed.findings)

    def blocking(self, level: Level | None) -> tuple[Finding, ...]:
        """Return the findings at or above a level that nobody has acknowledged; None is above all."""
        return () if level is None else tuple(found for found in self.findings if found.blocks_at(level))

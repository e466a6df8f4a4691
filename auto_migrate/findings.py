"""What the assessment of a plan has to say, as values: shown, written as JSON, and kept in the history."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auto_migrate.values import MigrationKey


class Level(enum.StrEnum):
    """How much a finding matters here, mildest first."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The place in the order."""
        return list(Level).index(self)


class Basis(enum.StrEnum):
    """What a piece of evidence rests on."""

    RULE = "rule"
    """What the operation does, by PostgreSQL's and Django's own rules."""
    LIVE = "live"
    """What the database about to be migrated says of the table."""
    OBSERVED = "observed"
    """What a rehearsal of the plan was seen to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a finding and its level, as a sentence."""

    basis: Basis
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One hazard of one migration.

    `operation` is 1-based, None where the migration as a whole is meant; `instead` is code to write, or empty;
    `acknowledged` is the reason that somebody gave, None where nobody has.
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

    def stands_at(self, level: Level) -> bool:
        """Return whether nobody has acknowledged the finding and it is at or above a level."""
        return self.acknowledged is None and self.level.rank >= level.rank


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedOperation:
    """One operation of a plan, 1-based, with the statements that it would send as far as they can be told."""

    index: int
    description: str
    reversible: bool
    effects: tuple[str, ...] = ()
    """What its statements do to each table, one sentence each."""
    sql: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class AssessedMigration:
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


@dataclasses.dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody's word that a hazard is known and wanted; `migration` may be a pattern, as in `fnmatch`."""

    code: str
    migration: str
    reason: str
    origin: str
    """Where it was given: in the migration, the settings, or on the command line."""


@dataclasses.dataclass(frozen=True, slots=True)
class Assessment:
    """A plan as it was judged, and the acknowledgements for it that match nothing in it."""

    migrations: tuple[AssessedMigration, ...]
    unmatched: tuple[Acknowledgement, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of all migrations, in the plan's order."""
        return tuple(finding for assessed in self.migrations for finding in assessed.findings)

    def standing(self, level: Level | None) -> tuple[Finding, ...]:
        """Return the findings at or above a level that nobody has acknowledged; None is above all."""
        return () if level is None else tuple(found for found in self.findings if found.stands_at(level))

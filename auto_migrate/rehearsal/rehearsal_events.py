"""What happens during a rehearsal, as values: see `auto_migrate.events`."""

from __future__ import annotations

import dataclasses

from auto_migrate.events import Event
from auto_migrate.values import MigrationKey


@dataclasses.dataclass(frozen=True, slots=True)
class TakenLock:
    """A lock that a statement took in a rehearsal: on a table, or on the `index` of one where that is not empty."""

    table: str
    index: str
    mode: str


@dataclasses.dataclass(frozen=True, slots=True)
class Scan:
    """A table that a statement read through in a rehearsal, and the rows that it read."""

    table: str
    rows: int


@dataclasses.dataclass(frozen=True, slots=True)
class Unfilled:
    """A table that no rows could be made for, and why."""

    table: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Unchecked:
    """A statement of the running release that cannot be planned before the plan either, and why."""

    statement: str
    reason: str


class LeftoversFound(Event):
    """Killed rehearsals left databases: those that are surely theirs were dropped, those without a mark were not."""

    dropped: tuple[str, ...]
    unmarked: tuple[str, ...]


class RehearsalStarted(Event):
    """The scratch database is there; `base` migrations bring it to where the plan, `migrations`, begins.

    `python` are the migrations of both whose functions are about to run, with whatever they do to the world outside.
    """

    scratch: str
    base: int
    migrations: tuple[MigrationKey, ...]
    python: tuple[MigrationKey, ...]


class FoundationsMissing(Event):
    """Schemas, extensions or settings of the real database that could not be made in the scratch one."""

    names: tuple[str, ...]


class BaseApplied(Event):
    """Migration number `index` (1-based) of the `total` before the plan is applied in the scratch database."""

    migration: MigrationKey
    index: int
    total: int


class TablesFilled(Event):
    """So many tables were given `rows` rows each, where possible."""

    rows: int
    tables: int
    unfilled: tuple[Unfilled, ...]


class StatementLeftOut(Event):
    """A statement changes more than its own database (a role, another database), and was not sent."""

    statement: str


class StatementObserved(Event):
    """What a statement of operation number `operation` (1-based) was seen to take, in `times` times all together.

    `locks` are those that its transaction had not taken before, on tables and indexes that were there before the plan;
    `rewrites` are tables, `rebuilds` indexes. `in_transaction` is false where it was a transaction of its own.
    """

    migration: MigrationKey
    operation: int | None
    statement: str
    times: int
    duration: float
    in_transaction: bool
    locks: tuple[TakenLock, ...]
    rewrites: tuple[str, ...]
    rebuilds: tuple[str, ...]
    scans: tuple[Scan, ...]


class RuleContradicted(Event):
    """The rules say one thing of what an operation takes from a table, and the rehearsal saw another."""

    migration: MigrationKey
    operation: int
    table: str
    rule: str
    observed: str


class StepsNotRehearsed(Event):
    """The release step carries an operation out online, in so many `steps`, and not as it was rehearsed."""

    migration: MigrationKey
    operation: int
    steps: int


class StatementRefused(Event):
    """The running release could not send a statement any more once a migration is applied that comes before the deploy.

    `column` is empty where the table as a whole is meant, `table` where neither is known. `calls` and `roles` are what
    the server counted. What is not `certain` depends on the values that are written.
    """

    migration: MigrationKey
    table: str
    column: str
    statement: str
    calls: int | None
    roles: tuple[str, ...]
    reason: str
    certain: bool


class StatementsChecked(Event):
    """So many statements of the running release, from `source`, were looked at.

    Those that are `unchecked` could not be planned before the plan either.
    """

    source: str
    statements: int
    refused: int
    unchecked: tuple[Unchecked, ...]


class PhaseProposed(Event):
    """A migration breaks statements of the running release, or depends on one that does, so it belongs after it."""

    migration: MigrationKey
    phase: str


class RehearsalFinished(Event):
    """The plan was carried out in the scratch database, which is dropped, in `duration` seconds."""

    migrations: int
    statements: int
    contradictions: int
    duration: float

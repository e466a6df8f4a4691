"""What the code needs and what one database has, as plain values, for those who only ask."""

from __future__ import annotations

import dataclasses

from django.db.migrations.migration import Migration

from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.options import asking
from auto_migrate.exceptions import HistoryDiverged, TransientError
from auto_migrate.history.store import History
from auto_migrate.phases.phase import asked_phase
from auto_migrate.planning.comparison import Comparison, compare
from auto_migrate.planning.fingerprint import code_of_process
from auto_migrate.planning.interruptions import Interruptions, interruptions
from auto_migrate.planning.schema_state import recorded_rows
from auto_migrate.planning.targets import Goal
from auto_migrate.values import MigrationKey, SchemaState


@dataclasses.dataclass(frozen=True)
class PlannedMigration:
    """One migration that is pending, with its operations as sentences."""

    key: MigrationKey
    backwards: bool
    operations: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What the code needs and what the database has; if they diverged, the `problem` and a `hint` at its mending."""

    state: SchemaState
    pending: tuple[PlannedMigration, ...] = ()
    unknown: tuple[MigrationKey, ...] = ()
    problem: str = ""
    hint: str = ""
    deferred: tuple[MigrationKey, ...] = ()
    """What waits for the deploy, where phases are on."""


def inspect(database: str = "default", *, phase: str | None = None, goal: Goal | None = None) -> Inspection:
    """Compare the code's migrations with the record of one database, changing nothing.

    `phase` is `all`, `pre_deploy` or `post_deploy`; None is what the release step would apply. A `goal` takes its
    place, and may be less than everything. Raise `UsageError` for one that cannot be had, `DatabaseUnreachable` or
    `DatabaseRefused` if the database cannot be asked; there is no second attempt.
    """
    adapter, goal = adapter_for(database), goal or Goal(phase=asked_phase(phase))
    try:
        with asking(adapter):
            code, recorded = code_of_process(database), recorded_rows(adapter.connection)
            found = interruptions(adapter, recorded)
            if found.cut or found.undone:
                return interrupted(adapter, found, compare(adapter, goal))
            # It tells that all is applied, which is not what everybody asks for.
            if goal.is_whole and code is not None and History(database).knows(code.fingerprint(recorded).schema):
                return Inspection(SchemaState.UP_TO_DATE)
            return inspection_of(compare(adapter, goal))
    except HistoryDiverged as error:
        return Inspection(SchemaState.DIVERGED, problem=error.message, hint=error.hint)
    except TransientError as fault:
        raise adapter.unreachable(fault) from fault


def inspection_of(comparison: Comparison) -> Inspection:
    """Return a comparison as plain values."""
    pending = tuple(planned(migration, backwards=backwards) for migration, backwards in comparison.plan)
    return Inspection(comparison.state, pending, comparison.unknown, deferred=comparison.deferred)


def planned(migration: Migration, *, backwards: bool) -> PlannedMigration:
    """Return a migration as plain values."""
    return PlannedMigration(
        MigrationKey.of(migration),
        backwards,
        tuple(operation.describe() for operation in migration.operations),
    )


def interrupted(database: Database, found: Interruptions, comparison: Comparison) -> Inspection:
    """Return what is to be said where migrations stand half-way; what is being unapplied is pending."""
    # Next to nobody is cut, and everybody would pay for importing it.
    from auto_migrate.applying.recovery import stopped_at

    disk, inspection = comparison.loader.disk_migrations, inspection_of(comparison)
    for key, position in found.cut.items():
        if migration := disk.get((key.app_label, key.name)):
            error = stopped_at(database, migration, position)
            return dataclasses.replace(inspection, state=SchemaState.DIVERGED, problem=error.message, hint=error.hint)
    undone = [migration for key in found.undone if (migration := disk.get((key.app_label, key.name)))]
    if not undone:
        return inspection
    pending = tuple(planned(migration, backwards=True) for migration in undone)
    return dataclasses.replace(inspection, state=SchemaState.BEHIND, pending=(*pending, *inspection.pending))

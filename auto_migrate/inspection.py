"""What the code needs and what one database has, as plain values, for those who only ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from django.db.migrations.migration import Migration

from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.databases.options import asking
from auto_migrate.exceptions import HistoryDiverged, TransientError
from auto_migrate.fleet_events import SchemasCompared
from auto_migrate.history.store import History
from auto_migrate.phases.phase import asked_phase
from auto_migrate.planning.comparison import Comparison, compare
from auto_migrate.planning.fingerprint import code_of_process
from auto_migrate.planning.partial_migrations import PartialMigrations, interruptions
from auto_migrate.planning.schema_state import recorded_rows
from auto_migrate.planning.targets import Goal
from auto_migrate.tenancy import Tenancy, in_public, tenancy_of, without_tenants
from auto_migrate.values import MigrationKey, SchemaState, ValueObject


class PlannedMigration(ValueObject):
    """One migration that is pending, with its operations as sentences."""

    key: MigrationKey
    backwards: bool
    operations: tuple[str, ...]


class Inspection(ValueObject):
    """What the code needs and what the database has; if they diverged, the `problem` and a `hint` at its mending."""

    state: SchemaState
    pending: tuple[PlannedMigration, ...] = ()
    unknown: tuple[MigrationKey, ...] = ()
    problem: str = ""
    hint: str = ""
    deferred: tuple[MigrationKey, ...] = ()
    """What waits for the deploy, where phases are on."""
    schemas: SchemasCompared | None = None
    """What the schemas of tenants need, if the database has any."""


def inspect(
    database: str = "default", *, phase: str | None = None, goal: Goal | None = None, tenants: Collection[str] = ()
) -> Inspection:
    """Compare the code's migrations with the record of one database, changing nothing.

    `phase` is `all`, `pre_deploy` or `post_deploy`; None is what the release step would apply. A `goal` takes its
    place, and may be less than everything, as may `tenants`, the names of some. Raise `UsageError` for one that cannot
    be had, `DatabaseUnreachable` or `DatabaseRefused` if the database cannot be asked; there is no second attempt.
    """
    adapter, goal = adapter_for(database), goal or Goal(phase=asked_phase(phase))
    tenancy = tenancy_of(database)
    if tenancy is None and tenants:
        raise without_tenants(database)
    try:
        with in_public(database), asking(adapter):
            found = inspect_schema(adapter, goal)
            return found if tenancy is None else with_tenants(found, adapter, tenancy, goal, tenants)
    except HistoryDiverged as error:
        return Inspection(SchemaState.DIVERGED, problem=error.message, hint=error.hint)
    except TransientError as fault:
        raise adapter.unreachable(fault) from fault


def inspect_schema(database: Database, goal: Goal) -> Inspection:
    """Compare with the record of the schema that this thread works in."""
    code, recorded = code_of_process(database.alias), recorded_rows(database.connection)
    found = interruptions(database, recorded)
    if found.cut or found.undone:
        return interrupted(database, found, compare(database, goal))
    # It tells that all is applied, which is not what everybody asks for.
    if goal.is_whole and code is not None and History(database.alias).knows(code.fingerprint(recorded).schema):
        return Inspection(SchemaState.UP_TO_DATE)
    return inspection_of(compare(database, goal))


def with_tenants(
    found: Inspection, database: Database, tenancy: Tenancy, goal: Goal, tenants: Collection[str] = ()
) -> Inspection:
    """Return the same with all that is pending in the schemas of tenants, or of those that are named."""
    # Most projects have none.
    from auto_migrate.fleet.inventory import take_inventory
    from auto_migrate.fleet.shared_plan import compared, plans_for

    inventory = take_inventory(tenancy).chosen(tenants)
    plans = plans_for(database, tenancy, inventory, goal)
    pending = {one.key: one for one in found.pending}
    for plan in plans:
        for migration, backwards in plan.comparison.plan:
            pending.setdefault(MigrationKey.of(migration), planned(migration, backwards=backwards))
    deferred = (*found.deferred, *(key for plan in plans for key in plan.comparison.deferred))
    is_well = found.state in {SchemaState.UP_TO_DATE, SchemaState.AHEAD}
    return dataclasses.replace(
        found,
        state=SchemaState.BEHIND if pending and is_well else found.state,
        pending=tuple(pending.values()),
        deferred=tuple(dict.fromkeys(deferred)),
        schemas=compared(inventory, plans),
    )


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


def interrupted(database: Database, found: PartialMigrations, comparison: Comparison) -> Inspection:
    """Return what is to be said where migrations stand half-way; what is being unapplied is pending."""
    # Next to nobody is cut, and everybody would pay for importing it.
    from auto_migrate.applying.recovery import why_stopped

    disk, inspection = comparison.loader.disk_migrations, inspection_of(comparison)
    cut = {key: position for key, position in found.cut.items() if key not in comparison.unknown}
    if cut:
        key, position = next(iter(cut.items()))
        error = why_stopped(database, comparison, key, position)
        return dataclasses.replace(inspection, state=SchemaState.DIVERGED, problem=error.message, hint=error.hint)
    undone = [migration for key in found.undone if (migration := disk.get((key.app_label, key.name)))]
    if not undone:
        return inspection
    pending = tuple(planned(migration, backwards=True) for migration in undone)
    return dataclasses.replace(inspection, state=SchemaState.BEHIND, pending=(*pending, *inspection.pending))

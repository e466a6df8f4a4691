"""The plan that schemas with the same record share, with all that is computed for it once."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Sequence
from typing import Any, cast

from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState, StateApps
from django.utils.translation import gettext as _

from auto_migrate.applying.migrate_signals import final_models
from auto_migrate.applying.operation_loop import only_changes_schema
from auto_migrate.applying.squashes import half_recorded
from auto_migrate.applying.states.lazy_state import LazyState, djangos
from auto_migrate.databases.base import Database
from auto_migrate.databases.identifiers import quoted
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import HistoryDiverged, TransientError
from auto_migrate.fleet.inventory import LOOKS, Group, Inventory, digest_of
from auto_migrate.fleet.kept_state import KeptState
from auto_migrate.fleet.largest_tables import LargestTablesAdapter
from auto_migrate.fleet.model_rows import CompleteRows
from auto_migrate.fleet.small_tables import SmallTables
from auto_migrate.fleet_events import PendingPlan, SchemasCompared
from auto_migrate.planning.comparison import Comparison, applied_state, compare
from auto_migrate.planning.loader import Planner
from auto_migrate.planning.targets import Goal
from auto_migrate.request import RunRequest
from auto_migrate.safety.gate import Gate
from auto_migrate.tenancy import Tenancy
from auto_migrate.values import MigrationKey

Plan = list[tuple[Migration, bool]]
# Of how many operations the states are kept: each has models, and a new tenant may need thousands.
MOST_KEPT = 50


@dataclasses.dataclass
class SharedPlan:
    """One plan, compared within the schema of the first tenant of its group.

    `needs_mending` tells that a squash is recorded by half, which each schema has to look at by itself.
    """

    group: Group
    comparison: Comparison
    state: ProjectState
    full_plan: Plan
    needs_mending: bool = False
    final: StateApps | None = dataclasses.field(default=None, init=False, repr=False)
    complete: CompleteRows = dataclasses.field(default_factory=CompleteRows, init=False, repr=False)
    # Of each thread: models that operations look at are not for two at a time.
    _kept: threading.local = dataclasses.field(default_factory=threading.local, init=False, repr=False)
    # In which schemas a table is small.
    small: SmallTables = dataclasses.field(init=False, repr=False)
    # The operations (1-based) that were judged to go online.
    promised: frozenset[tuple[MigrationKey, int]] = frozenset()

    def __post_init__(self) -> None:
        # Once for all, unless the plan itself may write rows before somebody asks.
        self.small = SmallTables(self.group.names if is_all_schema(self.comparison.plan) else ())

    def begin(self, own: Plan) -> LazyState:
        """Return the state before the plan, for the schema that this thread works in and that has its `own`."""
        steps = sum(len(migration.operations) for migration, _backwards in own)
        if self.comparison.backwards or len(self.group.tenants) == 1 or steps > MOST_KEPT or not is_all_schema(own):
            return LazyState.of(self.state)
        if not hasattr(self._kept, "state"):
            self._kept.state = KeptState.of(self.state)
        kept: KeptState = self._kept.state
        return kept

    def forget(self) -> None:
        """Let this thread begin anew: what was rendered for a schema in which the plan failed may not be as it was."""
        vars(self._kept).clear()

    def own_plan(self) -> Plan:
        """Return the plan for one schema: receivers of `pre_migrate` edit it, and the operations of its migrations."""
        return [(_copied(migration), backwards) for migration, backwards in self.comparison.plan]

    def promised_operations(self) -> frozenset[int]:
        """Return the ids of those operations."""
        migrations = {MigrationKey.of(migration): migration for migration, _backwards in self.comparison.plan}
        found = ((migrations.get(key), index) for key, index in self.promised)
        return frozenset(id(migration.operations[index - 1]) for migration, index in found if migration is not None)

    def final_models(self, state: ProjectState) -> StateApps:
        """Return the models after the plan, rendered for the first schema that asks."""
        if self.final is None:
            self.final = final_models(djangos(state))
        return self.final


def is_all_schema(plan: Plan) -> bool:
    """Return whether nothing but Django's own schema operations is carried out."""
    return all(only_changes_schema(migration) for migration, _backwards in plan)


def _copied(migration: Migration) -> Migration:
    twin: Any = copy.copy(migration)
    twin.operations = list(migration.operations)
    return cast("Migration", twin)


def plan_for(database: Database, tenancy: Tenancy, group: Group, goal: Goal) -> SharedPlan:
    """Compare within the schema of one of a group; raise `HistoryDiverged` where there is no way to the goal."""
    for tenant in group.tenants[:LOOKS]:
        with tenancy.entered(tenant):
            try:
                comparison = compare(database, goal, has_record=group.has_record)
            except HistoryDiverged as error:
                raise HistoryDiverged(
                    _("In the schema {schema}: {error}").format(schema=quoted(tenant.name), error=error.message),
                    hint=error.hint,
                ) from error
            if len(group.tenants) > 1 and group.has_record and digest_of(comparison.recorded) != group.digest:
                # It was migrated or dropped since it was looked at, and stands for the others no more.
                continue
            executor = Planner(database.connection, loader=comparison.loader)  # type: ignore[arg-type] # it is ours
            return SharedPlan(
                group,
                comparison,
                applied_state(comparison),
                executor.migration_plan(comparison.loader.graph.leaf_nodes(), clean_start=True),
                needs_mending=group.has_record
                and bool(comparison.loader.replacements)
                and bool(half_recorded(database)),
            )
    raise TransientError(_("The records of the tenants are changing."), contention=True)


def judge(plan: SharedPlan, tenancy: Tenancy, goal: Goal, request: RunRequest, emit: Emitter) -> None:
    """Judge a plan once for all its schemas, by the largest table of each name; raise what the gate raises."""
    largest = LargestTablesAdapter(tenancy.alias, plan.group.names)
    gate = Gate(largest, goal, request.acknowledgements, emit, answers=request.answers)
    with tenancy.entered(plan.group.tenants[0]):
        gate.check(plan.comparison, plan.state, {})
    if gate.assessment is not None:
        plan.promised = frozenset(
            (assessed.migration, operation.index)
            for assessed in gate.assessment.migrations
            for operation in assessed.operations
            if operation.online
        )


def check_backfills(database: Database, plan: SharedPlan, *, at_once: int) -> None:
    """Raise `BackfillUnfinished` if a plan, done in so many schemas `at_once`, has to wait for a backfill in any."""
    if plan.comparison.plan:
        # Most deploys have no plan.
        from auto_migrate.backfills.outlook import refuse_unfinished

        graph, schemas = plan.comparison.loader.graph, plan.group.names
        refuse_unfinished(database, plan.comparison.plan, graph, schemas=schemas, at_once=at_once)


def plans_for(database: Database, tenancy: Tenancy, inventory: Inventory, goal: Goal) -> list[SharedPlan]:
    """Return the plan of each group of tenants."""
    return [plan_for(database, tenancy, group, goal) for group in inventory.groups]


def compared(inventory: Inventory, plans: Sequence[SharedPlan]) -> SchemasCompared:
    """Return what there is to be said of all tenants and of what they need."""
    pending = [PendingPlan(plan.group.names, plan.comparison.keys) for plan in plans if plan.comparison.plan]
    deferred = tuple(dict.fromkeys(key for plan in plans for key in plan.comparison.deferred))
    return SchemasCompared(inventory.total, tuple(pending), inventory.unprovisioned, inventory.drifting, deferred)

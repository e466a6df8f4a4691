"""One schema brought to where the code needs it, by a plan that others share."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.migrations.migration import Migration
from django.db.migrations.operations import RenameModel
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState, StateApps
from django.db.transaction import atomic

from auto_migrate.active_schema import active_schema
from auto_migrate.applying.executor import Executor
from auto_migrate.applying.lazy_executor import quietly
from auto_migrate.applying.migrate_signals import send_pre_migrate, send_rendered_post_migrate, telling_receivers
from auto_migrate.applying.operation_loop import computes_nothing
from auto_migrate.applying.recovery import check_open
from auto_migrate.applying.squashes import finish_squashes
from auto_migrate.applying.states.lazy_state import LazyState
from auto_migrate.databases.base import Database, DeployLock, Question
from auto_migrate.databases.identifiers import quoted
from auto_migrate.emitter import Emitter
from auto_migrate.events import PlanMade
from auto_migrate.fleet.app_code import app_code_held
from auto_migrate.fleet.kept_state import KeptState
from auto_migrate.fleet.model_rows import rows_of_models
from auto_migrate.fleet.own_tables import refuse_tables_of_others
from auto_migrate.fleet.shared_plan import Plan, SharedPlan
from auto_migrate.history.journal import forget_cuts, open_journals
from auto_migrate.planning.comparison import applied_state, compare
from auto_migrate.planning.loader import Planner
from auto_migrate.planning.receivers import all_follow_rows
from auto_migrate.planning.targets import Goal
from auto_migrate.record_events import RecordMended
from auto_migrate.request import RunRequest
from auto_migrate.retry import teller

# The verbosity from which on Django tells of each app for which a signal is sent.
TELLING = 2

if TYPE_CHECKING:
    from auto_migrate.applying.online.planner import OnlinePlanner
    from auto_migrate.fleet.schema_bridges import SchemaBridges


class PresentRecord(MigrationRecorder):
    """The record of a schema of which it is known that it is there."""

    def has_table(self) -> bool:
        return True


class SchemaExecutor(Executor):
    """Carries out a shared plan in one schema; what computes in Python does so one schema at a time."""

    def __init__(self, database: Database, plan: SharedPlan, own: Plan, **others: Any) -> None:
        super().__init__(database, plan.comparison, **others)
        self.recorder = PresentRecord(self.connection)
        self.shared = plan
        self.own = {migration: migration for migration, _backwards in own}

    def migration_plan(self, targets: Any, clean_start: bool = False) -> Plan:
        """Return the way to the leaf nodes, which was planned for all, with this schema's own migrations in it."""
        return [(self.own.get(migration, migration), backwards) for migration, backwards in self.shared.full_plan]

    def migrate(
        self, targets: Any, plan: Any = None, state: Any = None, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Carry out the plan; a state that is kept is handed on, and not copied before and after."""
        if isinstance(state, KeptState):
            return Planner.migrate(self, targets, plan, quietly(state), fake, fake_initial)
        return super().migrate(targets, plan, state, fake, fake_initial)

    @functools.cached_property
    def planner(self) -> OnlinePlanner | None:
        """What plans the operations that go online in this schema."""
        # Likewise of a plan that is empty.
        from auto_migrate.fleet.tenant_planner import tenant_planner

        return tenant_planner(self.database, self.shared.small, self.shared.promised_operations(), is_new=self.is_new)

    def check_replacements(self) -> None:
        if self.loader.replacements:
            super().check_replacements()

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        refuse_tables_of_others(self.database, migration, state)
        with contextlib.nullcontext() if computes_nothing(migration) else app_code_held():
            return super().apply_migration(state, migration, fake, fake_initial)

    def unapply_migration(self, state: ProjectState, migration: Migration, fake: bool = False) -> ProjectState:
        refuse_tables_of_others(self.database, migration, state)
        with app_code_held():
            return super().unapply_migration(state, migration, fake)


@dataclasses.dataclass
class SchemaRun:
    """What is done in the schema that this thread works in."""

    database: Database
    plan: SharedPlan
    goal: Goal
    request: RunRequest
    lock: DeployLock
    emit: Emitter
    bridges: SchemaBridges
    is_cut: bool = False

    def run(self) -> None:
        """Carry the plan out, with Django's signals around it; raise what ends it."""
        if not self.plan.group.has_record:
            if self.is_cut:
                forget_cuts(self.database.alias)
            make_record(self.database, self.emit)
        elif self.plan.needs_mending:
            self._mend()
        plan, comparison = self.plan.own_plan(), self.plan.comparison
        cut = open_journals(self.database.alias) if self.is_cut else {}
        check_open(self.database, cut, comparison)
        bridges = self.bridges.keeper(self.database, self.plan, self.lock, self.emit)
        bridges.take_down(cut)
        # Of the states all that is not changed is shared.
        state: ProjectState = LazyState.of(self.plan.state)
        self._announce_begin(state, plan)
        if plan:
            keys = comparison.keys
            self.emit(PlanMade((), comparison.target, keys, comparison.backwards))
            executor = SchemaExecutor(
                self.database,
                self.plan,
                plan,
                lock=self.lock,
                emit=self.emit,
                resolutions=self.request.resolutions,
                bridges=bridges.builder(),
                open_journals=cut,
            )
            try:
                state = executor.migrate(comparison.targets, plan=plan, state=self.plan.begin(plan))
            finally:
                if not isinstance(state, KeptState):
                    self.plan.forget()
        if bridges.loosens:
            bridges.loosen(self.bridges.late_of(self.database, self.plan))
        with app_code_held():
            models = self.plan.final_models(state)
        self._announce_end(models, plan)

    @property
    def _hears_only_django(self) -> bool:
        # Of each app for which a signal is sent, Django tells people who want to know.
        return self.request.audience.verbosity < TELLING and all_follow_rows()

    def _announce_begin(self, state: ProjectState, plan: Plan) -> None:
        """Send `pre_migrate`, of which Django's own receiver makes use where a model is renamed."""
        operations = (operation for migration, _backwards in plan for operation in migration.operations)
        if self._hears_only_django and not any(isinstance(operation, RenameModel) for operation in operations):
            return
        with app_code_held(), telling_receivers(self.database, "pre_migrate"):
            send_pre_migrate(self.database.alias, state, plan, self.request.audience)

    def _announce_end(self, models: StateApps, plan: Plan) -> None:
        """Send `post_migrate`; where only Django's own receivers hear it, for the apps that they may be needed for."""
        complete = self.plan.complete
        before = rows_of_models(self.database, models) if self._hears_only_django else None
        labels = None if before is None else complete.unknown(before)
        if before is not None and not labels:
            return
        with app_code_held(models), telling_receivers(self.database, "post_migrate"):
            send_rendered_post_migrate(self.database.alias, models, plan, self.request.audience, labels=labels)
        if before is not None:
            complete.note(before, rows_of_models(self.database, models) or ())

    def _mend(self) -> None:
        """Complete the record of squashes, and plan anew for what is recorded then."""
        if finished := finish_squashes(self.database):
            self.emit(RecordMended(finished))
        comparison = compare(self.database, self.goal)
        self.plan = dataclasses.replace(
            self.plan, comparison=comparison, state=applied_state(comparison), needs_mending=False
        )


def make_record(database: Database, emit: Emitter) -> None:
    """Make the table in which a schema's migrations are recorded: the one that all share is not its own."""
    table = f"{quoted(active_schema())}.{quoted(MigrationRecorder.Migration._meta.db_table)}"
    with atomic(using=database.alias):
        # Whoever makes a tenant at this moment has the lock, and makes the table too.
        database.begin_migration(emit.clock, None, teller(emit))
        ((is_there,),) = database.ask(Question("SELECT to_regclass(%s) IS NOT NULL", [table]))
        if not is_there:
            with connections[database.alias].schema_editor() as editor:
                editor.create_model(MigrationRecorder.Migration)

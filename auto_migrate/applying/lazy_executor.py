"""Django's executor with project states that are copied on write and models that are rendered on demand."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.applying.backwards import advanced, goes_back_lazily, states_before, unapplied
from auto_migrate.applying.fallback import Sent, is_stock, note, once_more, preserved, stock
from auto_migrate.applying.operation_loop import applies_itself, apply_operation
from auto_migrate.applying.states.lazy_state import LazyState, djangos
from auto_migrate.planning.loader import Planner

BEGINS = frozenset({"apply_start", "unapply_start"})


class LazyExecutor(Planner):
    """Does what Django's does, and gives back Django's own state."""

    def migrate(
        self,
        targets: Sequence[tuple[str, str | None]] | None,
        plan: Sequence[tuple[Migration, bool]] | None = None,
        state: ProjectState | None = None,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        """Carry out the plan from a state that is not to be used any more, and return the state after it."""
        if state is not None:
            state = quietly(LazyState.of(state))
        return djangos(super().migrate(targets, plan, state, fake, fake_initial))

    def _create_project_state(self, with_applied_migrations: bool = False) -> ProjectState:
        """Return Django's state; of the one that `pre_migrate` hands out no model is rendered before somebody looks."""
        state = super()._create_project_state(with_applied_migrations)  # type: ignore[misc] # which the stubs lack
        return quietly(LazyState.of(state)) if with_applied_migrations else state

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Run a migration forwards as Django does, and record it."""
        if is_stock(state):
            return super().apply_migration(state, migration, fake, fake_initial)
        # What looks whether the tables are there already lets operations change the state, known or not.
        if fake_initial or applies_itself(migration):
            return quietly(super().apply_migration(djangos(state), migration, fake, fake_initial))
        origin, apply = preserved(state), super().apply_migration
        return self._once_or_twice(
            migration,
            lambda lazily: quietly(apply(state, lazily, fake)),
            lambda: apply(stock(origin), migration, fake),
        )

    def _migrate_all_backwards(
        self, plan: list[tuple[Migration, bool]], full_plan: list[tuple[Migration, bool]], fake: bool
    ) -> ProjectState:
        """Unapply as Django does; the states before the migrations share what none of them changes."""
        if not (self.connection.features.can_rollback_ddl and goes_back_lazily(plan)):
            state: ProjectState = super()._migrate_all_backwards(plan, full_plan, fake)  # type: ignore[misc] # likewise
            return state
        nodes, order = self.loader.graph.nodes, [migration for migration, _backwards in full_plan]
        applied = {nodes[key] for key in self.loader.applied_migrations if key in nodes}
        state = LazyState.of(self._create_project_state())
        _ = state.real_models
        states = states_before((migration for migration, _backwards in plan), applied, state, order)
        for migration, _backwards in plan:
            # What was rendered for it goes with it.
            state = states.pop(migration)
            self.unapply_migration(state.clone(), migration, fake=fake)
            applied.remove(migration)
        for remaining in order[order.index(plan[-1][0]) :]:
            if remaining in applied:
                state = advanced(remaining, state)
        return state

    def unapply_migration(self, state: ProjectState, migration: Migration, fake: bool = False) -> ProjectState:
        """Run a migration backwards as Django does, and take its record away."""
        if fake or is_stock(state):
            return super().unapply_migration(state, migration, fake)
        unapply = super().unapply_migration
        return self._once_or_twice(
            migration,
            lambda lazily: unapply(state, lazily, fake),
            lambda: unapply(stock(state), migration, fake),
        )

    def _once_or_twice(
        self, migration: Migration, way: Callable[[Migration], ProjectState], djangos_way: Callable[[], ProjectState]
    ) -> ProjectState:
        """Carry out a migration in our way; where an error of its operations has left nothing of it, in Django's."""
        lazily = LazilyApplied(migration)

        def second() -> ProjectState:
            with self._without_announcement():
                return djangos_way()

        return once_more(
            migration,
            lambda: way(lazily.migration),
            second,
            connection=self.connection,
            is_undone=lambda sent, error: self._is_undone(migration, sent) and lazily.error is error,
        )

    def _is_undone(self, migration: Migration, sent: Sent) -> bool:
        """Return whether nothing is left of a migration whose operations raised."""
        transactional = bool(migration.atomic) and self.connection.features.can_rollback_ddl
        return transactional and not sent.ended_transaction

    @contextlib.contextmanager
    def _without_announcement(self) -> Iterator[None]:
        """Let nobody hear that a migration begins of whose begin they have heard."""
        progress = self.progress_callback
        if progress is not None:
            self.progress_callback = lambda action, *told: None if action in BEGINS else progress(action, *told)
        try:
            yield
        finally:
            self.progress_callback = progress


def quietly(state: ProjectState) -> ProjectState:
    """Let Django take a state for rendered, or it would tell people that it renders every model now."""
    if isinstance(state, LazyState):
        try:
            _ = state.apps
        except Exception as error:  # noqa: BLE001 # whatever it is, Django has its own states
            note("What follows", error)
            return stock(state)
    return state


class LazilyApplied:
    """A migration that takes a lazy state, and what its operations raised."""

    def __init__(self, migration: Migration) -> None:
        self.original = migration
        self.error: Exception | None = None
        self.migration = copy.copy(migration)
        self.migration.apply = self._apply  # type: ignore[method-assign] # of the copy alone
        self.migration.unapply = self._unapply  # type: ignore[method-assign]

    def _apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        """Do what `Migration.apply` does."""
        try:
            for operation in self.original.operations:
                project_state = apply_operation(self.original, operation, project_state, schema_editor)
        except Exception as error:
            self.error = error
            raise
        return project_state

    def _unapply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        """Do what `Migration.unapply` does."""
        try:
            return unapplied(self.original, project_state, schema_editor)
        except Exception as error:
            self.error = error
            raise


def as_written(migration: Migration) -> Migration:
    """Return the migration itself of a copy that takes a lazy state."""
    applied = getattr(migration.apply, "__self__", None)
    return applied.original if isinstance(applied, LazilyApplied) else migration

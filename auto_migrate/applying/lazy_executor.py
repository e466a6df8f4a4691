"""Django's executor with project states that are copied on write and models that are rendered on demand."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.applying.operation_loop import applies_itself, apply_operation
from auto_migrate.applying.states.lazy_state import LazyState, djangos
from auto_migrate.planning.loader import Planner


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

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Run a migration forwards as Django does, and record it."""
        # What looks whether the tables are there already lets operations change the state, known or not.
        if fake_initial or applies_itself(migration):
            state = djangos(state)
        else:
            migration = lazily_applied(migration)
        return quietly(super().apply_migration(state, migration, fake, fake_initial))


def quietly(state: ProjectState) -> ProjectState:
    """Let Django take a state for rendered, or it would tell people that it renders every model now."""
    if isinstance(state, LazyState):
        _ = state.apps
    return state


def lazily_applied(migration: Migration) -> Migration:
    """Return a copy of a migration that takes a lazy state."""
    own = copy.copy(migration)
    own.apply = functools.partial(apply_operations, migration)  # type: ignore[method-assign] # of the copy alone
    return own


def apply_operations(migration: Migration, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> ProjectState:
    """Do what `Migration.apply` does."""
    for operation in migration.operations:
        state = apply_operation(migration, operation, state, editor)
    return state

"""Migrations taken back, from states that share what no migration between them has changed.

Django copies every model's state before each migration that is unapplied, renders all of them, and again around each
operation. Lazy states are copied by name, and render what an operation looks at.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic

from auto_migrate.applying.locks.operation_locks import is_schema_operation
from auto_migrate.applying.operation_loop import applies_itself, untranslated, wants_own_transaction
from auto_migrate.applying.states.lazy_state import LazyState, djangos, is_known
from auto_migrate.applying.states.registry import rendered_first
from auto_migrate.changes.stock_operations import flat, is_djangos
from auto_migrate.tenancy import kept_in_schema, tenancy_of


@dataclasses.dataclass(frozen=True)
class Backwards:
    """One operation (`index` as the file has it) to be taken back, from the state after it to the one `before`."""

    index: int
    migration: Migration
    operation: Operation
    state: ProjectState
    before: ProjectState
    editor: BaseDatabaseSchemaEditor

    def lock_ahead(self) -> None:
        """Lock nothing ahead: whoever unapplies has the operations' own limits."""

    def run(self) -> ProjectState:
        """Take it back as Django does and return the state before it."""
        with untranslated(), contextlib.ExitStack() as stack:
            if wants_own_transaction(self.migration, self.operation, self.editor):
                stack.enter_context(atomic(self.editor.connection.alias))
            if not is_schema_operation(self.operation):
                stack.enter_context(kept_in_schema(self.editor.connection.alias))
                self._let_explore()
            if isinstance(self.state, LazyState) and self.editor.connection.vendor == "sqlite":
                stack.enter_context(rendered_first(self.before.apps, self.state.apps))
            self.operation.database_backwards(self.migration.app_label, self.editor, self.state, self.before)
        return self.before

    def _let_explore(self) -> None:
        """Prepare the states for code that may look at any model, as `RunPython` does forwards alone."""
        for state in (self.before, self.state):
            if isinstance(state, LazyState):
                state.clear_delayed_apps_cache()


def steps_backwards(migration: Migration, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> list[Backwards]:
    """Return the operations in the order in which they are taken back, with the states that Django gives them.

    Raise Django's `IrreversibleError` before anything is done; see `Migration.unapply`.
    """
    steps = []
    for index, operation in enumerate(migration.operations, start=1):
        if not operation.reversible:
            raise IrreversibleError(f"Operation {operation} in {migration} is not reversible")
        state = state.clone()
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        steps.append(Backwards(index, migration, operation, state, before, editor))
    return steps[::-1]


def unapplied(migration: Migration, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> ProjectState:
    """Take a migration back as Django does, in the transaction that is open, and return the state before it."""
    alias = editor.connection.alias
    is_whole = tenancy_of(alias) is None and not isinstance(state, LazyState)
    if is_whole or applies_itself(migration, backwards=True):
        with untranslated(), kept_in_schema(alias):
            return migration.unapply(state, editor)
    for step in steps_backwards(migration, state, editor):
        # Each begins in the schema of the migration, wherever the one before has led.
        state = step.run()
    return state


def goes_back_lazily(plan: Iterable[tuple[Migration, bool]]) -> bool:
    """Return whether every migration of a plan is one transaction of operations that only do what Django's do."""
    return all(
        bool(migration.atomic)
        and is_plain(migration)
        and not applies_itself(migration)
        and not applies_itself(migration, backwards=True)
        and all(is_djangos(type(operation).database_backwards) for operation in flat(migration.operations))
        for migration, _backwards in plan
    )


def is_plain(migration: Migration) -> bool:
    """Return whether a migration does to the state what its operations do, and those what Django's do."""
    return migration.mutate_state.__module__ == Migration.__module__ and all(map(is_known, migration.operations))


def advanced(migration: Migration, state: LazyState) -> LazyState:
    """Return the state after a migration; the one before it stays as it is."""
    if not is_plain(migration):
        return LazyState.of(migration.mutate_state(djangos(state), preserve=False))
    after = state.clone()
    for operation in migration.operations:
        operation.state_forwards(migration.app_label, after)
    return after


def states_before(
    migrations: Iterable[Migration], applied: Iterable[Migration], state: LazyState, order: Sequence[Migration]
) -> dict[Migration, LazyState]:
    """Return the states before some migrations; `applied` are all that stand, and `order` is that of the graph."""
    left, standing, found = set(migrations), set(applied), dict[Migration, LazyState]()
    for migration in order:
        if not left:
            break
        if migration in left:
            left.remove(migration)
            found[migration] = state
        if migration in found or migration in standing:
            state = advanced(migration, state)
    return found

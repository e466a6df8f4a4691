"""The operations of one migration, carried out one by one as Django's `Migration.apply` does."""

from __future__ import annotations

import dataclasses

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic


@dataclasses.dataclass
class Progress:
    """Where a migration is: the operation under way (1-based) and the last statement sent."""

    migration: Migration
    index: int = 0
    statement: str = ""

    def remember(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def] # Django's wrapper protocol
        """Keep the statement, without its parameters; for `connection.execute_wrapper`."""
        self.statement = str(sql)
        return execute(sql, params, many, context)

    @property
    def operation(self) -> Operation | None:
        """The operation under way, if one is."""
        return self.migration.operations[self.index - 1] if self.index else None


def apply_operations(
    migration: Migration, state: ProjectState, editor: BaseDatabaseSchemaEditor, progress: Progress
) -> ProjectState:
    """Apply every operation in turn and give the state after the last; see `Migration.apply`."""
    if type(migration).apply is not Migration.apply:
        # The project's own way of applying; nothing is known of its operations.
        return migration.apply(state, editor)
    for progress.index, operation in enumerate(migration.operations, start=1):
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        if wants_own_transaction(migration, operation, editor):
            with atomic(editor.connection.alias):
                operation.database_forwards(migration.app_label, editor, before, state)
        else:
            operation.database_forwards(migration.app_label, editor, before, state)
    return state


def wants_own_transaction(migration: Migration, operation: Operation, editor: BaseDatabaseSchemaEditor) -> bool:
    """Tell whether an operation is to be atomic although its migration is not."""
    declared = operation.atomic or (migration.atomic and operation.atomic is not False)
    return not editor.atomic_migration and bool(declared)


def flush_deferred(editor: BaseDatabaseSchemaEditor) -> None:
    """Run now what the editor would run on leaving, so that the record can follow in the same transaction."""
    deferred, editor.deferred_sql = editor.deferred_sql, []
    for statement in deferred:
        editor.execute(statement, None)

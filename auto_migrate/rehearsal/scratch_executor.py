"""Migrations carried out on a scratch database as `auto_migrate` does, what they defer before the commit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from django.apps import apps
from django.db import router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import override

from auto_migrate.applying.operation_loop import database_forwards
from auto_migrate.values import MigrationKey

Enter = Callable[[int | None], None]
Watch = Callable[[BaseDatabaseSchemaEditor, MigrationKey], contextlib.AbstractContextManager[None]]


def unwatched(_editor: BaseDatabaseSchemaEditor, _migration: MigrationKey) -> contextlib.AbstractContextManager[None]:
    """Let nobody watch an editor."""
    return contextlib.nullcontext()


class ScratchExecutor:
    """Carries out migrations forwards on one connection.

    `python` tells whether `RunPython` is carried out too; `fits` which operations of a migration that is not atomic
    get a transaction of their own.
    """

    def __init__(self, connection: BaseDatabaseWrapper, *, python: bool, fits: Callable[[Operation], bool]) -> None:
        self.connection = connection
        self.python = python
        self.fits = fits
        self.recorder = MigrationRecorder(connection)

    def make_unmigrated(self, app_labels: Iterable[str]) -> None:
        """Make the tables of apps without migrations, to which others may point, as a test database has them."""
        with self.connection.schema_editor() as editor:
            for label in sorted(app_labels):
                for model in router.get_migratable_models(apps.get_app_config(label), self.connection.alias):
                    if model._meta.can_migrate(self.connection):
                        editor.create_model(model)

    def apply(
        self,
        migration: Migration,
        state: ProjectState,
        enter: Enter = lambda _index: None,
        watch: Watch = unwatched,
    ) -> ProjectState:
        """Carry out a migration and return the state after it.

        `enter` is told the number of each operation begun, `watch` watches what the schema editor is asked for.
        """
        key = MigrationKey.of(migration)
        with self.connection.schema_editor(atomic=migration.atomic) as editor, override(None), watch(editor, key):
            if type(migration).apply is not Migration.apply:
                state = migration.apply(state, editor)
            else:
                self._apply_each(migration, state, editor, enter)
        return state

    def record(self, migration: Migration) -> None:
        """Record a migration, for code that looks at the record."""
        self.recorder.record_applied(migration.app_label, migration.name)

    def _apply_each(
        self, migration: Migration, state: ProjectState, editor: BaseDatabaseSchemaEditor, enter: Enter
    ) -> None:
        deferred_by: dict[int, int] = {}
        for index, operation in enumerate(migration.operations, start=1):
            enter(index)
            before = state.clone()
            operation.state_forwards(migration.app_label, state)
            carried = operation if self.python else without_python(operation)
            with self._own_transaction(migration, operation, editor):
                if carried is not None:
                    database_forwards(migration, carried, editor, before, state)
                for statement in editor.deferred_sql:
                    deferred_by.setdefault(id(statement), index)
                if not editor.atomic_migration:
                    flush(editor, enter, deferred_by)
        flush(editor, enter, deferred_by)

    def _own_transaction(
        self, migration: Migration, operation: Operation, editor: BaseDatabaseSchemaEditor
    ) -> contextlib.AbstractContextManager[object]:
        """Return the transaction around an operation whose migration has none; see `Migration.apply` and `Stepwise`."""
        asked = operation.atomic or (migration.atomic and operation.atomic is not False)
        if not editor.atomic_migration and (asked or self.fits(operation)):
            return atomic(editor.connection.alias)
        return contextlib.nullcontext()


def flush(editor: BaseDatabaseSchemaEditor, enter: Enter, deferred_by: dict[int, int]) -> None:
    """Send what operations put off, each under the number of its own."""
    deferred, editor.deferred_sql = editor.deferred_sql, []
    for statement in deferred:
        enter(deferred_by.get(id(statement)))
        editor.execute(statement, None)


def without_python(operation: Operation) -> Operation | None:
    """Return what is left of an operation without Python functions, None if nothing is."""
    if isinstance(operation, ops.RunPython):
        return None
    if not isinstance(operation, ops.SeparateDatabaseAndState):
        return operation
    inner = [left for left in map(without_python, operation.database_operations) if left is not None]
    return ops.SeparateDatabaseAndState(inner, operation.state_operations)


def computes(operations: Iterable[Operation]) -> bool:
    """Return whether any of the operations runs a Python function of the project's."""
    return any(
        (isinstance(operation, ops.RunPython) and operation.code is not ops.RunPython.noop)
        or (isinstance(operation, ops.SeparateDatabaseAndState) and computes(operation.database_operations))
        for operation in operations
    )

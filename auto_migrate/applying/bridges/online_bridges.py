"""Bridges beside an operation that is carried out online: raised in the transaction of the step that needs each.

The statements of such an operation do not go through the editor that `builder` watches; what they make of a column is
told from the states around the operation.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.bridges.builder import BridgeBuilder
from auto_migrate.applying.bridges.editor_watch import EditorWatch
from auto_migrate.applying.online.not_null import HELPER
from auto_migrate.applying.online.quoted_names import NAME, QUOTED, name_for_django, unquoted
from auto_migrate.applying.states.lazy_state import foresee
from auto_migrate.databases.present_columns import places_of
from auto_migrate.values import BridgeKind, MigrationKey

# What refuses NULL of a column, as the steps for SQL of the project's own say it.
TIGHTENED = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) (?:ALTER COLUMN (?P<set>{QUOTED}) SET NOT NULL"
    rf'|ADD CONSTRAINT (?:{QUOTED} NOT NULL|"{HELPER}\w+" CHECK) \(?(?P<held>{QUOTED})(?: IS NOT NULL\))? NOT VALID)\Z'
)


class StepObserver:
    """The bridges of one operation, from the state before it to the one after it."""

    def __init__(
        self, builder: BridgeBuilder, migration: MigrationKey, operation: Operation, *states: ProjectState
    ) -> None:
        self.builder = builder
        self.migration = migration
        self.operation: Any = operation
        self.before, self.after = states
        connection = builder.database.connection
        # Never entered: it is asked for rules and literals.
        editor = connection.SchemaEditorClass(connection)
        self.watch = EditorWatch(builder, editor, migration, raises=builder.raises)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to raise or to take along."""
        return self.builder.raises or self.builder.any_stand

    @property
    def renames(self) -> bool:
        """Whether the operation gives a table or a column another name."""
        if isinstance(self.operation, ops.AlterField):
            return bool(self.old.column != self.new.column)
        return isinstance(self.operation, ops.RenameModel | ops.RenameField)

    def changed(self, sql: str) -> None:
        """Raise what the running release needs after a statement, in the transaction in which it was sent."""
        if not self.is_needed:
            return
        if isinstance(self.operation, ops.RunSQL):
            self._tightened(sql)
            return
        adds, alters = (isinstance(self.operation, kind) for kind in (ops.AddField, ops.AlterField))
        if not (adds or alters) or not self._is_about(sql):
            return
        with self.builder.aside():
            if adds and (" ADD COLUMN " in sql or sql.endswith(" DROP DEFAULT")):
                # Django's own statement right after it takes the default away.
                self.watch.keep_default_of(self.table, self.new)
            elif alters and "NOT NULL" in sql and " DROP NOT NULL" not in sql:
                self.watch.fill_null(self.table, self.old, self.new)
            elif alters and sql.endswith(" DROP DEFAULT"):
                self.watch.keep_dropped_default(self.table, self.old, self.new)

    def _tightened(self, sql: str) -> None:
        """Raise what is needed where SQL of the project's own lets a column take NULL no more."""
        if self.watch.raises and (found := TIGHTENED.match(sql)) is not None:
            self.watch.enter(self.after)
            table, column = name_for_django(found["table"]), unquoted(found["set"] or found["held"])
            with self.builder.aside():
                for place in places_of(self.builder.database.connection, [(table, column)]):
                    if place is not None:
                        self.watch.fill_tightened(place)

    def _is_about(self, sql: str) -> bool:
        quote = self.builder.database.connection.ops.quote_name
        return sql.startswith(f"ALTER TABLE {quote(self.table)} ") and f" {quote(self.new.column)}" in f" {sql}"

    def undone(self) -> None:
        """Take down what was raised, in the transaction in which a step is taken back."""
        if not self.is_needed:
            return
        if isinstance(self.operation, ops.RunSQL):
            self.watch.withdraw_needless()
            return
        if not isinstance(self.operation, ops.AddField | ops.AlterField):
            return
        # An earlier operation of the same migration may have raised another kind, which is still needed.
        kinds = {BridgeKind.DEFAULT if isinstance(self.operation, ops.AddField) else BridgeKind.FILL}
        if isinstance(self.operation, ops.AlterField) and self.old.has_db_default():
            kinds.add(BridgeKind.DEFAULT)
        self.watch.withdraw(self.table, self.new.column, kinds)

    def finished(self) -> None:
        """Let bridges that stood before go along with what has become of their column."""
        if not self.builder.any_stand:
            return
        if isinstance(self.operation, ops.AlterField):
            with self.builder.aside():
                self.watch.follow(self.table, self.new)
        elif isinstance(self.operation, ops.RemoveField):
            self.watch.forget(self.table, self.old.column)
        elif isinstance(self.operation, ops.DeleteModel):
            self.watch.forget(self._model(self.before, self.operation.name)._meta.db_table)

    @functools.cached_property
    def table(self) -> str:
        """The table of the operation's field."""
        return str(self._model(self.before, self.operation.model_name)._meta.db_table)

    @functools.cached_property
    def old(self) -> Any:
        """The operation's field as it was."""
        return self._model(self.before, self.operation.model_name)._meta.get_field(self.operation.name)

    @functools.cached_property
    def new(self) -> Any:
        """The operation's field as it is to be, with the default that fills old rows."""
        field = copy.copy(self._model(self.after, self.operation.model_name)._meta.get_field(self.operation.name))
        if not self.operation.preserve_default:
            field.default = self.operation.field.default
            # What was worked out for the field that this is a copy of: it would ask that one, which has none by now.
            vars(field).pop("_get_default", None)
        return field

    def _model(self, state: ProjectState, name: str) -> Any:
        return state.apps.get_model(self.migration.app_label, name)


def observers_of(
    builder: BridgeBuilder, migration: MigrationKey, operation: Operation, before: ProjectState, after: ProjectState
) -> list[StepObserver]:
    """Return one observer for an operation, or for each that stands within it."""
    if not isinstance(operation, ops.SeparateDatabaseAndState):
        return [StepObserver(builder, migration, operation, before, after)]
    found = []
    for inner in operation.database_operations:
        within = foresee(before, migration.app_label, [inner])
        # What SQL is meant for stands beside it.
        ends_in = after if isinstance(inner, ops.RunSQL) else within
        found += observers_of(builder, migration, inner, before, ends_in)
        before = within
    return found

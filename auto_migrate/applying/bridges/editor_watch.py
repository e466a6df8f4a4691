"""Raises bridges while operations are carried out, and takes along those that stand.

Whatever changes a column goes through a schema editor, whichever operation asks for it. So the editor of a migration is
watched: a default that Django would drop again stays, and what is done to a column with a bridge is done to the bridge.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.bridges.bridge_sql import drop_default, drop_fill, fill_name, make_fill, set_default
from auto_migrate.applying.bridges.builder import BridgeBuilder
from auto_migrate.applying.bridges.held_operations import carried_out_held, is_one_of, put_in_force
from auto_migrate.applying.bridges.statement_watch import StatementWatch
from auto_migrate.changes.bridgeable import (
    expression,
    obstacle_of_default,
    obstacle_of_drop,
    obstacle_of_fill,
    obstacle_of_tightening,
)
from auto_migrate.changes.model_tables import field_at
from auto_migrate.databases.present_columns import ColumnPlace, column_of
from auto_migrate.values import LACKING, Bridge, BridgeKind, MigrationKey

Method = Callable[..., None]
# The editor's methods after which a table or column is another, or none.
WATCHED = ("create_model", "delete_model", "alter_db_table", "add_field", "remove_field", "alter_field")


@contextlib.contextmanager
def watching(
    builder: BridgeBuilder, editor: BaseDatabaseSchemaEditor, migration: MigrationKey, *, backwards: bool = False
) -> Iterator[None]:
    """Watch over what an editor is asked for within the block, in which one migration is carried out."""
    # Nothing is loosened while a migration is carried out.
    any_stood = builder.any_stand
    watch = EditorWatch(builder, editor, migration, raises=builder.raises and not backwards)
    if backwards:
        with builder.aside():
            put_in_force(builder.database.connection, migration)
    with watch.attached(), _statements_watched(watch):
        yield
    if any_stood and not backwards:
        with builder.aside():
            builder.ledger.forget_loosened(migration)


def _statements_watched(watch: EditorWatch) -> contextlib.AbstractContextManager[None]:
    builder = watch.builder
    if builder.database.vendor != "postgresql":
        return contextlib.nullcontext()
    statements = StatementWatch(
        builder.database,
        builder.ledger,
        builder.aside,
        any_stand=lambda: builder.any_stand,
        fill=watch.fill_tightened if watch.raises else None,
        harmless=builder.harmless,
    )

    def see(execute: Callable[..., Any], *statement: Any) -> Any:
        return statements(execute, *statement) if builder.is_watching else execute(*statement)

    return builder.database.connection.execute_wrapper(see)


class EditorWatch:
    """The watch over one editor for one migration."""

    def __init__(self, builder: BridgeBuilder, editor: Any, migration: MigrationKey, *, raises: bool) -> None:
        self.builder = builder
        self.editor = editor
        self.connection = builder.database.connection
        self.ledger = builder.ledger
        self.migration = migration
        self.raises = raises
        # The state after the operation under way.
        self.state: ProjectState | None = None

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Stand in front of the editor's own methods."""
        for name in WATCHED:
            setattr(self.editor, name, functools.partial(self._asked, getattr(self, name), getattr(self.editor, name)))
        self.editor.operation_entered, self.editor.operation_held = self.enter, self.hold_back
        try:
            yield
        finally:
            for name in (*WATCHED, "operation_entered", "operation_held"):
                vars(self.editor).pop(name, None)

    def enter(self, state: ProjectState) -> None:
        """Note what the statements to come are meant to end in."""
        self.state = state

    def hold_back(self, migration: Migration, operation: Operation, *states: ProjectState) -> bool:
        """Carry out what an operation that is held back drops, and note the rest; return whether it is held back."""
        is_held = self.raises and is_one_of(operation, migration, self.builder.held)
        for bridge in carried_out_held(migration, operation, self.editor, states) if is_held else ():
            with self.builder.aside():
                self._put(bridge)
        return is_held

    def _asked(self, method: Method, own: Method, *arguments: Any, **options: Any) -> None:
        with self.builder.unwatched():
            method(own, *arguments, **options)

    def create_model(self, create: Method, model: Any) -> None:
        self.builder.new_tables.add(model._meta.db_table)
        create(model)

    def delete_model(self, delete: Method, model: Any, **options: Any) -> None:
        gone = self._standing(model._meta.db_table)
        delete(model, **options)
        self._forget(gone)

    def alter_db_table(self, alter: Method, model: Any, old_db_table: str, new_db_table: str) -> None:
        alter(model, old_db_table, new_db_table)
        new_tables = self.builder.new_tables
        if old_db_table in new_tables:
            new_tables.add(new_db_table)
        new_tables.discard(old_db_table)
        if self.builder.any_stand:
            with self.builder.aside():
                self.ledger.rename_table(old_db_table, new_db_table)

    def remove_field(self, remove: Method, model: Any, field: Any) -> None:
        gone = self._standing(model._meta.db_table, field.column) if field.column else ()
        remove(model, field)
        self._forget(gone)

    def add_field(self, add: Method, model: Any, field: Any) -> None:
        """Add a field, and leave the default with which Django fills the rows that are there for those to come."""
        if not self._is_served(model) or not field.column or obstacle_of_default(field, self.editor):
            add(model, field)
            return
        bridge = Bridge(BridgeKind.DEFAULT, self.migration, model._meta.db_table, field.column)
        with self.builder.aside():
            # Noted first: where each statement commits, no default may stand that nobody knows.
            self._put(bridge)
        with self._default_kept():
            add(model, field)
        with self.builder.aside():
            if computed := expression(field, self.connection.vendor):
                set_default(self.connection, bridge, computed)
            self._define(bridge)

    def keep_default_of(self, table: str, field: Any) -> None:
        """Set the default of a column that was just added without one."""
        if self._serves(table) and field.column and not obstacle_of_default(field, self.editor):
            self._keep_default(Bridge(BridgeKind.DEFAULT, self.migration, table, field.column), self._value(field))

    def alter_field(self, alter: Method, model: Any, old: Any, new: Any, strict: bool = False) -> None:
        """Alter a field; what stands on it stands aside meanwhile, and is put up again where it is still needed."""
        if not old.column or not new.column or not self.editor._field_should_be_altered(old, new):
            alter(model, old, new, strict)
            return
        table = model._meta.db_table
        found = self._standing(table, old.column)
        standing = [bridge for bridge in found if bridge.kind not in LACKING]
        with self.builder.aside():
            for bridge in standing if self.builder.database.transactional_ddl else ():
                self._take_aside(bridge)
        alter(model, old, new, strict)
        with self.builder.aside():
            lacking = (bridge for bridge in found if bridge.kind in LACKING and new.column != old.column)
            self.ledger.move({bridge: dataclasses.replace(bridge, column=new.column) for bridge in lacking})
            for bridge in standing:
                self._put_again(bridge, new)
            if not standing and self.connection.vendor == "postgresql":
                self.keep_dropped_default(table, old, new)
                self.fill_null(table, old, new)

    def keep_dropped_default(self, table: str, old: Any, new: Any) -> None:
        """Set the default that a column had until now once more, for code that relies on it."""
        dropped = old.has_db_default() and not new.has_db_default() and not obstacle_of_drop(old)
        if dropped and self._serves(table):
            kept = self._literal(*self.editor.db_default_sql(old))
            self._keep_default(Bridge(BridgeKind.DEFAULT, self.migration, table, new.column), self._cast(kept, new))

    def fill_null(self, table: str, old: Any, new: Any) -> None:
        """Put a default where code still writes NULL into a column that takes none any more."""
        if old.null and not new.null and self._serves(table) and not obstacle_of_fill(new, self.editor):
            self._raise_fill(table, new.column, self._value(new))

    def fill_tightened(self, place: ColumnPlace) -> None:
        """Put a default where code still writes NULL into a column that SQL lets take none any more."""
        present = column_of(self.connection, place.table, place.column)
        if present is None or present.in_key or not self._serves(place.table):
            return
        field = None if self.state is None else field_at(self.state, place.table, place.column)
        obstacle = obstacle_of_tightening(field, self.editor, is_filled=bool(place.default))
        if not obstacle and not self._is_filled(place.table, place.column):
            is_of_field = field is not None and not obstacle_of_fill(field, self.editor)
            self._raise_fill(place.table, place.column, self._value(field) if is_of_field else place.default)

    def _is_filled(self, table: str, column: str) -> bool:
        return any(bridge.kind is BridgeKind.FILL for bridge in self.ledger.on(table, column))

    def _raise_fill(self, table: str, column: str, value: str) -> None:
        # That of a column which was called so before may have its name still.
        taken = {bridge.name for bridge in self.ledger.standing() if (bridge.table, bridge.column) != (table, column)}
        self._fill(Bridge(BridgeKind.FILL, self.migration, table, column, fill_name(table, column, taken)), value)

    def follow(self, table: str, field: Any) -> None:
        """Note how bridges are shown on a column that has become another, without being in its way."""
        for bridge in self.ledger.on(table, field.column):
            if bridge.kind is BridgeKind.DEFAULT and field.has_db_default():
                self.ledger.forget(bridge)
            elif bridge.kind is BridgeKind.DEFAULT:
                self._define(bridge)

    def withdraw(self, table: str, column: str, kinds: Collection[BridgeKind]) -> None:
        """Take down what the migration has raised for an operation that is taken back."""
        with self.builder.aside():
            for bridge in self.ledger.on(table, column):
                if bridge.migration == self.migration and bridge.kind in kinds:
                    if column_of(self.connection, table, column) is not None:
                        self._take_aside(bridge)
                    self.ledger.forget(bridge)

    def withdraw_needless(self) -> None:
        """Take down what fills columns that take NULL again, since what the migration had begun was taken back."""
        with self.builder.aside():
            for bridge in self.ledger.standing():
                is_own = bridge.kind is BridgeKind.FILL and bridge.migration == self.migration
                found = column_of(self.connection, bridge.table, bridge.column) if is_own else None
                if found is not None and found.null:
                    self._take_aside(bridge)
                    self.ledger.forget(bridge)

    def forget(self, table: str, column: str | None = None) -> None:
        """Forget the bridges of a column that is gone, or of a whole table."""
        self._forget(self._standing(table, column))

    def _is_served(self, model: Any) -> bool:
        return self._serves(model._meta.db_table)

    def _serves(self, table: str) -> bool:
        return self.raises and table not in self.builder.new_tables

    def _standing(self, table: str, column: str | None = None) -> tuple[Bridge, ...]:
        if not self.builder.any_stand:
            return ()
        with self.builder.aside():
            return self.ledger.on(table, column)

    def _forget(self, bridges: tuple[Bridge, ...]) -> None:
        with self.builder.aside():
            for bridge in bridges:
                if bridge.kind is BridgeKind.FILL:
                    drop_fill(self.connection, bridge)
                self.ledger.forget(bridge)

    def _put(self, bridge: Bridge) -> None:
        self.builder.any_stand = True
        self.ledger.put(bridge)

    def _define(self, bridge: Bridge) -> None:
        """Note what the database made of a default, by which it will be known again; forget one that it refused."""
        found = column_of(self.connection, bridge.table, bridge.column)
        if found is None or not found.default:
            self.ledger.forget(bridge)
        else:
            self.ledger.define(bridge, found.default)

    @contextlib.contextmanager
    def _default_kept(self) -> Iterator[None]:
        # Django's own hook for databases that take no default in an ALTER COLUMN, asked right before it drops one.
        self.editor.skip_default_on_alter = lambda _field: True
        try:
            yield
        finally:
            del self.editor.skip_default_on_alter

    def _take_aside(self, bridge: Bridge) -> None:
        if bridge.kind is BridgeKind.FILL:
            drop_fill(self.connection, bridge)
        elif self._is_ours(bridge):
            drop_default(self.connection, bridge)

    def _is_ours(self, bridge: Bridge) -> bool:
        found = column_of(self.connection, bridge.table, bridge.column)
        return found is not None and found.default == bridge.definition

    def _put_again(self, bridge: Bridge, new: Any) -> None:
        """Raise a bridge anew on what its column has become, if that takes no NULL and there is a value for it."""
        self.ledger.forget(bridge)
        moved = Bridge(bridge.kind, bridge.migration, bridge.table, new.column, bridge.name, bridge.definition)
        value = "" if new.null else self._value_for(bridge, new)
        if bridge.kind is BridgeKind.FILL:
            if value:
                self._fill(moved, value)
        elif new.has_db_default():
            # What is there now is the schema's own.
            return
        elif value:
            self._keep_default(moved, value)
        elif self._is_ours(moved):
            drop_default(self.connection, moved)

    def _keep_default(self, bridge: Bridge, value: str) -> None:
        self._put(bridge)
        set_default(self.connection, bridge, value)
        self._define(bridge)

    def _fill(self, bridge: Bridge, value: str) -> None:
        self._put(dataclasses.replace(bridge, definition=value))
        make_fill(self.connection, bridge, value)

    def _value_for(self, bridge: Bridge, new: Any) -> str:
        """Return the value of a bridge on a column that was altered: its field's, else the one that there was."""
        if value := self._value(new):
            return value
        # MySQL's catalogue shows no expressions.
        known = bridge.definition and self.connection.vendor == "postgresql"
        return self._cast(bridge.definition, new) if known else ""

    def _cast(self, value: str, field: Any) -> str:
        """Make of a value what Django makes of those that are in the column already."""
        return f"({value})::{field.db_type(self.connection)}"

    def _value(self, field: Any) -> str:
        """Return the default of a field as SQL, empty where it has none."""
        if computed := expression(field, self.connection.vendor):
            return computed
        if field.has_db_default():
            return self._literal(*self.editor.db_default_sql(field))
        value = self.editor.effective_default(field)
        return "" if value is None else self._literal(self.editor._column_default_sql(field), [value])

    def _literal(self, sql: str, params: Any) -> str:
        """Write parameters into SQL as the driver does."""
        if self.connection.vendor == "postgresql":
            return str(self.connection.ops.compose_sql(sql, params))  # type: ignore[attr-defined] # PostgreSQL's has it
        with self.connection.cursor() as cursor:
            written = cursor.mogrify(sql, params)
        return written.decode() if isinstance(written, bytes) else str(written)

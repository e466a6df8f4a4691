"""The SQL that an operation would send, collected by Django's own schema editor and sent nowhere."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.changes.stock_operations import djangos_way, is_of_own_kind, reason_of_own_kind, to_look_at, within
from auto_migrate.databases.statement_kinds import only_reads
from auto_migrate.operations import Backfill


class NotTold(Exception):
    """Something that only a database could answer, or that would change one."""


def statements_of_operation(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    backwards: bool = False,
) -> tuple[str, ...]:
    """Return the statements that an operation would send, what it defers at their end.

    When it is taken back, `before` is the state that there is, and `after` the one that is to come, as Django has it.

    The database is at most read, and its transaction left as it was. What cannot be told stands as a note among the
    statements (`is_note`); what is no SQL, as a `RunPython`, gives nothing. An operation of a project's own kind is not
    carried out: of one that is of a kind of Django's, what Django would send stands before the note.
    """
    if type(operation) is Backfill:
        return () if backwards else (batches_of(operation, connection, before),)
    notes = (f"-- {reason_of_own_kind(operation)}.",) if is_of_own_kind(operation, backwards=backwards) else ()
    if isinstance(operation, ops.SeparateDatabaseAndState):
        inner = within(operation, app_label, after if backwards else before, backwards=backwards)
        told = [
            statements_of_operation(one, app_label, connection, *states, backwards=backwards) for one, *states in inner
        ]
        return (*itertools.chain.from_iterable(told), *notes)
    return (*sql_of(operation, app_label, connection, before, after, backwards=backwards), *notes)


def batches_of(operation: Backfill, connection: BaseDatabaseWrapper, before: ProjectState) -> str:
    """Return a note that says which rows a backfill writes, and how."""
    table = before.apps.get_model(operation.model)._meta.db_table
    what = ", ".join(operation.set) if operation.set else _("by a function")
    text = _("rows of {table} are written in batches by primary key, each in a transaction of its own: {what}")
    if not operation.is_allowed(connection.alias, before):
        text = _("the rows of {table} are in another database")
    elif operation.background:
        text = _("rows of {table} are left to a worker, which writes them in batches by primary key: {what}")
    return "-- " + text.format(table=table, what=what) + "."


def sql_of(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    backwards: bool = False,
) -> tuple[str, ...]:
    """Return what Django would send for an operation, or for the one of its own that the operation is a kind of."""
    way = djangos_way(operation, backwards=backwards)
    if way is None or not operation.reduces_to_sql:
        return ()
    operation = to_look_at(operation) if backwards else operation
    with only_read(connection) as aside:
        editor = collecting_editor(aside)
        try:
            way(operation, app_label, editor, before, after)
            editor.flush_deferred()
        except Exception as error:  # noqa: BLE001 - whatever an operation raises against a schema that is not there yet
            editor.note(_("what follows is known only when it runs ({error})").format(error=error))
    return tuple(editor.collected_sql)


def is_note(statement: str) -> bool:
    """Return whether something collected is no statement, but says what could not be told."""
    return statement.startswith("--") and "\n" not in statement


class Collector(BaseDatabaseSchemaEditor):
    """Keeps statements instead of sending them; mixed into the schema editor of a database."""

    old_names: dict[str, str]

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Keep a statement, its parameters in their places."""
        text = str(sql)
        if isinstance(params, dict):
            text %= {name: self.quote_value(value) for name, value in params.items()}
        elif params:
            text %= tuple(map(self.quote_value, params))
        elif params is not None:
            # Not formatted: SQLite's driver takes a lone percent sign for what it is, and so do its statements.
            text = text.replace("%%", "%")
        if text.strip():
            self.collected_sql.append(ended(text))

    def note(self, text: str) -> None:
        """Keep a sentence about what cannot be told."""
        self.collected_sql.append(f"-- {' '.join(text.split())}.")

    def flush_deferred(self) -> None:
        """Keep what was to come last."""
        for statement in self.deferred_sql:
            self.execute(statement, None)

    def alter_db_table(self, model: Any, old_db_table: str, new_db_table: str) -> None:
        """Rename a table, whose constraints are still to be found under its old name."""
        self.old_names[new_db_table] = self.old_names.get(old_db_table, old_db_table)
        super().alter_db_table(model, old_db_table, new_db_table)

    def _constraint_names(self, model: Any, *asked: Any, **options: Any) -> list[str]:
        table = model._meta.db_table
        there = SimpleNamespace(_meta=SimpleNamespace(db_table=self.old_names.get(table, table)))
        if not self._is_there(there._meta.db_table):
            # A pending migration makes it.
            self.note(_("a constraint of {table} is changed whose name only the database knows").format(table=table))
            return []
        names: list[str] = super()._constraint_names(there, *asked, **options)  # type: ignore[misc]
        return names

    def _is_there(self, table: str) -> bool:
        if self.connection.connection is None:
            return False
        with self.connection.cursor() as cursor:
            return table in self.connection.introspection.table_names(cursor)


def ended(text: str) -> str:
    """Return a statement with a semicolon at its end, which no comment swallows."""
    if "--" in text.rstrip().rpartition("\n")[2]:
        return f"{text.rstrip()}\n;"
    return text if text.rstrip().endswith(";") else f"{text};"


def collecting_editor(connection: BaseDatabaseWrapper) -> Collector:
    """Return a schema editor that collects; it is not to be entered, which would open a transaction."""
    kind = type("CollectingSchemaEditor", (Collector, connection.SchemaEditorClass), {})
    editor: Collector = kind(connection, collect_sql=True, atomic=False)
    editor.deferred_sql, editor.old_names = [], {}
    return editor


@contextlib.contextmanager
def only_read(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """Refuse, for as long as the context lasts, whatever does more than read; give a connection to collect with.

    It is a wrapper of its own around the same driver's connection, since operations that work concurrently refuse one
    with an open transaction; it never connects by itself, so that a plan can be read without any database.
    """
    aside: Any = connection.copy()
    aside.connection, aside.connect = connection.connection, _refuse_to_connect
    _leave_in_schema(aside, connection)
    with contextlib.ExitStack() as stack:
        stack.enter_context(undone(connection))
        for guarded in {aside, connection, *connections.all(initialized_only=True)}:
            stack.enter_context(guarded.execute_wrapper(_only_reads))
        yield aside


@contextlib.contextmanager
def undone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Leave an open transaction usable, whatever fails within."""
    savepoint = connection.savepoint() if connection.in_atomic_block else None
    try:
        yield
    finally:
        if savepoint is not None:
            connection.savepoint_rollback(savepoint)


def _leave_in_schema(aside: Any, connection: BaseDatabaseWrapper) -> None:
    """Let a connection look at what the search path leads to, where a package for tenants sets that at each cursor.

    The copy would set it to the schema that all share; and the package's own introspection sets it, too.
    """
    if connection.connection is not None and hasattr(aside, "_setting_search_path"):
        with connection.cursor():
            # Which has set it.
            aside._setting_search_path = True
        aside.introspection = aside.introspection_class(aside)


def _refuse_to_connect() -> None:
    raise NotTold(_("there is no connection to the database"))


def _only_reads(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if many or not only_reads(str(sql)):
        raise NotTold(_("it changes the database by itself"))
    return execute(sql, params, many, context)

"""What an operation does to the database, told from the states around it and without touching anything.

Django's own operations are carried out on a `RecordingSchemaEditor`, so that routers, unmanaged models and automatic
tables count as they do for Django. An operation of a project's own kind is never carried out; if its kind comes from
one of Django's, what that would do is told, and that there may be more.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import DatabaseError, InterfaceError, NotSupportedError, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change, OpaqueChange, RunFunction, ValidateConstraint
from auto_migrate.changes.collected_sql import is_note, sql_of
from auto_migrate.changes.model_tables import model_of_table
from auto_migrate.changes.package_operations import Reader, does_nothing, reader_of_package
from auto_migrate.changes.python.functions import read_function
from auto_migrate.changes.python.texts import HOLE
from auto_migrate.changes.schema_editor import RecordingSchemaEditor
from auto_migrate.changes.state_slices import djangos_own, sliced
from auto_migrate.changes.statements import changes_of_sql
from auto_migrate.changes.stock_operations import (
    DJANGO_OPERATIONS,
    Way,
    djangos_way,
    is_of_own_kind,
    reason_of_own_kind,
    to_look_at,
    within,
)
from auto_migrate.exceptions import TransientError

logger = logging.getLogger(__name__)

# What states that do not fit together, or an operation that Django itself would refuse, end in.
UNTELLABLE = (ValueError, LookupError, FieldError, FieldDoesNotExist, NotSupportedError)


Place = tuple[Operation, str, BaseDatabaseWrapper, ProjectState, ProjectState]


def changes_of(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    backwards: bool = False,
) -> Iterable[Change]:
    """Return what an operation does to the database, in order; nothing if it only changes the state.

    When it is taken back, `before` is the state that there is, and `after` the one that is to come, as Django has it.
    """
    if does_nothing(operation, backwards=backwards):
        return ()
    if not backwards and (known := reader_of_package(operation)) is not None:
        place = (operation, app_label, connection, before, after)
        return tuple(_read_in_part(known, place, backwards=False))
    own = (OpaqueChange(table="", text=operation.describe(), reason=reason_of_own_kind(operation)),)
    unread = own if is_of_own_kind(operation, backwards=backwards) else ()
    way = djangos_way(operation, backwards=backwards)
    if way is None:
        return unread
    if isinstance(operation, ops.SeparateDatabaseAndState):
        inner = within(operation, app_label, after if backwards else before, backwards=backwards)
        told = [changes_of(one, app_label, connection, *states, backwards=backwards) for one, *states in inner]
        return (*itertools.chain.from_iterable(told), *unread)
    reader = functools.partial(_reader_of(way), backwards=backwards)
    place = (to_look_at(operation) if backwards else operation, app_label, connection, before, after)
    looks_at_rows = isinstance(operation, ops.RunPython | ops.RunSQL)
    try:
        return (*(reader(*place) if looks_at_rows else _read_in_part(reader, place, backwards=backwards)), *unread)
    except UNTELLABLE as error:
        return (OpaqueChange(table="", text=operation.describe(), reason=str(error)),)


def _read_in_part(reader: Reader, place: Place, *, backwards: bool) -> Iterable[Change]:
    """Read an operation on a few models, and on all of them where that will not do: what fails then is true."""
    operation, app_label, connection, before, after = place
    try:
        part = sliced(operation, app_label, before, after, backwards=backwards)
        return tuple(reader(operation, app_label, connection, *part))
    except (DatabaseError, InterfaceError, TransientError):
        raise
    except Exception as error:  # noqa: BLE001 # whatever a few models lack, Django has it where it has all
        logger.debug("%s is read on Django's own states: %r", operation.describe(), error)
    # What is rendered for this must not be rendered anew by all that comes after.
    return tuple(reader(operation, app_label, connection, *map(djangos_own, (before, after))))


def _reader_of(way: Way) -> Reader:
    if way in {ops.RunPython.database_forwards, ops.RunPython.database_backwards}:
        return changes_of_function
    if way in {ops.RunSQL.database_forwards, ops.RunSQL.database_backwards}:
        return changes_of_statements
    if way.__module__.startswith(DJANGO_OPERATIONS):
        return changes_of_schema
    return POSTGRES_READERS.get(way.__qualname__.partition(".")[0], changes_of_nothing)


def changes_of_schema(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    backwards: bool,
) -> Iterable[Change]:
    """Carry out one of Django's schema operations on a recorder."""
    recorder: Any = RecordingSchemaEditor(connection, _new_labels(operation, app_label, backwards=backwards))
    way: Any = djangos_way(operation, backwards=backwards)
    way(operation, app_label, recorder, before, after)
    changes: list[Change] = recorder.changes
    return changes


def _new_labels(operation: Operation, app_label: str, *, backwards: bool) -> Mapping[str, str]:
    if not isinstance(operation, ops.RenameModel):
        return {}
    old, new = f"{app_label}.{operation.old_name}", f"{app_label}.{operation.new_name}"
    return {old: new} if backwards else {new: old}


def changes_of_function(
    operation: ops.RunPython,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    _after: ProjectState,
    *,
    backwards: bool,
) -> Iterator[Change]:
    """Return that a function of the project's runs, and what it sends; nothing of the one that does nothing."""
    allowed = router.allow_migrate(connection.alias, app_label, **operation.hints)
    code = operation.reverse_code if backwards else operation.code
    if allowed and code is not None and code is not ops.RunPython.noop:
        name = getattr(code, "__name__", type(code).__name__)
        models = model_of_table(before)
        tables = {model.lower(): table for table, model in models.items()}
        read = read_function(code, tables, connection.vendor)
        yield RunFunction(table="", function=name, code=code, tables=tables, passes=read.passes, writes=read.writes)
        for statement in read.statements:
            yield from map(made_when_it_runs, changes_of_sql(statement, connection, models))
        yield from (OpaqueChange(table="", text=name, reason=reason) for reason in read.unfollowed)


def made_when_it_runs(change: Change) -> Change:
    """Say of a text that is known only in part why it cannot be read."""
    if isinstance(change, OpaqueChange) and HOLE in change.text:
        return dataclasses.replace(change, reason=_("its text is made only when it runs"))
    return change


def changes_of_statements(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    backwards: bool,
) -> Iterator[Change]:
    """Read the SQL of a `RunSQL`."""
    tables = model_of_table(before)
    for statement in sql_of(operation, app_label, connection, before, after, backwards=backwards):
        if is_note(statement):
            yield OpaqueChange(table="", text=operation.describe(), reason=statement.lstrip("- "))
        else:
            yield from changes_of_sql(statement, connection, tables)


def changes_of_nothing(*_place: Any, backwards: bool) -> Iterable[Change]:
    """Return nothing: extensions and collations change no table."""
    return ()


def index_concurrently(
    operation: Any,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    adds: bool,
    backwards: bool,
) -> Iterable[Change]:
    """Do what Django's operations do, which ask first that no transaction be open."""
    is_made = adds is not backwards
    state = after if is_made else before
    model, recorder = state.apps.get_model(app_label, operation.model_name), RecordingSchemaEditor(connection, {})
    if operation.allow_migrate_model(connection.alias, model):
        known = state.models[app_label, operation.model_name.lower()]
        index = operation.index if adds else known.get_index_by_name(operation.name)
        (recorder.add_index if is_made else recorder.remove_index)(model, index, concurrently=True)
    return recorder.changes


def add_constraint_not_valid(
    operation: Any,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    _after: ProjectState,
    *,
    backwards: bool,  # it is taken back as every constraint is
) -> Iterable[Change]:
    """Return a new constraint that old rows need not satisfy."""
    model, recorder = before.apps.get_model(app_label, operation.model_name), RecordingSchemaEditor(connection, {})
    if operation.allow_migrate_model(connection.alias, model):
        recorder.add_constraint(model, operation.constraint, valid=False)
    return recorder.changes


def validate_constraint(
    operation: Any,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    _after: ProjectState,
    *,
    backwards: bool,
) -> Iterator[Change]:
    """Return that old rows are held to a constraint from now on; nothing is done to take that back."""
    model = before.apps.get_model(app_label, operation.model_name)
    if not backwards and operation.allow_migrate_model(connection.alias, model):
        yield ValidateConstraint(table=model._meta.db_table, model=model._meta.label, name=operation.name)


POSTGRES_READERS: Mapping[str, Reader] = {
    "AddIndexConcurrently": functools.partial(index_concurrently, adds=True),
    "RemoveIndexConcurrently": functools.partial(index_concurrently, adds=False),
    "AddConstraintNotValid": add_constraint_not_valid,
    "ValidateConstraint": validate_constraint,
}

"""What an operation does to the database, told from the states around it and without touching anything.

Django's own operations are carried out on a `RecordingSchemaEditor`, so that routers, unmanaged models and automatic
tables count as they do for Django. An operation of a project's own kind is never carried out; if its kind comes from
one of Django's, what that would do is told, and that there may be more.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import DatabaseError, InterfaceError, NotSupportedError, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import truncate_name
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change, OpaqueChange, RunFunction, ValidateConstraint
from auto_migrate.changes.collected_sql import is_note, sql_of
from auto_migrate.changes.package_operations import Reader, does_nothing, reader_of_package
from auto_migrate.changes.python.functions import read_function
from auto_migrate.changes.python.texts import HOLE
from auto_migrate.changes.schema_editor import RecordingSchemaEditor
from auto_migrate.changes.state_slices import sliced
from auto_migrate.changes.statements import changes_of_sql
from auto_migrate.changes.stock_operations import (
    DJANGO_OPERATIONS,
    Forwards,
    djangos_forwards,
    is_of_own_kind,
    reason_of_own_kind,
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
) -> Iterable[Change]:
    """Return what an operation does to the database, in order; nothing if it only changes the state."""
    if does_nothing(operation):
        return ()
    if (known := reader_of_package(operation)) is not None:
        return tuple(_read_in_part(known, (operation, app_label, connection, before, after)))
    own = (OpaqueChange(table="", text=operation.describe(), reason=reason_of_own_kind(operation)),)
    unread = own if is_of_own_kind(operation) else ()
    forwards = djangos_forwards(operation)
    if forwards is None:
        return unread
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return (*_changes_within(operation, app_label, connection, before), *unread)
    reader, place = _reader_of(forwards), (operation, app_label, connection, before, after)
    looks_at_rows = reader in {changes_of_function, changes_of_statements}
    try:
        return (*(reader(*place) if looks_at_rows else _read_in_part(reader, place)), *unread)
    except UNTELLABLE as error:
        return (OpaqueChange(table="", text=operation.describe(), reason=str(error)),)


def _read_in_part(reader: Reader, place: Place) -> Iterable[Change]:
    """Read an operation on a few models, and on all of them where that will not do: what fails then is true."""
    operation, app_label, connection, before, after = place
    try:
        return tuple(reader(operation, app_label, connection, *sliced(operation, app_label, before, after)))
    except (DatabaseError, InterfaceError, TransientError):
        raise
    except Exception as error:  # noqa: BLE001 # whatever a few models lack, Django has it where it has all
        logger.debug("%s is read on Django's own states: %r", operation.describe(), error)
    # What is rendered for this must not be rendered anew by all that comes after.
    return tuple(reader(operation, app_label, connection, before.clone(), after.clone()))


def _changes_within(
    operation: ops.SeparateDatabaseAndState, app_label: str, connection: BaseDatabaseWrapper, before: ProjectState
) -> Iterator[Change]:
    for inner in operation.database_operations:
        after = before.clone()
        inner.state_forwards(app_label, after)
        yield from changes_of(inner, app_label, connection, before, after)
        before = after


def _reader_of(forwards: Forwards) -> Reader:
    if forwards is ops.RunPython.database_forwards:
        return changes_of_function
    if forwards is ops.RunSQL.database_forwards:
        return changes_of_statements
    if forwards.__module__.startswith(DJANGO_OPERATIONS):
        return changes_of_schema
    return POSTGRES_READERS.get(forwards.__qualname__.partition(".")[0], changes_of_nothing)


def changes_of_schema(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
) -> Iterable[Change]:
    """Carry out one of Django's schema operations on a recorder."""
    recorder: Any = RecordingSchemaEditor(connection, _new_labels(operation, app_label))
    forwards: Any = djangos_forwards(operation)
    forwards(operation, app_label, recorder, before, after)
    changes: list[Change] = recorder.changes
    return changes


def _new_labels(operation: Operation, app_label: str) -> Mapping[str, str]:
    if isinstance(operation, ops.RenameModel):
        return {f"{app_label}.{operation.new_name}": f"{app_label}.{operation.old_name}"}
    return {}


def changes_of_function(
    operation: ops.RunPython,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    _after: ProjectState,
) -> Iterator[Change]:
    """Return that a function of the project's runs, and what it sends; nothing of the one that does nothing."""
    allowed = router.allow_migrate(connection.alias, app_label, **operation.hints)
    if allowed and operation.code is not ops.RunPython.noop:
        name = getattr(operation.code, "__name__", type(operation.code).__name__)
        models = model_tables(before, connection)
        tables = {model.lower(): table for table, model in models.items()}
        read = read_function(operation.code, tables, connection.vendor)
        yield RunFunction(
            table="", function=name, code=operation.code, tables=tables, passes=read.passes, writes=read.writes
        )
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
) -> Iterator[Change]:
    """Read the SQL of a `RunSQL`."""
    tables = model_tables(before, connection)
    for statement in sql_of(operation, app_label, connection, before, after):
        if is_note(statement):
            yield OpaqueChange(table="", text=operation.describe(), reason=statement.lstrip("- "))
        else:
            yield from changes_of_sql(statement, connection, tables)


def changes_of_nothing(*_asked: Any) -> Iterable[Change]:
    """Return nothing: extensions and collations change no table."""
    return ()


def add_index_concurrently(
    operation: Any, app_label: str, connection: BaseDatabaseWrapper, _before: ProjectState, after: ProjectState
) -> Iterable[Change]:
    """Do what Django's operation does, which asks first that no transaction be open."""
    model, recorder = after.apps.get_model(app_label, operation.model_name), RecordingSchemaEditor(connection, {})
    if operation.allow_migrate_model(connection.alias, model):
        recorder.add_index(model, operation.index, concurrently=True)
    return recorder.changes


def remove_index_concurrently(
    operation: Any, app_label: str, connection: BaseDatabaseWrapper, before: ProjectState, _after: ProjectState
) -> Iterable[Change]:
    """Do what Django's operation does, which asks first that no transaction be open."""
    model, recorder = before.apps.get_model(app_label, operation.model_name), RecordingSchemaEditor(connection, {})
    if operation.allow_migrate_model(connection.alias, model):
        index = before.models[app_label, operation.model_name.lower()].get_index_by_name(operation.name)
        recorder.remove_index(model, index, concurrently=True)
    return recorder.changes


def add_constraint_not_valid(
    operation: Any, app_label: str, connection: BaseDatabaseWrapper, before: ProjectState, _after: ProjectState
) -> Iterable[Change]:
    """Return a new constraint that old rows need not satisfy."""
    model, recorder = before.apps.get_model(app_label, operation.model_name), RecordingSchemaEditor(connection, {})
    if operation.allow_migrate_model(connection.alias, model):
        recorder.add_constraint(model, operation.constraint, valid=False)
    return recorder.changes


def validate_constraint(
    operation: Any, app_label: str, connection: BaseDatabaseWrapper, before: ProjectState, _after: ProjectState
) -> Iterator[Change]:
    """Return that old rows are held to a constraint from now on."""
    model = before.apps.get_model(app_label, operation.model_name)
    if operation.allow_migrate_model(connection.alias, model):
        yield ValidateConstraint(table=model._meta.db_table, model=model._meta.label, name=operation.name)


POSTGRES_READERS: Mapping[str, Reader] = {
    "AddIndexConcurrently": add_index_concurrently,
    "RemoveIndexConcurrently": remove_index_concurrently,
    "AddConstraintNotValid": add_constraint_not_valid,
    "ValidateConstraint": validate_constraint,
}


def model_tables(state: ProjectState, connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Return the model of each table of a state, `app_label.ModelName`, without rendering any."""
    longest = connection.ops.max_name_length()
    return {
        model.options.get("db_table") or truncate_name(f"{model.app_label}_{model.name_lower}", longest): (
            f"{model.app_label}.{model.name}"
        )
        for model in state.models.values()
        if not model.options.get("proxy")
    }

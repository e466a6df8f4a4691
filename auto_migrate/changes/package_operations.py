"""Operations that packages bring, this one among them, and what each does: known, so that nobody has to guess.

None is carried out, and none is imported: they are known by the module and name of the class that carries them out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.changes.change import Change, LockTable, WriteInBatches
from auto_migrate.changes.python.source import Untold, function_of
from auto_migrate.changes.stock_operations import is_djangos
from auto_migrate.databases.lock_modes import LockMode

# Takes an operation, its app, the connection and the states around it.
Reader = Callable[..., Iterable[Change]]


def reader_of_package(operation: Operation) -> Reader | None:
    """Return what reads an operation of a package's, None if nobody knows it."""
    own = next((kind for kind in type(operation).__mro__ if "database_forwards" in vars(kind)), Operation)
    return READERS.get(f"{own.__module__}.{own.__qualname__}")


def does_nothing(operation: Operation, *, backwards: bool = False) -> bool:
    """Return whether a class says in so many words that it does nothing, as those do that only fake an operation."""
    way = type(operation).database_backwards if backwards else type(operation).database_forwards
    if is_djangos(way):
        return False
    try:
        body = function_of(way).body
    except Untold:
        return False
    return all(isinstance(one, ast.Pass) or isinstance(getattr(one, "value", None), ast.Constant) for one in body)


def trigger(reason: str) -> Reader:
    """Return the reader of django-pgtrigger's: it drops a trigger first, whether it is there or not."""

    def reader(
        operation: Any, app_label: str, connection: BaseDatabaseWrapper, _before: ProjectState, after: ProjectState
    ) -> Iterator[Change]:
        model = after.apps.get_model(app_label, operation.model_name)._meta.concrete_model
        if connection.vendor == "postgresql" and operation.allow_migrate_model(connection.alias, model):
            meta = model._meta
            yield LockTable(table=meta.db_table, model=meta.label, mode=LockMode.ACCESS_EXCLUSIVE, reason=reason)

    return reader


def backfill(
    operation: Any, _app_label: str, connection: BaseDatabaseWrapper, before: ProjectState, _after: ProjectState
) -> Iterator[Change]:
    """Return the one change of a backfill, none where its rows are in another database."""
    if operation.is_allowed(connection.alias, before):
        table = before.apps.get_model(operation.model)._meta.db_table
        yield WriteInBatches(table=table, model=operation.model, name=operation.name, background=operation.background)


READERS: Mapping[str, Reader] = {
    "auto_migrate.operations.backfill.Backfill": backfill,
    # django-pghistory's events are made by these too.
    "pgtrigger.migrations.AddTrigger": trigger("CREATE TRIGGER"),
    "pgtrigger.migrations.RemoveTrigger": trigger("DROP TRIGGER"),
}

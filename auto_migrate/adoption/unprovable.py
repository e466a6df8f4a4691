"""What of a migration no schema proves: rows that were written, and whatever operations of others did."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import migrations
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.operations.models import IndexOperation, ModelOperation

from auto_migrate.applying.operation_traits import postgres_kind
from auto_migrate.changes.stock_operations import POSTGRES_OPERATIONS, flat, is_djangos

# Django's own migrations with functions (`auth.0011`, `contenttypes.0002`): they put right what releases from before
# them had written, whose rows later releases write as they should be.
DJANGOS = "django.contrib."
TAKES_AWAY = (ops.DeleteModel, ops.RemoveField)
SEEN_IN_ANY_CASE = (*TAKES_AWAY, ops.RemoveIndex, ops.RemoveConstraint)


def unprovable_operations(migration: Migration) -> tuple[int, ...]:
    """Return which operations (1-based) of a migration a schema cannot prove."""
    if type(migration).__module__.startswith(DJANGOS):
        return ()
    return tuple(number for number, operation in enumerate(migration.operations, start=1) if not is_provable(operation))


def is_provable(operation: Operation) -> bool:
    """Return whether all that an operation does can be seen in the schema, or is nothing."""
    match operation:
        case ops.SeparateDatabaseAndState():
            return all(
                is_provable(done) and is_promised(done, operation.state_operations)
                for done in operation.database_operations
            )
        case ops.RunPython():
            return operation.code is migrations.RunPython.noop
        case ops.RunSQL():
            return not operation.sql
        case ModelOperation() | FieldOperation() | IndexOperation():
            # However a project carries one out: what it promised to the state is there, or is not.
            return is_djangos(type(operation).state_forwards)
    return postgres_kind(operation) == "ValidateConstraint" or extension_of(operation) is not None


def is_promised(done: Operation, promised: Sequence[Operation]) -> bool:
    """Return whether the schema that is expected tells of what an operation does to the database alone.

    Either the state is promised the same beside it, or it takes away what the state knows no more of: that is seen as
    long as it is there.
    """
    if isinstance(done, SEEN_IN_ANY_CASE):
        return True
    match done:
        case ops.SeparateDatabaseAndState():
            return all(is_promised(inner, promised) for inner in done.database_operations)
        case ModelOperation() | FieldOperation() | IndexOperation():
            # `AddIndexConcurrently` promises what `AddIndex` does.
            return any(_place(one) == _place(done) for one in promised)
    return True


def unpaired(operations: Sequence[Operation], others: Sequence[Operation]) -> list[FieldOperation | ModelOperation]:
    """Return what operations take away of models and the others do not, where nothing but Django's own is among both.

    SQL may do what an operation beside it says to the state.
    """
    if not all(isinstance(one, ModelOperation | FieldOperation | IndexOperation) for one in (*operations, *others)):
        return []
    places = {_place(one) for one in others}
    return [one for one in operations if isinstance(one, TAKES_AWAY) and _place(one) not in places]


def _place(operation: Operation) -> tuple[object, str | None]:
    return type(operation).state_forwards, operation.migration_name_fragment


def extension_of(operation: Operation) -> str | None:
    """Return the extension that an operation of Django's makes, None for any other operation."""
    kinds = type(operation).__mro__
    is_one = any(kind.__name__ == "CreateExtension" and kind.__module__ == POSTGRES_OPERATIONS for kind in kinds)
    return str(operation.name) if is_one else None  # type: ignore[attr-defined]


def extensions_of(migration: Migration) -> tuple[str, ...]:
    """Name the extensions that a migration makes."""
    return tuple(name for operation in flat(migration.operations) if (name := extension_of(operation)))

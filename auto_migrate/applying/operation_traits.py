"""What is known of an operation before it runs: whether it fits into a transaction, and whether it holds others up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import sqlparse
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.locks.operation_locks import POSTGRES_OPERATIONS, is_schema_operation

CONCURRENT = frozenset({"AddIndexConcurrently", "RemoveIndexConcurrently"})


def repeatable(operation: Operation) -> Operation:
    """Declare that an operation may be carried out again after it was cut, and give it back.

    For operations of `atomic = False` migrations that find out by themselves what is left to do::

        operations = [repeatable(migrations.RunPython(fill_in_batches))]
    """
    operation.repeatable = True  # type: ignore[attr-defined] # the mark that `is_repeatable` reads
    return operation


def is_repeatable(operation: Operation) -> bool:
    """Return whether the project declared that the operation may be carried out again."""
    return bool(getattr(operation, "repeatable", False))


def postgres_kind(operation: Operation) -> str:
    """Name the class of `django.contrib.postgres` that an operation is of, or nothing."""
    names = (kind.__name__ for kind in type(operation).__mro__ if kind.__module__ == POSTGRES_OPERATIONS)
    return next(names, "")


def is_concurrent(operation: Operation) -> bool:
    """Return whether the operation builds or drops an index concurrently."""
    return postgres_kind(operation) in CONCURRENT


def fits_transaction(operation: Operation) -> bool:
    """Return whether an operation of a migration that is not atomic can have a transaction of its own.

    What computes or says what we cannot read may commit by itself, or refuse to run inside a transaction.
    """
    if isinstance(operation, ops.RunPython):
        return operation.atomic is True
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return all(fits_transaction(inner) for inner in operation.database_operations)
    return is_schema_operation(operation) or (bool(postgres_kind(operation)) and not is_concurrent(operation))


def texts_of(sql: Any) -> list[str]:
    """Return the texts that `RunSQL` sends one by one, from what it was given as `sql` or `reverse_sql`."""
    return [sql] if isinstance(sql, str) else [part if isinstance(part, str) else part[0] for part in sql or ()]


def sent_by(operation: Operation, *, backwards: bool = False) -> list[str]:
    """Return the texts that a plain `RunSQL` sends when it is carried out or taken back; none of any other."""
    if type(operation) is not ops.RunSQL:
        return []
    sql = operation.reverse_sql if backwards else operation.sql
    return [] if sql == ops.RunSQL.noop else texts_of(sql)


def statements_of(operation: Operation) -> str:
    """Return the SQL that an operation carries in its own words, or nothing."""
    return "\n".join(texts_of(getattr(operation, "sql", "")))


def digest_of(operations: Sequence[Operation]) -> str:
    """Return a hash of what operations are, to know them again after their migration was edited."""
    whole = hashlib.blake2b(digest_size=32)
    for operation in operations:
        code = getattr(operation, "code", None)
        parts = (type(operation).__qualname__, operation.describe(), statements_of(operation), name_of(code))
        whole.update(repr((*parts, written(operation))).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def written(operation: Operation) -> str:
    """Return an operation as a migration's file has it, with all its arguments, or nothing where none can have it."""
    # Only what is not atomic pays for importing it.
    from django.db.migrations.writer import OperationWriter

    try:
        return str(OperationWriter(operation, indentation=0).serialize()[0])
    except Exception:  # noqa: BLE001 # an argument of the project's own; a lambda, for one, has no name
        return ""


def name_of(code: object) -> str:
    """Name a function of a migration."""
    return str(getattr(code, "__qualname__", "")) if code is not None else ""


# Statements that let reads and writes pass while they wait and work; everything else says "concurrently" by chance.
HARMLESS = _lazy_re_compile(
    r"(CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|REINDEX\b[^;]*\bCONCURRENTLY"
    r"|ALTER\s+TABLE\b[^;,]*\bVALIDATE\s+CONSTRAINT)\b",
    re.IGNORECASE,
)


def holds_nobody_up(operation: Operation) -> bool:
    """Return whether all that the operation does lets reads and writes pass while it waits and works."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        inner = operation.database_operations
        return bool(inner) and all(map(holds_nobody_up, inner))
    if is_concurrent(operation) or postgres_kind(operation) == "ValidateConstraint":
        return True
    statements = sqlparse.split(sqlparse.format(statements_of(operation), strip_comments=True))
    return bool(statements) and all(HARMLESS.match(statement) for statement in statements)

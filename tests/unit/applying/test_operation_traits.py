"""What is known of an operation before it runs."""

from __future__ import annotations

import pytest
from django.contrib.postgres import operations as postgres
from django.db import models
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation

from auto_migrate import repeatable
from auto_migrate.applying.operation_traits import (
    fits_transaction,
    holds_nobody_up,
    is_concurrent,
    is_repeatable,
    postgres_kind,
    statements_of,
)

INDEX = models.Index(fields=["total"], name="by_total")
CONCURRENTLY = "CREATE INDEX concurrently by_total ON invoice (total)"


class OwnIndex(postgres.AddIndexConcurrently):
    """A project's own kind of a known one."""


def python(**options: object) -> ops.RunPython:
    return ops.RunPython(ops.RunPython.noop, **options)  # type: ignore[arg-type]


def separate(*operations: Operation) -> ops.SeparateDatabaseAndState:
    return ops.SeparateDatabaseAndState(database_operations=list(operations))


ADD_FIELD = ops.AddField("invoice", "total", models.IntegerField(null=True))

# operation → whether it is concurrent, fits into a transaction, holds nobody up.
KNOWN: list[tuple[Operation, bool, bool, bool]] = [
    (ops.CreateModel("Invoice", []), False, True, False),
    (ADD_FIELD, False, True, False),
    (ops.RenameModel("Invoice", "Bill"), False, True, False),
    (ops.AddIndex("invoice", INDEX), False, True, False),
    (python(), False, False, False),
    (python(atomic=False), False, False, False),
    (python(atomic=True), False, True, False),
    (ops.RunSQL("UPDATE invoice SET total = 0"), False, False, False),
    (ops.RunSQL(CONCURRENTLY), False, False, True),
    (ops.RunSQL([(CONCURRENTLY, None)]), False, False, True),
    (ops.RunSQL(["SET x = %s", "SELECT 1"]), False, False, False),
    (postgres.AddIndexConcurrently("invoice", INDEX), True, False, True),
    (postgres.RemoveIndexConcurrently("invoice", "by_total"), True, False, True),
    (OwnIndex("invoice", INDEX), True, False, True),
    (postgres.ValidateConstraint("invoice", "total_set"), False, True, True),
    (postgres.TrigramExtension(), False, True, False),
    (separate(ADD_FIELD, python(atomic=True)), False, True, False),
    (separate(ADD_FIELD, python()), False, False, False),
    (separate(postgres.AddIndexConcurrently("invoice", INDEX)), False, False, True),
    (separate(), False, True, False),
]


@pytest.mark.parametrize(
    ("operation", "concurrent", "fits", "passes"), KNOWN, ids=[str(index) for index in range(len(KNOWN))]
)
def test_an_operation_is_known_for_what_it_is(operation: Operation, concurrent: bool, fits: bool, passes: bool) -> None:
    assert is_concurrent(operation) is concurrent
    assert fits_transaction(operation) is fits
    assert holds_nobody_up(operation) is passes


def test_an_operation_of_postgresql_is_known_by_the_class_that_django_gives_it() -> None:
    assert postgres_kind(OwnIndex("invoice", INDEX)) == "AddIndexConcurrently"
    assert postgres_kind(ADD_FIELD) == ""


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("SELECT 1", "SELECT 1"),
        (["SELECT 1", "SELECT 2"], "SELECT 1\nSELECT 2"),
        ([("SELECT %s", [1]), "SELECT 2"], "SELECT %s\nSELECT 2"),
        (ops.RunSQL.noop, ""),
        ([], ""),
    ],
)
def test_the_sql_that_an_operation_carries(sql: object, statements: str) -> None:
    assert statements_of(ops.RunSQL(sql)) == statements  # type: ignore[arg-type]


def test_an_operation_without_sql_carries_none() -> None:
    assert statements_of(ADD_FIELD) == ""


def test_only_what_says_so_is_repeatable() -> None:
    operation = python()
    assert not is_repeatable(operation)
    assert repeatable(operation) is operation
    assert is_repeatable(operation)
    assert not is_repeatable(python())

"""Every lock that Django's schema operations take on PostgreSQL was told ahead from the operations alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.locks.operation_locks import LockNeeds, is_schema_operation, schema_run
from auto_migrate.databases.lock_modes import LockMode
from tests.integration.applying.library import APP, key, library, to
from tests.integration.applying.library_tables import make_library, taken_by
from tests.integration.applying.schema_cases import CASES, NEW_INDEX, Case


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_locks_told_are_the_locks_taken(connection: BaseDatabaseWrapper, case: Case) -> None:
    state = make_library(connection, case.before)
    there = set(connection.introspection.table_names())
    assert all(is_schema_operation(operation) for operation in case.operations)
    told = {table: int(mode) for table, mode in LockNeeds(APP, state).of(case.operations).items() if table in there}
    taken = taken_by(connection, state, case.operations)
    missing = {table: mode for table, mode in taken.items() if told.get(table, 0) < mode}
    assert not missing, f"told {told}, taken {taken}"
    loose = {table for table, mode in told.items() if mode > taken.get(table, 0)}
    assert loose <= set(case.looser), f"told {told}, taken {taken}"


class Bespoke(ops.AddField):
    """An operation that does something of its own."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute("SELECT 1")


@pytest.mark.parametrize(
    "operation",
    [
        ops.RunSQL("ALTER TABLE library_book ADD x int"),
        ops.RunPython(ops.RunPython.noop),
        AddIndexConcurrently("Book", NEW_INDEX),
        RemoveIndexConcurrently("Book", "book_pages"),
        ValidateConstraint("Book", "book_pages_positive"),
        Bespoke("Book", "x", models.IntegerField(null=True)),
        Operation(),
        ops.SeparateDatabaseAndState([ops.RunSQL("ALTER TABLE library_book ADD x int")]),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_an_operation_of_unknown_kind_tells_nothing_and_ends_the_run(operation: Operation) -> None:
    state = ProjectState()
    for step in library():
        step.state_forwards(APP, state)
    known = ops.AddField("Tag", "n", models.IntegerField(null=True))
    assert LockNeeds(APP, state).of([operation]) == {}
    assert schema_run([known, operation, known]) == [known]


def test_models_of_other_apps_are_told_by_their_own_tables() -> None:
    state = ProjectState()
    for step in library():
        step.state_forwards(APP, state)
    foreign = ops.CreateModel("Note", [("id", key()), ("book", to("Book"))])
    assert LockNeeds("notes", state).of([foreign, ops.AddField("Note", "tag", to("Tag"))]) == {
        "library_book": LockMode.SHARE_ROW_EXCLUSIVE,
        "library_tag": LockMode.SHARE_ROW_EXCLUSIVE,
    }

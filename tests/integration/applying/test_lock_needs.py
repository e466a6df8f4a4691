"""Every lock that Django's schema operations take on PostgreSQL was told ahead from the operations alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from auto_migrate.applying.locks.needs import LockNeeds, is_schema_operation, schema_run
from auto_migrate.applying.operation_loop import flush_deferred
from auto_migrate.databases.lock_modes import LockMode
from tests.integration.applying.library import APP, key, library, to
from tests.integration.applying.schema_cases import CASES, NEW_INDEX, Case
from tests.servers import PostgreSQL

# Every table that is there, by its own number and those of its indexes: who locks an index stops its table.
RELATIONS = """
    SELECT class.oid, coalesce(owner.relname, class.relname)
    FROM pg_class AS class LEFT JOIN pg_index AS index ON index.indexrelid = class.oid
    LEFT JOIN pg_class AS owner ON owner.oid = index.indrelid
    WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p', 'i', 'I')
"""
HELD = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted"
# Weaker ones hold no reads and writes up, and nobody needs to be told of them.
MODES = {
    "ShareUpdateExclusiveLock": 4,
    "ShareLock": 5,
    "ShareRowExclusiveLock": 6,
    "ExclusiveLock": 7,
    "AccessExclusiveLock": 8,
}


@pytest.fixture(scope="module", params=["postgresql15", "postgresql"])
def own_database(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[BaseDatabaseWrapper]:
    """Make an empty database of one server the default one."""
    server: PostgreSQL = request.getfixturevalue(request.param)
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    real = connections["default"]
    own = real.copy()
    own.settings_dict.update(NAME=name, HOST="127.0.0.1", PORT=server.port, USER=server.user, PASSWORD=server.password)
    with django_db_blocker.unblock():
        connections["default"] = own
        try:
            yield own
        finally:
            own.close()
            connections["default"] = real
    server.drop_database(name)


@pytest.fixture
def connection(own_database: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return the connection, with nothing left of the test before."""
    with own_database.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return own_database


def advance(editor: BaseDatabaseSchemaEditor, state: ProjectState, operations: Iterable[Operation]) -> None:
    """Carry out operations as a migration does, what they defer included."""
    for operation in operations:
        before = state.clone()
        operation.state_forwards(APP, state)
        operation.database_forwards(APP, editor, before, state)
    flush_deferred(editor)


def build(connection: BaseDatabaseWrapper, operations: Iterable[Operation]) -> ProjectState:
    """Carry out and commit, and return the state after."""
    state = ProjectState()
    with connection.schema_editor() as editor:
        advance(editor, state, operations)
    return state


def taken_by(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> dict[str, int]:
    """Return the strongest lock that operations take on each table that was there before; leave no trace."""
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        tables = dict(cursor.fetchall())
    with connection.schema_editor() as editor:
        advance(editor, state, operations)
        with connection.cursor() as cursor:
            cursor.execute(HELD)
            held = [(tables[oid], MODES[mode]) for oid, mode in cursor.fetchall() if oid in tables and mode in MODES]
        connection.set_rollback(True)
    return {table: max(mode for name, mode in held if name == table) for table, _mode in held}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_locks_told_are_the_locks_taken(connection: BaseDatabaseWrapper, case: Case) -> None:
    state = build(connection, [*library(), *case.before])
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

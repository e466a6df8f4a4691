"""The SQL collected from Django's operations is what Django sends, and is read as the operations themselves are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.changes import change as c
from auto_migrate.changes.collected_sql import is_note, statements_of_operation
from auto_migrate.changes.model_tables import model_of_table
from auto_migrate.changes.operations import changes_of
from auto_migrate.changes.statements import changes_of_sql
from tests.integration.applying.library import APP, library
from tests.integration.applying.library_tables import make_library
from tests.integration.applying.schema_cases import CASES, NEW_INDEX, Case
from tests.integration.changes.catalog import Catalog
from tests.integration.own_database import carry_out

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

ALONE = [case for case in CASES if len(case.operations) == 1]
# What each change says that must agree; the rest is told by one of the readers alone.
SAID: dict[type[c.Change], tuple[str, ...]] = {
    c.AddColumn: (
        "column", "null", "default", "keeps_default", "unique", "checked", "primary_key", "references",
    ),
    c.AddConstraint: ("name", "kind", "columns", "valid", "references"),
    c.AlterType: ("column",),
    c.CreateIndex: ("name", "unique", "concurrently"),
    c.CreateTable: ("references",),
    c.DropColumn: ("column", "references"),
    c.DropDefault: ("column", "null"),
    c.DropNotNull: ("column",),
    c.DropTable: ("references",),
    c.RenameColumn: ("column", "to"),
    c.RenameTable: ("to",),
    c.SetNotNull: ("column", "keeps_default"),
}  # fmt: skip
each_case = pytest.mark.parametrize("case", ALONE, ids=lambda case: case.name)


def collected(connection: BaseDatabaseWrapper, state: ProjectState, operation: Operation) -> tuple[str, ...]:
    """Return the statements of an operation."""
    after = state.clone()
    operation.state_forwards(APP, after)
    return statements_of_operation(operation, APP, connection, state, after)


def send(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@each_case
def test_the_statements_collected_do_what_django_does(connection: BaseDatabaseWrapper, case: Case) -> None:
    state = make_library(connection, case.before)
    there = Catalog(connection)
    statements = collected(connection, state, case.operations[0])
    assert not any(map(is_note, statements))
    assert Catalog(connection).files == there.files, "collecting has changed the schema"
    with transaction.atomic():
        send(connection, statements)
        sent = Catalog(connection)
        transaction.set_rollback(True)
    carry_out(connection, state, case.operations, APP)
    assert Catalog(connection).without([]) == sent.without([])


def gist(change: c.Change) -> tuple[Any, ...]:
    """Return what must agree, however a change was read."""
    if isinstance(change, c.AddConstraint) and change.as_index:
        change = c.CreateIndex(table=change.table, name=change.name, unique=True)
    if isinstance(change, c.DropConstraint | c.DropIndex):
        # Django asks the database for the names; told without one they are those that Django gives today.
        return "dropped", change.table
    said = (getattr(change, name) for name in SAID[type(change)])
    return type(change), change.table, *(frozenset(one) if isinstance(one, tuple) else one for one in said)


def gists(changes: Iterable[c.Change]) -> Counter[tuple[Any, ...]]:
    """Count what must agree; what is done to a table that the changes themselves make is a part of that."""
    changes = list(changes)
    made = {change.table for change in changes if isinstance(change, c.CreateTable)}
    kept = (change for change in changes if change.table not in made or isinstance(change, c.CreateTable))
    return Counter(gist(change) for change in kept if not isinstance(change, c.DataChange | c.SetDefault))


@pytest.mark.parametrize("own_database", ["postgresql"], indirect=True)
@each_case
def test_the_statements_are_read_as_the_operation_is(connection: BaseDatabaseWrapper, case: Case) -> None:
    state = make_library(connection, case.before)
    (operation,) = case.operations
    after = state.clone()
    operation.state_forwards(APP, after)
    text = "\n".join(collected(connection, state, operation))
    tables = model_of_table(state)
    read = list(changes_of_sql(text, connection, tables))
    assert gists(read) == gists(changes_of(operation, APP, connection, state, after))
    assert all(change.model == tables.get(change.table, "") for change in read)


@pytest.mark.parametrize("own_database", ["postgresql"], indirect=True)
@each_case
def test_what_takes_an_operation_back_is_told_as_django_does_it(connection: BaseDatabaseWrapper, case: Case) -> None:
    before, (operation,) = make_library(connection, case.before), case.operations
    after = before.clone()
    operation.state_forwards(APP, after)
    carry_out(connection, before.clone(), case.operations, APP)
    there = Catalog(connection)
    statements = statements_of_operation(operation, APP, connection, after, before, backwards=True)
    told = list(changes_of(operation, APP, connection, after, before, backwards=True))
    assert Catalog(connection).files == there.files, "collecting has changed the schema"
    read = list(changes_of_sql("\n".join(statements), connection, model_of_table(after)))
    # An index that is there and has to be found first is dropped under a name of which no table is known.
    assert +(gists(read) - gists(told)) in ({}, {("dropped", ""): 1})
    assert len(list(gists(read).elements())) == len(list(gists(told).elements()))
    with transaction.atomic():
        send(connection, statements)
        sent = Catalog(connection)
        transaction.set_rollback(True)
    with connection.schema_editor(atomic=not any("CONCURRENTLY" in statement for statement in statements)) as editor:
        operation.database_backwards(APP, editor, after, before)
    assert Catalog(connection).without([]) == sent.without([])


def test_what_concurrent_operations_send_is_told_inside_a_transaction_too(connection: BaseDatabaseWrapper) -> None:
    state = make_library(connection)
    with transaction.atomic():
        statements = collected(connection, state, AddIndexConcurrently("Book", NEW_INDEX))
    assert statements == ('CREATE INDEX CONCURRENTLY "book_by_title" ON "library_book" ("title");',)


def test_parameters_stand_in_their_places_and_percent_signs_are_one(connection: BaseDatabaseWrapper) -> None:
    state = make_library(connection)
    given: list[Any] = [
        ("UPDATE library_tag SET word = %s WHERE word LIKE %s AND id %% 2 = %s", ["it's 100 %", "a%%", 1]),
        "UPDATE library_tag SET word = 'b' WHERE id % 2 = 0 -- all",
    ]
    assert collected(connection, state, ops.RunSQL(given)) == (
        "UPDATE library_tag SET word = 'it''s 100 %' WHERE word LIKE 'a%%' AND id % 2 = 1;",
        "UPDATE library_tag SET word = 'b' WHERE id % 2 = 0 -- all\n;",
    )


def test_a_table_that_a_pending_migration_makes_is_told_as_far_as_it_goes(connection: BaseDatabaseWrapper) -> None:
    state = ProjectState()
    for operation in library():
        operation.state_forwards(APP, state)
    note, *statements = collected(connection, state, ops.RemoveField("Loan", "reader"))
    assert is_note(note)
    assert "library_loan" in note
    assert statements in (
        ['ALTER TABLE "library_loan" DROP COLUMN "reader_id" CASCADE;'],  # up to Django 5.2
        ['ALTER TABLE "library_loan" DROP COLUMN "reader_id";'],
    )
    assert all(map(is_note, collected(connection, state, ops.AlterUniqueTogether("Chapter", set()))))


def test_without_a_connection_nothing_connects(connection: BaseDatabaseWrapper) -> None:
    state = make_library(connection)
    offline = connection.copy()
    added = collected(offline, state, ops.AddField("Tag", "text", models.TextField(default="it's")))
    assert added == (
        """ALTER TABLE "library_tag" ADD COLUMN "text" text DEFAULT 'it''s' NOT NULL;""",
        'ALTER TABLE "library_tag" ALTER COLUMN "text" DROP DEFAULT;',
    )
    assert is_note(collected(offline, state, ops.RemoveField("Loan", "reader"))[0])
    assert offline.connection is None


class Writing(ops.RunSQL):
    """An operation that sends its SQL past the schema editor."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with connections[schema_editor.connection.alias].cursor() as cursor:
            cursor.execute(str(self.sql))


class Asking(ops.RunSQL):
    """An operation that fails inside the caller's transaction."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT nothing")


@pytest.mark.parametrize("kind", [Writing, Asking])
def test_an_operation_that_works_by_itself_changes_nothing(
    connection: BaseDatabaseWrapper, kind: type[ops.RunSQL]
) -> None:
    state = make_library(connection)
    with transaction.atomic():
        statement, note = collected(connection, state, kind("INSERT INTO library_tag (word) VALUES ('x')"))
        assert statement == "INSERT INTO library_tag (word) VALUES ('x');"
        assert is_note(note)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM library_tag")
            assert cursor.fetchone() == (0,)


def test_functions_are_neither_told_nor_called(connection: BaseDatabaseWrapper) -> None:
    def fail(*_arguments: Any) -> None:
        raise AssertionError("called")

    state = make_library(connection)
    within = ops.SeparateDatabaseAndState([ops.RunPython(fail), ops.RunSQL("SELECT 1")])
    assert collected(connection, state, within) == ("SELECT 1;",)

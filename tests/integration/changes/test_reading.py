"""Operations are read on all databases, by the leave of the routers, whatever their kind, and in time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, BtreeGistExtension, RemoveIndexConcurrently
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from auto_migrate.changes import change as c
from auto_migrate.changes.operations import changes_of
from auto_migrate.changes.reading import read_plan
from tests.entries import each_entry
from tests.integration.applying.library import APP, key, library
from tests.integration.applying.schema_cases import CASES, Case
from tests.integration.databases.aliases import alias

# PostgreSQL alone has the others.
ANYWHERE = [case for case in CASES if "exclusion" not in case.name and "not validated" not in case.name]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def elsewhere(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """Connect to an empty database of another vendor."""
    with django_db_blocker.unblock():
        if request.param == "sqlite":
            with alias("elsewhere", ENGINE="django.db.backends.sqlite3", NAME=":memory:"):
                yield connections["elsewhere"]
        else:
            server = request.getfixturevalue("mariadb")
            with alias("elsewhere", server.create_database("test_readers")):
                yield connections["elsewhere"]
            server.drop_database("test_readers")


def state_before(case: Case) -> ProjectState:
    """Return the library's state as a case finds it, rendered, as Django's executor begins."""
    state = ProjectState()
    for operation in [*library(), *case.before]:
        operation.state_forwards(APP, state)
    assert state.apps
    return state


Place = tuple[Operation, str, BaseDatabaseWrapper, ProjectState, ProjectState]


def places(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> Iterator[Place]:
    """Return each operation with the states around it."""
    for operation in operations:
        before = state.clone()
        operation.state_forwards(APP, state)
        yield operation, APP, connection, before, state


@each_entry("case", ANYWHERE, ids=lambda case: case.name, sampled=5)
def test_every_operation_is_read_on_other_databases_too(elsewhere: BaseDatabaseWrapper, case: Case) -> None:
    told = [change for place in places(elsewhere, state_before(case), case.operations) for change in changes_of(*place)]
    assert not [change for change in told if isinstance(change, c.OpaqueChange)]


def one(connection: BaseDatabaseWrapper, operation: Operation) -> list[c.Change]:
    """Read one operation after the library."""
    state = state_before(Case("", []))
    [place] = places(connection, state, [operation])
    return list(changes_of(*place))


class NoLibrary:
    """A router that keeps the library elsewhere."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return app_label != APP


@override_settings(DATABASE_ROUTERS=[NoLibrary()])
@pytest.mark.parametrize(
    "operation",
    [
        ops.AddField("Book", "x", models.IntegerField(null=True)),
        ops.RunSQL("DROP TABLE library_book"),
        ops.RunPython(print),
        AddIndexConcurrently("Book", models.Index(fields=["title"], name="x")),
        RemoveIndexConcurrently("Book", "book_pages"),
        ops.SeparateDatabaseAndState([ops.RemoveField("Book", "pages")]),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_what_routers_keep_away_changes_nothing(connection: BaseDatabaseWrapper, operation: Operation) -> None:
    assert one(connection, operation) == []


def looks(apps: Any, _editor: Any) -> None:
    """Look at a row and write none."""
    apps.get_model("library", "Author").objects.first()


def test_a_function_is_told_and_one_that_does_nothing_is_not(connection: BaseDatabaseWrapper) -> None:
    assert one(connection, ops.RunPython(looks)) == [
        c.RunFunction(table="", function="looks", code=looks, writes=False)
    ]
    [told, unread] = one(connection, ops.RunPython(print))
    assert told == c.RunFunction(table="", function="print", code=print)
    assert isinstance(unread, c.OpaqueChange)
    assert one(connection, ops.RunPython(ops.RunPython.noop)) == []


def test_an_extension_changes_no_table(connection: BaseDatabaseWrapper) -> None:
    assert one(connection, BtreeGistExtension()) == []


def test_an_operation_that_django_would_refuse_is_told_as_unread(connection: BaseDatabaseWrapper) -> None:
    (told,) = one(connection, ops.AlterField("Book", "tags", models.IntegerField(null=True)))
    assert isinstance(told, c.OpaqueChange)
    assert told.text == "Alter field tags on Book"
    assert told.reason


class Bespoke(Operation):
    """An operation of a project's own, which may do anything."""

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        raise AssertionError("carried out")


class Careful(ops.RemoveField):
    """An operation of Django's that a project carries out in its own way."""

    database_forwards = Bespoke.database_forwards


class Together(ops.SeparateDatabaseAndState):
    """Operations that a project carries out in its own way."""

    database_forwards = Bespoke.database_forwards


def test_an_operation_of_the_projects_own_is_not_carried_out(connection: BaseDatabaseWrapper) -> None:
    (told,) = one(connection, Bespoke())
    assert isinstance(told, c.OpaqueChange)
    assert "Bespoke" in told.reason


@pytest.mark.parametrize(
    "operation",
    [Careful("Book", "pages"), Together([ops.RemoveField("Book", "pages")])],
    ids=lambda operation: type(operation).__name__,
)
def test_one_that_is_of_a_kind_of_djangos_is_told_as_that_and_as_unread(
    connection: BaseDatabaseWrapper, operation: Operation
) -> None:
    dropped, unread = one(connection, operation)
    assert isinstance(dropped, c.DropColumn)
    assert (dropped.table, dropped.model, dropped.column) == ("library_book", "library.Book", "pages")
    assert isinstance(unread, c.OpaqueChange)


def test_an_index_on_a_descending_column_is_read(connection: BaseDatabaseWrapper) -> None:
    (told,) = one(connection, ops.AddIndex("Book", models.Index(fields=["-pages"], name="longest")))
    assert isinstance(told, c.CreateIndex)
    assert told.columns == ("pages",)


def test_operations_within_another_are_read_each_after_the_one_before(connection: BaseDatabaseWrapper) -> None:
    add = ops.AddField("Book", "x", models.IntegerField(null=True))
    index = ops.AddIndex("Book", models.Index(fields=["x"], name="by_x"))
    told = one(connection, ops.SeparateDatabaseAndState([add, index]))
    assert [type(change) for change in told] == [c.AddColumn, c.CreateIndex]


def test_three_hundred_migrations_are_read_in_seconds(connection: BaseDatabaseWrapper) -> None:
    state = ProjectState()
    for number in range(100):
        fields = [
            ("id", key()),
            *([("before", models.ForeignKey(f"{APP}.M{number - 1}", models.CASCADE))] if number else []),
        ]
        ops.CreateModel(f"M{number}", fields).state_forwards(APP, state)
    plan = []
    for number in range(300):
        operations = [
            ops.AddField(f"M{number % 100}", f"f{number}", models.IntegerField(null=True)),
            ops.AddIndex(f"M{number % 100}", models.Index(fields=[f"f{number}"], name=f"i{number}")),
        ]
        plan.append((type("Next", (Migration,), {"operations": operations})(f"{number:04}", APP), False))
    started = time.perf_counter()
    told = sum(len(migration.operations) for migration in read_plan(connection, plan, state))
    assert told == 600
    # A generous bound against reading everything anew each time, which takes minutes.
    assert time.perf_counter() - started < 30

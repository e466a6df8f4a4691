"""The changes told of Django's operations are what PostgreSQL's catalog shows after they were carried out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now, Pi, Random

from auto_migrate.changes.change import AddColumn, Change, CreateTable, Default
from auto_migrate.changes.operations import changes_of
from tests.integration.applying.library import APP, key
from tests.integration.applying.library_tables import make_library
from tests.integration.applying.schema_cases import CASES, CHECK, Case, case, char
from tests.integration.changes.catalog import Catalog
from tests.integration.own_database import carry_out

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

MORE = [
    case(
        "validate a constraint",
        ValidateConstraint("Book", "book_short"),
        before=[AddConstraintNotValid("Book", CHECK)],
    ),
    case("alter to a checked type", ops.AlterField("Author", "age", models.PositiveIntegerField(null=True))),
    case(
        "drop a database default",
        ops.AlterField("Author", "age", models.IntegerField(null=True)),
        before=[ops.AlterField("Author", "age", models.IntegerField(null=True, db_default=3))],
    ),
    case(
        "alter to not null with a database default",
        ops.AlterField("Author", "age", models.IntegerField(db_default=3)),
    ),
    case(
        "alter an automatic key to a plain one",
        ops.AlterField("Author", "id", models.BigIntegerField(primary_key=True)),
    ),
    case(
        "alter a plain key to an automatic one",
        ops.AlterField("Author", "id", key()),
        before=[ops.AlterField("Author", "id", models.BigIntegerField(primary_key=True))],
    ),
    case("alter indexed text to a number", ops.AlterField("Author", "name", models.TextField(db_index=True))),
    case("alter indexed to unique", ops.AlterField("Author", "name", char(unique=True))),
    case("alter unique to indexed", ops.AlterField("Author", "email", char(db_index=True))),
    case(
        "comment on a foreign key",
        ops.AlterField("Loan", "reader", models.ForeignKey(f"{APP}.Author", models.CASCADE, db_comment="Who.")),
    ),
]


def read(connection: BaseDatabaseWrapper, state: ProjectState, operations: Iterable[Operation]) -> list[Change]:
    """Return the changes of some operations, and take the state along."""
    changes: list[Change] = []
    for operation in operations:
        before = state.clone()
        operation.state_forwards(APP, state)
        changes += changes_of(operation, APP, connection, before, state)
    return changes


@pytest.mark.parametrize("case", [*CASES, *MORE], ids=lambda case: case.name)
def test_the_changes_told_are_those_that_the_catalog_shows(connection: BaseDatabaseWrapper, case: Case) -> None:
    state = make_library(connection, case.before)
    expected = Catalog(connection)
    told = read(connection, state.clone(), case.operations)
    assert Catalog(connection).files == expected.files, "reading has changed the schema"
    new = [change.table for change in told if isinstance(change, CreateTable)]
    for change in told:
        if change.table not in new or isinstance(change, CreateTable):
            expected.take(change)
    carry_out(connection, state, case.operations, APP)
    assert Catalog(connection).without(new) == expected.without(new)


NEW_COLUMNS: dict[str, tuple[Any, Default]] = {
    "null": (models.IntegerField(null=True), Default.NONE),
    "constant": (models.IntegerField(default=1), Default.CONSTANT),
    "called once": (models.UUIDField(default=uuid.uuid4), Default.CONSTANT),
    "blank": (models.TextField(blank=True), Default.CONSTANT),
    "moment": (models.DateTimeField(auto_now_add=True), Default.CONSTANT),
    "database constant": (models.IntegerField(db_default=1), Default.CONSTANT),
    "database stable": (models.DateTimeField(db_default=Now()), Default.CONSTANT),
    "database immutable": (models.FloatField(db_default=Pi() * 2), Default.CONSTANT),
    "database volatile": (models.UUIDField(db_default=RandomUUID()), Default.VOLATILE),
    "database random": (models.FloatField(db_default=Random() + 1), Default.VOLATILE),
    "generated": (
        models.GeneratedField(expression=models.F("id") * 2, output_field=models.BigIntegerField(), db_persist=True),
        Default.GENERATED,
    ),
}


@pytest.mark.parametrize("name", NEW_COLUMNS)
def test_a_default_is_told_by_whether_the_table_is_written_anew(connection: BaseDatabaseWrapper, name: str) -> None:
    field, default = NEW_COLUMNS[name]
    state = make_library(connection)
    files, add = Catalog(connection).files, [ops.AddField("Tag", "new", field)]
    (told,) = read(connection, state.clone(), add)
    carry_out(connection, state, add, APP)
    assert isinstance(told, AddColumn)
    assert told.default is default
    rewritten = Catalog(connection).files["library_tag"] != files["library_tag"]
    assert rewritten is (default in {Default.VOLATILE, Default.GENERATED})


def test_a_default_of_the_projects_own_is_not_called(connection: BaseDatabaseWrapper) -> None:
    def fail() -> int:
        raise AssertionError("called")

    state = make_library(connection)
    (told,) = read(connection, state, [ops.AddField("Tag", "new", models.IntegerField(default=fail))])
    assert isinstance(told, AddColumn)
    assert (told.default, told.keeps_default) == (Default.CONSTANT, False)

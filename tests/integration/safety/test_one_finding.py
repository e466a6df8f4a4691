"""One trouble gives one finding, however many statements it takes, and an operation without any gives none."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.phases.classify import classify_plan
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.integration.applying.library import APP, key, library, many, to
from tests.integration.applying.schema_cases import char

TOKEN = models.UUIDField(db_default=RandomUUID(), unique=True)
ONE_TO_ONE = models.OneToOneField(f"{APP}.Book", models.CASCADE, null=True)
NEW = [("id", key())]
CASES: list[tuple[str, list[str], list[Operation]]] = [
    ("a field", [], [ops.AddField("Book", "x", models.TextField(null=True))]),
    ("a field with a default", [], [ops.AddField("Book", "x", models.IntegerField(db_default=1))]),
    ("an indexed text", ["AM109"], [ops.AddField("Book", "x", char(null=True, db_index=True))]),
    ("a text that gets an index", ["AM109"], [ops.AlterField("Tag", "word", char(30, db_index=True))]),
    ("a unique text", ["AM107"], [ops.AddField("Book", "x", char(null=True, unique=True))]),
    ("a text that gets unique", ["AM107"], [ops.AlterField("Tag", "word", char(30, unique=True))]),
    ("a unique value for each row", ["AM101"], [ops.AddField("Book", "x", TOKEN)]),
    ("a foreign key", ["AM109", "AM113"], [ops.AddField("Tag", "book", to("Book", null=True))]),
    ("a key without its index", ["AM113"], [ops.AddField("Tag", "book", to("Book", null=True, db_index=False))]),
    ("a key that is filled", ["AM106", "AM109", "AM113"], [ops.AddField("Tag", "book", to("Book", default=1))]),
    ("one to one", ["AM107", "AM113"], [ops.AddField("Tag", "book", ONE_TO_ONE)]),
    ("many to many", ["AM113"], [ops.AddField("Tag", "books", many("Book"))]),
    ("a model with a foreign key", ["AM113"], [ops.CreateModel("New", [*NEW, ("book", to("Book"))])]),
    (
        "a model that is changed at once",
        [],
        [
            ops.CreateModel("New", [*NEW, ("n", models.IntegerField(null=True))]),
            ops.AlterField("New", "n", models.BigIntegerField()),
            ops.AddIndex("New", models.Index(fields=["n"], name="new_n")),
            ops.AddField("New", "token", TOKEN),
        ],
    ),
    ("a key of another type", ["AM102"], [ops.AlterField("Author", "id", models.UUIDField(primary_key=True))]),
    ("a foreign key that may be empty", ["AM106"], [ops.AlterField("Book", "author", to("Author", null=True))]),
    ("a wider text", [], [ops.AlterField("Tag", "word", char(90))]),
    ("an index for LIKE that goes with its index", ["AM110"], [ops.AlterField("Author", "name", char(50))]),
    ("an index that goes with its text", ["AM102"], [ops.AlterField("Author", "name", models.IntegerField())]),
    ("a unique constraint that goes", [], [ops.RemoveConstraint("Book", "book_once")]),
    ("a column that goes", [], [ops.RemoveField("Book", "pages")]),
    ("another name", [], [ops.RenameField("Book", "pages", "leaves")]),
    (
        "three tables",
        ["AM114"],
        [ops.AddField(name, "x", models.TextField(null=True)) for name in ("Book", "Tag", "Author")],
    ),
    ("two tables", [], [ops.AddField(name, "x", models.TextField(null=True)) for name in ("Book", "Tag")]),
]


@pytest.mark.parametrize("shop_database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("expected", "operations"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_holds_tables_up_is_found_once(
    shop: BaseDatabaseWrapper, expected: list[str], operations: list[Operation]
) -> None:
    state = ProjectState()
    for step in library():
        step.state_forwards(APP, state)
    migration: Any = Migration("0002_change", APP)
    migration.operations = operations
    [read] = classify_plan(read_plan(shop, [(migration, False)], state))
    server = ServerFacts("postgresql", (18,))
    found = [code for code, hazard in hazards().items() for _found in hazard.look(read, server, NewObjects())]
    assert [code for code in found if code < "AM2"] == expected

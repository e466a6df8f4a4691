"""What is said to make a table anew on SQLite is what Django does there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from auto_migrate.changes.operations import changes_of
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import ServerFacts
from tests.integration.applying.library import APP, library, to
from tests.integration.applying.library_tables import advance, build
from tests.integration.applying.schema_cases import char
from tests.integration.databases.aliases import alias

CASES: dict[str, Operation] = {
    "a field": ops.AddField("Book", "x", models.TextField(null=True)),
    "a field with a default": ops.AddField("Book", "x", models.TextField(default="")),
    "a unique field": ops.AddField("Book", "x", models.IntegerField(null=True, unique=True)),
    "a foreign key": ops.AddField("Tag", "book", to("Book", null=True)),
    "another type": ops.AlterField("Tag", "word", models.TextField()),
    "no nulls": ops.AlterField("Author", "age", models.IntegerField(default=1)),
    "another name": ops.RenameField("Author", "age", "years"),
    "a plain field that goes": ops.RemoveField("Author", "age"),
    "an indexed field that goes": ops.RemoveField("Author", "name"),
    "a unique field that goes": ops.RemoveField("Author", "email"),
    "a foreign key that goes": ops.RemoveField("Chapter", "book"),
    "an index": ops.AddIndex("Tag", models.Index(fields=["word"], name="tag_word")),
    "an index that goes": ops.RemoveIndex("Book", "book_pages"),
    "a check": ops.AddConstraint("Tag", models.CheckConstraint(condition=Q(word__gt=""), name="tag_word")),
    "a check that goes": ops.RemoveConstraint("Book", "book_pages_positive"),
    "a unique constraint": ops.AddConstraint("Tag", models.UniqueConstraint(fields=["word"], name="tag_word")),
    "a unique constraint with a condition": ops.AddConstraint(
        "Tag", models.UniqueConstraint(fields=["word"], condition=Q(id__gt=1), name="tag_word")
    ),
    "a wider text": ops.AlterField("Tag", "word", char(90)),
    "a table that goes": ops.DeleteModel("Chapter"),
    "a default of Python's alone": ops.AlterField("Tag", "word", char(30, default="x")),
    "an index on a field": ops.AlterField("Author", "age", models.IntegerField(null=True, db_index=True)),
    "a value in the database": ops.AddField("Tag", "x", models.IntegerField(null=True, db_default=models.Value(1))),
    "a default in the database": ops.AddField("Tag", "x", models.IntegerField(null=True, db_default=1)),
    "a foreign key of another name": ops.RenameField("Chapter", "book", "volume"),
    "unique together": ops.AlterUniqueTogether("Tag", {("word", "id")}),
    "unique together no longer": ops.AlterUniqueTogether("Chapter", set()),
    "a unique constraint with a condition that goes": ops.RemoveConstraint("Tag", "tag_word"),
    "another name of a model": ops.RenameModel("Author", "Writer"),
    "another many-to-many field": ops.AlterField(
        "Book", "tags", models.ManyToManyField(f"{APP}.Tag", blank=True, related_name="+")
    ),
    "another name of a many-to-many field": ops.RenameField("Book", "tags", "words"),
    "another key": ops.AlterField("Book", "id", models.BigAutoField(primary_key=True)),
    "a longer unique field": ops.AlterField("Author", "email", char(300, unique=True)),
    "a comment on a field": ops.AlterField("Tag", "word", char(30, help_text="x")),
    "another name of a table": ops.AlterModelTable("Tag", "words"),
}
MADE_OF: dict[str, list[Operation]] = {
    "a foreign key that goes": [ops.AlterUniqueTogether("Chapter", set())],
    "a unique constraint with a condition that goes": [CASES["a unique constraint with a condition"]],
}


@pytest.fixture
def lite(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    with django_db_blocker.unblock(), alias("lite", f"sqlite:///{tmp_path}/lite.sqlite3") as name:
        yield connections[name]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CASES)
def test_the_tables_made_anew_are_told(lite: BaseDatabaseWrapper, name: str) -> None:
    state, operation = build(lite, [*library(), *MADE_OF.get(name, [])]), CASES[name]
    before, after = state.clone(), state.clone()
    operation.state_forwards(APP, after)
    told = {
        effect.table
        for change in changes_of(operation, APP, lite, before, after)
        for effect in effects(change, ServerFacts("sqlite", (3,)))
        if effect.rewrites
    }
    with CaptureQueriesContext(lite) as queries, lite.schema_editor() as editor:
        advance(editor, state, [operation])
    sent = str(queries.captured_queries)
    copied = set(re.findall(r'INSERT INTO "\w+" \([^)]*\) SELECT [^;]*? FROM "(\w+)"', sent))
    # SQLite writes the rows anew of which it takes a column out.
    assert told == copied | set(re.findall(r'ALTER TABLE "(\w+)" DROP COLUMN', sent))

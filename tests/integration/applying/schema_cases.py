"""Every kind of schema operation that Django has, on the tables of the library."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from django import VERSION
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import models
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.models import Q

from tests.integration.applying.library import APP, key, many, parent, to


@dataclasses.dataclass(frozen=True)
class Case:
    """One or several operations; `before` are carried out first, `looser` are tables told stronger, with the reason."""

    name: str
    operations: list[Operation]
    before: list[Operation] = dataclasses.field(default_factory=list)
    looser: Mapping[str, str] = dataclasses.field(default_factory=dict)


def case(name: str, *operations: Operation, before: Iterable[Operation] = (), **looser: str) -> Case:
    return Case(name, list(operations), list(before), {f"{APP}_{table}": why for table, why in looser.items()})


def field(model: str, name: str, new: Any) -> Operation:
    return ops.AlterField(model, name, new)


def char(length: int = 50, **options: Any) -> Any:
    return models.CharField(max_length=length, **options)


NEW_INDEX = models.Index(fields=["title"], name="book_by_title")
CHECK = models.CheckConstraint(condition=Q(pages__lt=9000), name="book_short")
PAGES = models.Func("pages", "pages", function="int4range", output_field=IntegerRangeField())
EXCLUSION = ExclusionConstraint(name="no_two", expressions=[(PAGES, "&&")])
UNMANAGED = {"managed": False}

CASES = [
    # Models.
    case("create a model", ops.CreateModel("New", [("id", key())])),
    case("create a model with a foreign key", ops.CreateModel("New", [("id", key()), ("book", to("Book"))])),
    case(
        "create a model with a foreign key to a key that is not the primary one",
        ops.CreateModel("New", [("id", key()), ("publisher", to("Publisher", to_field="code"))]),
    ),
    case(
        "create a model with a foreign key without a constraint",
        ops.CreateModel("New", [("id", key()), ("book", to("Book", db_constraint=False))]),
    ),
    case("create a model that points to itself", ops.CreateModel("New", [("id", key()), ("self", to("New"))])),
    case("create a model with many to many", ops.CreateModel("New", [("id", key()), ("tags", many("Tag"))])),
    case(
        "create a model with many to many without constraints",
        ops.CreateModel("New", [("id", key()), ("tags", many("Tag", db_constraint=False))]),
    ),
    case(
        "create a model with many to many through a model",
        ops.CreateModel("New", [("id", key())]),
        ops.CreateModel("Step", [("id", key()), ("new", to("New")), ("book", to("Book"))]),
        ops.AddField("New", "books", many("Book", through=f"{APP}.Step")),
    ),
    case(
        "create a model with one to one",
        ops.CreateModel("New", [("id", key()), ("tag", models.OneToOneField(f"{APP}.Tag", models.CASCADE))]),
    ),
    case(
        "create a model that extends a table",
        ops.CreateModel("Comic", [("book_ptr", parent("Book"))], bases=(f"{APP}.Book",)),
    ),
    case(
        "create a model that points to one just created",
        ops.CreateModel("First", [("id", key())]),
        ops.CreateModel("Second", [("id", key()), ("first", to("First"))]),
    ),
    case("create a proxy", ops.CreateModel("Old", [], options={"proxy": True}, bases=(f"{APP}.Book",))),
    case(
        "create an unmanaged model",
        ops.CreateModel("View", [("id", key()), ("book", to("Book"))], options=UNMANAGED),
    ),
    case("delete a model", ops.DeleteModel("Card"), ops.DeleteModel("Chapter")),
    case("delete a model with foreign keys and many to many", ops.DeleteModel("Shelf")),
    case("delete a model that extends a table", ops.DeleteModel("Novel"), before=[ops.DeleteModel("Shelf")]),
    case("delete a proxy", ops.DeleteModel("Thriller")),
    case(
        "delete a model that others point to, after them",
        ops.RemoveField("Shelf", "rare"),
        ops.DeleteModel("Thriller"),
        ops.DeleteModel("Novel"),
    ),
    case(
        "delete a model that is still pointed to without a constraint",
        ops.AlterField("Book", "author", models.IntegerField()),
        ops.RemoveField("Book", "readers"),
        ops.DeleteModel("Loan"),
        ops.DeleteModel("Author"),
    ),
    case("rename a model that others point to", ops.RenameModel("Author", "Writer")),
    case(
        "rename a model with many to many",
        ops.RenameModel("Book", "Work"),
        before=[ops.DeleteModel("Thriller"), ops.DeleteModel("Shelf"), ops.DeleteModel("Novel")],
    ),
    case("rename a model with many to many from others", ops.RenameModel("Tag", "Word")),
    case("rename a model that points to itself", ops.RenameModel("Shelf", "Board")),
    case("rename a model that others point to by another key", ops.RenameModel("Publisher", "House")),
    case("rename a through model", ops.RenameModel("Loan", "Lending")),
    case("rename a model that extends a table", ops.RenameModel("Novel", "Fiction")),
    case("rename a proxy", ops.RenameModel("Thriller", "Crime")),
    case("rename an unmanaged model", ops.RenameModel("Card", "Ticket")),
    case(
        "rename a model that keeps its table",
        ops.RenameModel("Plain", "Simple"),
        before=[
            ops.CreateModel("Plain", [("id", key())], options={"db_table": "plain"}),
            ops.AddField("Tag", "plain", to("Plain", null=True)),
        ],
    ),
    case(
        "rename a model with many to many that keeps its table",
        ops.RenameModel("Plain", "Simple"),
        before=[
            ops.CreateModel("Plain", [("id", key()), ("tags", many("Tag"))], options={"db_table": "plain"}),
            ops.AddField("Author", "plain", many("Plain")),
        ],
    ),
    case("name another table", ops.AlterModelTable("Author", "writers")),
    case("name another table for many to many", ops.AlterModelTable("Book", "works")),
    case("name the same table", ops.AlterModelTable("Author", f"{APP}_author")),
    case("comment on a table", ops.AlterModelTableComment("Author", "People who write.")),
    case("order by a relation", ops.AlterOrderWithRespectTo("Chapter", "book")),
    case(
        "order by nothing any more",
        ops.AlterOrderWithRespectTo("Chapter", None),
        before=[ops.AlterOrderWithRespectTo("Chapter", "book")],
    ),
    case("alter options", ops.AlterModelOptions("Book", {"verbose_name": "tome"})),
    case("alter managers", ops.AlterModelManagers("Book", [])),
    # Fields.
    case("add a field", ops.AddField("Book", "notes", models.TextField(null=True))),
    case("add a field with a default", ops.AddField("Book", "copies", models.IntegerField(default=1))),
    case("add a field with a database default", ops.AddField("Book", "copies", models.IntegerField(db_default=1))),
    case(
        "add an indexed field with a comment", ops.AddField("Book", "x", char(null=True, db_index=True, db_comment="X"))
    ),
    case("add a unique field", ops.AddField("Book", "isbn", char(null=True, unique=True))),
    case(
        "add a generated field",
        ops.AddField(
            "Book",
            "twice",
            models.GeneratedField(
                expression=models.F("pages") * 2, output_field=models.IntegerField(), db_persist=True
            ),
        ),
    ),
    case("add a foreign key", ops.AddField("Tag", "book", to("Book", null=True))),
    case("add a foreign key to the same model", ops.AddField("Tag", "above", to("Tag", null=True))),
    case(
        "add a foreign key to 'self'",
        ops.AddField("Tag", "above", models.ForeignKey("self", models.CASCADE, null=True)),
    ),
    case(
        "add a foreign key without a constraint",
        ops.AddField("Tag", "book", to("Book", null=True, db_constraint=False)),
    ),
    case("add one to one", ops.AddField("Tag", "twin", models.OneToOneField(f"{APP}.Book", models.CASCADE, null=True))),
    case("add many to many", ops.AddField("Tag", "authors", many("Author"))),
    case("add many to many to the same model", ops.AddField("Tag", "near", many("Tag"))),
    case("add many to many to 'self'", ops.AddField("Tag", "near", models.ManyToManyField("self"))),
    case("add many to many without constraints", ops.AddField("Tag", "authors", many("Author", db_constraint=False))),
    case(
        "add many to many through a model",
        ops.AddField("Author", "loans", many("Book", through=f"{APP}.Loan", related_name="+")),
    ),
    case("add a field to an unmanaged model", ops.AddField("Card", "book", to("Book"))),
    case("add a field to a model that extends a table", ops.AddField("Novel", "setting", models.TextField(null=True))),
    case("remove a field", ops.RemoveField("Author", "age")),
    case("remove an indexed field", ops.RemoveField("Author", "name")),
    case(
        "remove a field that an index and a constraint are on",
        ops.RemoveField("Book", "pages"),
        before=[ops.RemoveIndex("Book", "book_pages"), ops.RemoveConstraint("Book", "book_pages_positive")],
    ),
    case("remove a foreign key", ops.RemoveField("Loan", "reader")),
    case("remove a foreign key to a key that is not the primary one", ops.RemoveField("Book", "publisher")),
    case("remove a foreign key without a constraint", ops.RemoveField("Book", "editor")),
    case("remove a foreign key to the same model", ops.RemoveField("Shelf", "above")),
    case("remove many to many", ops.RemoveField("Book", "tags")),
    case("remove many to many to the same model", ops.RemoveField("Shelf", "beside")),
    case("remove many to many through a model", ops.RemoveField("Book", "readers")),
    case("remove a field of an unmanaged model", ops.RemoveField("Card", "id")),
    case("rename a field", ops.RenameField("Author", "name", "called")),
    case("rename a field that others point to", ops.RenameField("Publisher", "code", "mark")),
    # Django drops columns with CASCADE up to 5.2; later, PostgreSQL refuses this.
    *([case("remove a primary key that others point to", ops.RemoveField("Tag", "id"))] if VERSION < (6, 0) else []),
    case(
        "remove a parent link",
        ops.RemoveField("Shelf", "rare"),
        ops.RemoveField("Novel", "book_ptr"),
        before=[ops.DeleteModel("Thriller")],
    ),
    case("rename a primary key", ops.RenameField("Tag", "id", "number")),
    case("rename a foreign key", ops.RenameField("Loan", "reader", "borrower")),
    case("rename many to many", ops.RenameField("Book", "tags", "words")),
    case(
        "rename a field and keep its column",
        ops.RenameField("Tag", "word", "term"),
        before=[ops.AlterField("Tag", "word", char(30, db_column="word"))],
    ),
    case(
        "alter what the database does not know",
        field("Author", "name", char(db_index=True, verbose_name="N", choices=[("a", "A")])),
    ),
    case("alter a default in Python", field("Author", "rating", models.PositiveIntegerField(default=1))),
    case("alter a default of a foreign key", field("Loan", "reader", to("Author", default=1))),
    case(
        "alter what a foreign key does in Python",
        field("Loan", "reader", models.ForeignKey(f"{APP}.Author", models.PROTECT)),
    ),
    case("alter a type", field("Author", "age", models.BigIntegerField(null=True))),
    case("alter a type with a check", field("Author", "rating", models.IntegerField(default=0))),
    case("alter a length", field("Tag", "word", char(60))),
    case("alter the length of a key that others point to", field("Publisher", "code", char(12, unique=True))),
    case("alter to null", field("Author", "name", char(db_index=True, null=True))),
    case("alter to not null", field("Author", "age", models.IntegerField(default=0))),
    case("alter a foreign key to null", field("Loan", "reader", to("Author", null=True))),
    case("alter to unique", field("Tag", "word", char(30, unique=True))),
    case("alter to not unique", field("Author", "email", char())),
    case("alter to indexed", field("Tag", "word", char(30, db_index=True))),
    case("alter to not indexed", field("Author", "name", char())),
    case("alter a database default", field("Author", "age", models.IntegerField(null=True, db_default=3))),
    case("alter a comment", field("Author", "name", char(db_index=True, db_comment="As printed."))),
    case("alter a collation", field("Tag", "word", char(30, db_collation="C"))),
    case(
        "alter the collation of a key that others point to",
        field("Publisher", "code", char(9, unique=True, db_collation="C")),
    ),
    case("alter a column's name", field("Tag", "word", char(30, db_column="term"))),
    case("alter the type of a primary key", field("Author", "id", models.AutoField(primary_key=True))),
    case(
        "alter the type of a primary key that many-to-many tables point to",
        field("Tag", "id", models.AutoField(primary_key=True)),
    ),
    case(
        "alter the type of a primary key that other models extend",
        field("Book", "id", models.AutoField(primary_key=True)),
    ),
    case(
        "alter the type of a primary key that points to itself",
        field("Shelf", "id", models.AutoField(primary_key=True)),
    ),
    case(
        "alter the primary key to another field",
        field("Chapter", "number", models.IntegerField(primary_key=True)),
        before=[ops.RemoveField("Chapter", "id")],
    ),
    case("alter a foreign key to another table", field("Loan", "reader", to("Publisher"))),
    case("alter a foreign key to one without a constraint", field("Loan", "reader", to("Author", db_constraint=False))),
    case(
        "alter a foreign key to one with a constraint",
        field("Book", "editor", to("Author", null=True, related_name="+")),
    ),
    case("alter a foreign key to a plain field", field("Loan", "reader", models.BigIntegerField())),
    case("alter a plain field to a foreign key", field("Author", "age", to("Tag", null=True, db_column="age"))),
    case(
        "alter a foreign key to one to one",
        field("Loan", "reader", models.OneToOneField(f"{APP}.Author", models.CASCADE)),
    ),
    case("alter many to many", field("Book", "tags", many("Tag", blank=True))),
    case("alter the table of many to many", field("Book", "tags", many("Tag", db_table="labels"))),
    case("alter where many to many points to", field("Book", "tags", many("Author", related_name="+"))),
    case("alter a field of an unmanaged model", field("Card", "id", models.AutoField(primary_key=True))),
    # Indexes and constraints.
    case("add an index", ops.AddIndex("Book", NEW_INDEX)),
    case("remove an index", ops.RemoveIndex("Book", "book_pages")),
    case("rename an index", ops.RenameIndex("Book", "book_thickness", old_name="book_pages")),
    case(
        "rename an index known by its fields",
        ops.RenameIndex("Chapter", "chapter_at", old_fields=("book", "number")),
        before=[ops.AlterUniqueTogether("Chapter", set()), ops.AlterIndexTogether("Chapter", {("book", "number")})],
    ),
    case("add a check", ops.AddConstraint("Book", CHECK)),
    case(
        "add a unique constraint", ops.AddConstraint("Tag", models.UniqueConstraint(fields=["word"], name="tag_once"))
    ),
    case(
        "add a deferrable unique constraint",
        ops.AddConstraint(
            "Tag", models.UniqueConstraint(fields=["word"], name="tag_once", deferrable=models.Deferrable.DEFERRED)
        ),
    ),
    case(
        "add a unique constraint with a condition",
        ops.AddConstraint("Tag", models.UniqueConstraint(fields=["word"], name="tag_once", condition=Q(id__gt=1))),
    ),
    case(
        "add a unique constraint that includes",
        ops.AddConstraint("Tag", models.UniqueConstraint(fields=["word"], name="tag_once", include=["id"])),
    ),
    case(
        "add a unique constraint with operator classes",
        ops.AddConstraint(
            "Tag", models.UniqueConstraint(fields=["word"], name="tag_once", opclasses=["varchar_pattern_ops"])
        ),
    ),
    case(
        "add a unique constraint with an expression",
        ops.AddConstraint("Tag", models.UniqueConstraint(models.functions.Lower("word"), name="tag_once")),
    ),
    case(
        "add a unique constraint with nulls not distinct",
        ops.AddConstraint("Tag", models.UniqueConstraint(fields=["word"], name="tag_once", nulls_distinct=False)),
        tag="PostgreSQL 14 cannot do it, and Django leaves it out",
    ),
    case("add an exclusion constraint", ops.AddConstraint("Book", EXCLUSION)),
    case("remove a check", ops.RemoveConstraint("Book", "book_pages_positive")),
    case("remove a unique constraint", ops.RemoveConstraint("Book", "book_once")),
    case("remove a unique index", ops.RemoveConstraint("Book", "book_title")),
    case(
        "remove an exclusion constraint",
        ops.RemoveConstraint("Book", "no_two"),
        before=[ops.AddConstraint("Book", EXCLUSION)],
    ),
    case(
        "alter a constraint's message",
        ops.AlterConstraint(
            "Book",
            "book_pages_positive",
            models.CheckConstraint(
                condition=Q(pages__gte=0), name="book_pages_positive", violation_error_message="No."
            ),
        ),
    ),
    case("add a constraint not validated", AddConstraintNotValid("Book", CHECK)),
    case("unique together", ops.AlterUniqueTogether("Loan", {("book", "reader")})),
    case("unique together no longer", ops.AlterUniqueTogether("Chapter", set())),
    case(
        "unique together as before",
        ops.AlterUniqueTogether("Chapter", {("book", "number")}),
        chapter="Django never writes such an operation",
    ),
    case(
        "index together",
        ops.AlterIndexTogether("Loan", {("book", "reader")}),
        loan="only migrations from before Django 5.1 have it",
    ),
    case(
        "index together no longer",
        ops.AlterIndexTogether("Loan", set()),
        before=[ops.AlterIndexTogether("Loan", {("book", "reader")})],
    ),
    # Several, and by other means.
    case("only in the state", ops.SeparateDatabaseAndState(state_operations=[ops.RemoveField("Author", "age")])),
    case(
        "only in the database",
        ops.SeparateDatabaseAndState([ops.AddField("Author", "born", models.DateField(null=True))]),
    ),
    case(
        "add a foreign key, then drop it",
        ops.AddField("Tag", "book", to("Book", null=True)),
        ops.RemoveField("Tag", "book"),
    ),
    case(
        "create a model, then alter its foreign key",
        ops.CreateModel("New", [("id", key()), ("book", to("Book"))]),
        field("New", "book", to("Author")),
        book="there is no constraint to drop yet",
        author="Django makes the constraint to the first table",
    ),
    case(
        "create a model, then add a foreign key to it",
        ops.CreateModel("New", [("id", key())]),
        ops.AddField("New", "book", to("Book")),
        ops.AddField("New", "tags", many("Tag")),
    ),
    case(
        "rename a model, then add a foreign key to it",
        ops.RenameModel("Tag", "Word"),
        ops.AddField("Author", "word", to("Word", null=True)),
    ),
    case(
        "rename a table, then add a field",
        ops.AlterModelTable("Tag", "words"),
        ops.AddField("Tag", "n", models.IntegerField(null=True)),
    ),
    case(
        "rename a field, then alter it",
        ops.RenameField("Publisher", "code", "mark"),
        field("Publisher", "mark", char(12, unique=True)),
    ),
    case("alter a foreign key twice", field("Loan", "reader", to("Publisher")), field("Loan", "reader", to("Tag"))),
]

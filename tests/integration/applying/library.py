"""A small library's models as migration operations: the tables that the operations under test change."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Lower

APP = "library"


def key() -> Any:
    """Return the primary key that Django writes into migrations."""
    return models.BigAutoField(primary_key=True)


def to(model: str, **options: Any) -> Any:
    """Return a foreign key."""
    return models.ForeignKey(f"{APP}.{model}", models.CASCADE, **options)


def many(model: str, **options: Any) -> Any:
    """Return a many-to-many field."""
    return models.ManyToManyField(f"{APP}.{model}", **options)


def library() -> list[Operation]:
    """Return the operations that make the library."""
    return [
        ops.CreateModel("Publisher", [("id", key()), ("code", models.CharField(max_length=9, unique=True))]),
        ops.CreateModel(
            "Author",
            [
                ("id", key()),
                ("name", models.CharField(max_length=50, db_index=True)),
                ("email", models.CharField(max_length=50, unique=True)),
                ("age", models.IntegerField(null=True)),
                ("rating", models.PositiveIntegerField(default=0)),
            ],
        ),
        ops.CreateModel("Tag", [("id", key()), ("word", models.CharField(max_length=30))]),
        ops.CreateModel(
            "Book",
            [
                ("id", key()),
                ("title", models.CharField(max_length=50)),
                ("pages", models.IntegerField(null=True)),
                ("author", to("Author")),
                ("publisher", to("Publisher", to_field="code")),
                ("editor", to("Author", null=True, related_name="+", db_constraint=False)),
                ("tags", many("Tag")),
            ],
            options={
                "indexes": [models.Index(fields=["pages"], name="book_pages")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(pages__gte=0), name="book_pages_positive"),
                    models.UniqueConstraint(fields=["title", "author"], name="book_once"),
                    models.UniqueConstraint(Lower("title"), name="book_title"),
                ],
            },
        ),
        ops.CreateModel("Loan", [("id", key()), ("book", to("Book")), ("reader", to("Author"))]),
        ops.AddField("Book", "readers", many("Author", through=f"{APP}.Loan", related_name="borrowed")),
        ops.CreateModel("Novel", [("book_ptr", parent("Book")), ("plot", models.TextField())], bases=(f"{APP}.Book",)),
        ops.CreateModel(
            "Shelf",
            [
                ("id", key()),
                ("above", to("Shelf", null=True)),
                ("beside", many("Shelf")),
                ("rare", to("Novel", null=True)),
            ],
        ),
        ops.CreateModel("Chapter", [("id", key()), ("book", to("Book")), ("number", models.IntegerField())]),
        ops.AlterUniqueTogether("Chapter", {("book", "number")}),
        ops.CreateModel("Card", [("id", key())], options={"managed": False}),
        ops.CreateModel("Thriller", [], options={"proxy": True}, bases=(f"{APP}.Novel",)),
    ]


def parent(model: str) -> Any:
    """Return the link of a model that extends another's table."""
    return models.OneToOneField(
        f"{APP}.{model}", models.CASCADE, parent_link=True, auto_created=True, primary_key=True, serialize=False
    )

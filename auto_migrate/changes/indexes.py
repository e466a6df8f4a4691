"""The indexes that Django makes for a field by itself, as changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.backends.utils import strip_quotes

from auto_migrate.changes.change import CreateIndex, DropIndex


def indexes_of(model: Any, field: Any, editor: Any) -> Iterator[CreateIndex]:
    """Return the indexes of a field, PostgreSQL's second one for LIKE among them."""
    return (index_of(model, field, statement) for statement in editor._field_indexes_sql(model, field))


def index_of(model: Any, field: Any, statement: Any) -> CreateIndex:
    """Return the change that a statement of Django's makes, with the index that a project could declare instead."""
    name = strip_quotes(str(statement.parts["name"]))
    classes = tuple(getattr(statement.parts["columns"], "opclasses", ()))
    return CreateIndex(
        table=model._meta.db_table,
        model=model._meta.label,
        name=name,
        columns=(field.column,),
        companion=any(opclass.endswith("_pattern_ops") for opclass in classes),
        sql=str(statement),
        definition=models.Index(fields=[field.name], name=name, opclasses=classes),
    )


def plain_index(model: Any, field: Any, editor: Any) -> CreateIndex:
    """Return the index of a field with `db_index`."""
    return index_of(model, field, editor._create_index_sql(model, fields=[field]))


def like_index(model: Any, field: Any, editor: Any) -> Iterator[CreateIndex]:
    """Return the index for LIKE, where the database is PostgreSQL and the column is text."""
    statement = editor._create_like_index_sql(model, field) if hasattr(editor, "_create_like_index_sql") else None
    if statement is not None:
        yield index_of(model, field, statement)


def dropped(index: CreateIndex) -> DropIndex:
    """Return the change that takes an index away again."""
    return DropIndex(
        table=index.table,
        model=index.model,
        name=index.name,
        columns=index.columns,
        companion=index.companion,
        sql=index.sql,
    )

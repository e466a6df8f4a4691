"""The rows of a batch as a queryset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Lookup, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from auto_migrate.backfills.keys import KeyedTable, KeyRange
from auto_migrate.backfills.pages import ROW_VALUES

if TYPE_CHECKING:
    Condition = Lookup[Any]
else:
    Condition = Lookup


class Columns(Func):
    """The columns of a key, which are compared together."""

    output_field = BooleanField()


class InRange(Condition):
    """Whether the key of a row is in a range, in the same SQL with which its page was read.

    Lookups of the ORM would convert the key once more, and their row values read whole tables on MySQL. It is one
    nevertheless: of any other condition Django asks MySQL whether it `= 1`, which no index answers.
    """

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        columns = [compiler.compile(expression)[0] for expression in self.lhs.source_expressions]
        condition, params = self.rhs.condition(columns, row_values=connection.vendor in ROW_VALUES)
        return f"({condition})", tuple(params)


def key_fields(model: Any) -> list[Any]:
    """Return the fields of a model's primary key in its order, several where it is composite (Django 5.2)."""
    return list(getattr(model._meta, "pk_fields", None) or [model._meta.pk])


def table_of(model: Any) -> KeyedTable:
    """Return the table of a model and its key; a child's own table has the link to its parent as its key."""
    return KeyedTable(model._meta.db_table, tuple(str(field.column) for field in key_fields(model)))


def rows_of(model: Any, alias: str, rows: KeyRange) -> QuerySet[Any]:
    """Return the rows of a range, whatever the model's own managers leave out."""
    columns = [F(field.attname) for field in key_fields(model)]
    # Not even `_base_manager`, which a model may name.
    return QuerySet(model, using=alias).filter(InRange(Columns(*columns), rows))

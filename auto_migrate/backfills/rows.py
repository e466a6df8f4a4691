"""The rows of a batch as a queryset."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from auto_migrate.backfills.keys import KeyedTable, KeyRange
from auto_migrate.backfills.pages import ROW_VALUES


class InRange(Func):
    """Whether the key of a row is in a range, in the same SQL with which its page was read.

    Lookups of the ORM would convert the key once more, and their row values read whole tables on MySQL.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, rows: KeyRange, *columns: Any) -> None:
        super().__init__(*columns)
        self.rows = rows

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any) -> Any:  # type: ignore[override] # the base takes a template as well
        columns = [compiler.compile(expression)[0] for expression in self.source_expressions]
        condition, params = self.rows.condition(columns, row_values=connection.vendor in ROW_VALUES)
        return f"({condition})", params


def key_fields(model: Any) -> list[Any]:
    """Return the fields of a model's primary key in its order, several where it is composite (Django 5.2)."""
    return list(getattr(model._meta, "pk_fields", None) or [model._meta.pk])


def table_of(model: Any) -> KeyedTable:
    """Return the table of a model and its key; a child's own table has the link to its parent as its key."""
    return KeyedTable(model._meta.db_table, tuple(str(field.column) for field in key_fields(model)))


def rows_of(model: Any, alias: str, rows: KeyRange) -> QuerySet[Any]:
    """Return the rows of a range, whatever the model's own managers leave out."""
    columns = [F(field.attname) for field in key_fields(model)]
    found: QuerySet[Any] = model._base_manager.using(alias).filter(InRange(rows, *columns))
    return found

"""INSERT … ON CONFLICT … RETURNING: one statement that makes a row, or meets the one that is there.

`bulk_create` has the clause as well, but does not say which of the two came about, and sets what is given only.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def insert(row: Model, *, conflict: str = "", update: str = "", returning: str = "id") -> tuple[Any, ...] | None:
    """Insert a row and return the columns `returning`; None if one like it, in the columns `conflict`, is there.

    Without `conflict`, whatever constraint says that one like it is there: so it may be another one's turn while a
    release is deployed. With `update`, the row that is there is changed by that SQL, and its columns are returned.
    """
    fields = _fields(type(row))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_statement(type(row), conflict, update, returning), values)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


@functools.cache
def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


@functools.cache
def _statement(model: type[Model], conflict: str, update: str, returning: str) -> str:
    columns = [connection.ops.quote_name(str(field.column)) for field in _fields(model)]
    target = f"({conflict}) " if conflict else ""
    action = f"UPDATE SET {update}" if update else "NOTHING"
    # Nothing of it but names of the models and the callers' own constants.
    return (
        f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} AS kept ({', '.join(columns)}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(columns))}) ON CONFLICT {target}DO {action} RETURNING {returning}"
    )

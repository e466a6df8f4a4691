"""The value of a bridge for a column that has become one of another type."""

from __future__ import annotations

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.applying.bridges.bridge_sql import dollar_quoted, send
from auto_migrate.changes.sql.substitution import with_value
from auto_migrate.databases.present_columns import ColumnPlace

# PL/pgSQL assigns as an INSERT does: it refuses what is too long, and what a domain refuses.
TAKEN = """
DECLARE
    taken {type} := {value};
BEGIN
    IF taken IS NULL THEN
        RAISE not_null_violation;
    END IF;
END
"""


def converted(
    connection: BaseDatabaseWrapper, value: str, before: ColumnPlace, after: ColumnPlace, using: str = ""
) -> str:
    """Return a value, an expression of SQL, as the column's new type has it; empty where it has none for it.

    It is what `using` makes of the rows that are there, an expression of the column, where that can be said without
    the other columns of a row; else a plain cast. In an open transaction.
    """
    typed = f"({value})::{before.type}"
    said = (with_value(using, name, typed) if using else "" for name in (before.column, after.column))
    offered = [*(f"({expression})::{after.type}" for expression in said if expression), f"({value})::{after.type}"]
    return next((one for one in offered if is_taken(connection, after.type, one)), "")


def is_taken(connection: BaseDatabaseWrapper, type_: str, value: str) -> bool:
    """Return whether an INSERT could write a value into a column of a type that takes no NULL."""
    try:
        with atomic(using=connection.alias):
            send(connection, f"DO {dollar_quoted(TAKEN.format(type=type_, value=value))}")
    except DatabaseError:
        return False
    return True

"""What a database says of one column as it is: its default, whether it takes NULL, which foreign keys it carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclasses.dataclass(frozen=True)
class PresentColumn:
    """One column: `default` is the expression as the database shows it, empty where there is none."""

    default: str
    null: bool
    in_key: bool
    """Whether it is of the primary key, and so cannot take NULL."""


@dataclasses.dataclass(frozen=True)
class PresentForeignKey:
    """The constraint of one: its name, its column, its definition as the database shows it, and where it points to."""

    name: str
    column: str
    definition: str
    references: str


POSTGRESQL_COLUMN = """
    SELECT coalesce(pg_get_expr(adbin, adrelid), ''), NOT attnotnull, EXISTS (
        SELECT 1 FROM pg_index WHERE indrelid = attrelid AND indisprimary AND attnum = ANY (indkey)
    )
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped
"""
POSTGRESQL_KEYS = """
    SELECT conname, attname, pg_get_constraintdef(pg_constraint.oid), relname
    FROM pg_constraint
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    JOIN pg_class ON pg_class.oid = confrelid
    WHERE contype = 'f' AND conrelid = to_regclass(%s) AND conparentid = 0
    ORDER BY conname
"""
MYSQL_COLUMN = """
    SELECT column_default, is_nullable = 'YES', column_key = 'PRI'
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s
"""
MYSQL_KEYS = """
    SELECT constraint_name, column_name, '', referenced_table_name
    FROM information_schema.key_column_usage
    WHERE table_schema = DATABASE() AND table_name = %s AND referenced_table_name IS NOT NULL
    ORDER BY constraint_name
"""


def column_of(connection: BaseDatabaseWrapper, table: str, column: str) -> PresentColumn | None:
    """Return a column as it is, None where there is none of that name."""
    sql = POSTGRESQL_COLUMN if connection.vendor == "postgresql" else MYSQL_COLUMN
    for default, null, in_key in _rows(connection, sql, _name(connection, table), column):
        return PresentColumn("" if default is None else str(default), bool(null), bool(in_key))
    return None


def foreign_keys_of(connection: BaseDatabaseWrapper, table: str) -> list[PresentForeignKey]:
    """Return the foreign keys that a table carries."""
    sql = POSTGRESQL_KEYS if connection.vendor == "postgresql" else MYSQL_KEYS
    return [PresentForeignKey(*map(str, row)) for row in _rows(connection, sql, _name(connection, table))]


def _name(connection: BaseDatabaseWrapper, table: str) -> str:
    # `to_regclass` reads a name as SQL does, schema and all.
    return str(connection.ops.quote_name(table)) if connection.vendor == "postgresql" else table


def _rows(connection: BaseDatabaseWrapper, sql: str, *params: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        yield from cursor.fetchall()

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


@dataclasses.dataclass(frozen=True)
class ColumnPlace:
    """Where PostgreSQL has a column: its number in its relation stays, whatever both are called.

    `table` is as Django writes it, with its schema where it is not found without.
    """

    relation: int
    number: int
    table: str
    column: str
    type: str

    @property
    def name(self) -> tuple[str, str]:
        """The names by which it is found."""
        return self.table, self.column


PLACE = """
    SELECT attrelid, attnum,
           CASE WHEN pg_table_is_visible(attrelid) THEN relname ELSE nspname || '"."' || relname END,
           attname, format_type(atttypid, atttypmod)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE attrelid = {relation} AND {column} = %s AND NOT attisdropped
"""
POSTGRESQL_COLUMN = """
    SELECT coalesce(pg_get_expr(adbin, adrelid), CASE WHEN attidentity <> '' THEN 'IDENTITY' END, ''),
           NOT attnotnull, EXISTS (
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


def place_of(connection: BaseDatabaseWrapper, table: str, column: str) -> ColumnPlace | None:
    """Return where a column is that goes by these names, on PostgreSQL; None where there is none."""
    sql = PLACE.format(relation="to_regclass(%s)", column="attname")
    return next((ColumnPlace(*row) for row in _rows(connection, sql, _name(connection, table), column)), None)


def found_again(connection: BaseDatabaseWrapper, place: ColumnPlace) -> ColumnPlace | None:
    """Return the same column as it is now, None where it was dropped."""
    sql = PLACE.format(relation="%s", column="attnum")
    return next((ColumnPlace(*row) for row in _rows(connection, sql, place.relation, place.number)), None)


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

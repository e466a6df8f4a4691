"""What a database says of one column as it is: its default, whether it takes NULL, which foreign keys it carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
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
    """The constraint of one: its name, its columns, its definition as the database shows it, and where it points to."""

    name: str
    columns: tuple[str, ...]
    definition: str
    references: str


@dataclasses.dataclass(frozen=True)
class ColumnPlace:
    """Where PostgreSQL has a column, and what it is: its number in its relation stays, whatever both are called.

    `table` is as Django writes it, with its schema where it is not found without. `default_id` is another one as soon
    as a default is set anew, and 0 where there is none. `heirs` are the relations that have the column from this one.
    """

    relation: int
    number: int
    schema: str
    name: str
    table: str
    column: str
    type: str
    required: bool
    default_id: int
    default: str
    heirs: Sequence[int]

    @property
    def numbers(self) -> tuple[int, int]:
        """The numbers by which it is found again."""
        return self.relation, self.number


# One row a column that is asked for and there, with the number (1-based) of the question.
PLACES = """
    SELECT asked.number, attrelid, attnum, nspname, relname,
           CASE WHEN pg_table_is_visible(attrelid) THEN relname ELSE nspname || '"."' || relname END,
           attname, format_type(atttypid, atttypmod), attnotnull,
           coalesce(pg_attrdef.oid, 0),
           coalesce(pg_get_expr(adbin, adrelid), CASE WHEN attidentity <> '' THEN 'IDENTITY' END, ''),
           ARRAY(
               WITH RECURSIVE heirs (relation) AS (
                   SELECT inhrelid FROM pg_inherits WHERE inhparent = attrelid
                   UNION SELECT inhrelid FROM pg_inherits JOIN heirs ON inhparent = heirs.relation
               ) SELECT relation::bigint FROM heirs ORDER BY 1
           )
    FROM {asked}
    JOIN pg_attribute ON attrelid = asked.relation AND {column} = asked.one AND NOT attisdropped
    JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
"""
BY_NAME = """
    (SELECT number, to_regclass(name) AS relation, one
     FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS named (name, one, number)) AS asked
"""
BY_NUMBER = """
    unnest(%s::text[]::oid[], %s::text[]::int2[]) WITH ORDINALITY AS asked (relation, one, number)
"""
# Of relations by their numbers, those that are there, as SQL names them, and the default of a column of that name.
HEIRS = """
    SELECT attrelid::regclass::text, coalesce(pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = ANY (%s::text[]::oid[]) AND attname = %s AND NOT attisdropped
"""
# Partitions have the triggers of their table by themselves.
PLAIN_HEIRS = """
    WITH RECURSIVE heirs (relation) AS (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s)
        UNION SELECT inhrelid FROM pg_inherits JOIN heirs ON inhparent = heirs.relation
    )
    SELECT relation::regclass::text FROM heirs JOIN pg_class ON oid = relation WHERE NOT relispartition ORDER BY 1
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
    JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
    JOIN pg_class ON pg_class.oid = confrelid
    WHERE contype = 'f' AND conrelid = to_regclass(%s) AND conparentid = 0
    ORDER BY conname, array_position(conkey, attnum)
"""
# From PostgreSQL 18 on, NOT NULL is a constraint with a name.
POSTGRESQL_NOT_NULL = """
    SELECT conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND conkey = ARRAY[attnum]
    WHERE contype = 'n' AND conrelid = to_regclass(%s) AND attname = %s
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
    ORDER BY constraint_name, ordinal_position
"""


def column_of(connection: BaseDatabaseWrapper, table: str, column: str) -> PresentColumn | None:
    """Return a column as it is, None where there is none of that name."""
    sql = POSTGRESQL_COLUMN if connection.vendor == "postgresql" else MYSQL_COLUMN
    for default, null, in_key in _rows(connection, sql, _name(connection, table), column):
        return PresentColumn("" if default is None else str(default), bool(null), bool(in_key))
    return None


def places_of(connection: BaseDatabaseWrapper, names: Sequence[tuple[str, str]]) -> list[ColumnPlace | None]:
    """Return where columns are on PostgreSQL, each by the names of its table and its own; None where there is none."""
    tables = [_name(connection, table) for table, _column in names]
    return _places(connection, BY_NAME, "attname", tables, [column for _table, column in names])


def found_again(connection: BaseDatabaseWrapper, numbers: Sequence[tuple[int, int]]) -> list[ColumnPlace | None]:
    """Return columns as they are now, by the numbers of their relations and their own; None for what was dropped."""
    return _places(connection, BY_NUMBER, "attnum", *([str(pair[at]) for pair in numbers] for at in (0, 1)))


def plain_heirs(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """Return the tables that inherit from one and are no partitions, named in SQL."""
    return [str(name) for (name,) in _rows(connection, PLAIN_HEIRS, _name(connection, table))]


def defaults_of_heirs(connection: BaseDatabaseWrapper, relations: Iterable[int], column: str) -> list[tuple[str, str]]:
    """Return those of some relations that are there and have a column, named in SQL, each with its default there."""
    return [(table, default) for table, default in _rows(connection, HEIRS, list(map(str, relations)), column)]


def _places(
    connection: BaseDatabaseWrapper, asked: str, column: str, relations: list[str], columns: list[str]
) -> list[ColumnPlace | None]:
    found: list[ColumnPlace | None] = [None] * len(relations)
    if relations:
        for number, *place in _rows(connection, PLACES.format(asked=asked, column=column), relations, columns):
            found[number - 1] = ColumnPlace(*place)
    return found


def foreign_keys_of(connection: BaseDatabaseWrapper, table: str) -> list[PresentForeignKey]:
    """Return the foreign keys that a table carries."""
    sql = POSTGRESQL_KEYS if connection.vendor == "postgresql" else MYSQL_KEYS
    columns: dict[tuple[str, str, str], list[str]] = {}
    for name, column, definition, references in _rows(connection, sql, _name(connection, table)):
        columns.setdefault((str(name), str(definition), str(references)), []).append(str(column))
    return [
        PresentForeignKey(name, tuple(found), definition, references)
        for (name, definition, references), found in columns.items()
    ]


def name_of_not_null(connection: BaseDatabaseWrapper, table: str, column: str) -> str:
    """Return the name by which a column's NOT NULL can be dropped, empty where it has none."""
    if connection.vendor != "postgresql":
        return ""
    rows = _rows(connection, POSTGRESQL_NOT_NULL, _name(connection, table), column)
    return next((str(name) for (name,) in rows), "")


def _name(connection: BaseDatabaseWrapper, table: str) -> str:
    # `to_regclass` reads a name as SQL does, schema and all.
    return str(connection.ops.quote_name(table)) if connection.vendor == "postgresql" else table


def _rows(connection: BaseDatabaseWrapper, sql: str, *params: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        yield from cursor.fetchall()

"""Rows for empty tables, made by the server from the columns' types, so that scans have something to read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.transaction import atomic

from auto_migrate.databases.faults import first_line
from auto_migrate.rehearsal.rehearsal_events import Unfilled
from auto_migrate.rehearsal.relations import relations

TABLES = """
    SELECT class.oid, class.oid::regclass::text FROM pg_class AS class JOIN pg_namespace AS schema
      ON schema.oid = relnamespace
    WHERE schema.nspname !~ '^pg_' AND schema.nspname <> 'information_schema' AND relkind IN ('r', 'p')
      AND NOT relispartition AND relname !~ '^(django_migrations$|auto_migrate_)'
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'e')
    ORDER BY 2
"""
# A column that fills itself, by a sequence or from others, is left to do so; a foreign key of one column is named. In
# whatever order the columns of a table stand, its rows are the same.
COLUMNS = """
    SELECT attribute.attrelid, quote_ident(attribute.attname), attribute.attnotnull,
           coalesce(base.typname, type.typname), type.oid::regtype::text, coalesce(base.typtype, type.typtype)::text,
           CASE WHEN attribute.atttypmod > 4 THEN attribute.atttypmod - 4 END,
           attribute.attidentity <> '' OR attribute.attgenerated <> ''
             OR coalesce(pg_get_expr(adbin, adrelid) LIKE 'nextval(%%', false),
           key.confrelid, key.confrelid::regclass::text,
           (SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = key.confrelid AND attnum = key.confkey[1])
    FROM pg_attribute AS attribute
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    LEFT JOIN pg_type AS base ON base.oid = type.typbasetype
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    LEFT JOIN LATERAL (
      SELECT confrelid, confkey FROM pg_constraint
      WHERE contype = 'f' AND conrelid = attrelid AND conkey = ARRAY[attnum] LIMIT 1
    ) AS key ON true
    WHERE attribute.attrelid = ANY(%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attrelid, attname
"""
# From the row's number to a value of its own, by type; `{length}` is that of a text.
VALUES = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid"), "n"),
    **dict.fromkeys(("text", "varchar", "bpchar", "citext", "name"), "right(n::text, {length})"),
    "bool": "n % 2 = 0",
    "date": "date '2000-01-01' + n",
    "timestamp": "timestamp '2000-01-01' + n * interval '1 hour'",
    "timestamptz": "timestamptz '2000-01-01 00:00+00' + n * interval '1 hour'",
    "time": "time '00:00' + n * interval '1 second'",
    "interval": "n * interval '1 second'",
    "uuid": "md5(n::text)::uuid",
    **dict.fromkeys(("json", "jsonb"), "'{{}}'"),
    "bytea": "decode(md5(n::text), 'hex')",
    "inet": "inet '10.0.0.0' + n",
    "cidr": "'10.0.0.0/8'",
}
BY_KIND = {"e": "(enum_range(NULL::{type}))[1 + n % array_length(enum_range(NULL::{type}), 1)]", "r": "'empty'"}


@dataclasses.dataclass(frozen=True)
class SampleColumn:
    """One column of a table, and the key that it points to."""

    table: int
    name: str
    required: bool
    base: str
    type: str
    kind: str
    length: int | None
    fills_itself: bool
    target: int | None
    target_name: str | None
    target_key: str | None

    @property
    def value(self) -> str | None:
        """The expression over `n` that fills it, None where no rule is known."""
        if self.target:
            key, table = self.target_key, self.target_name
            keys = f"SELECT array_agg({key} ORDER BY {key}) AS keys FROM {table}"  # noqa: S608 # quoted by the server
            return f"(SELECT keys[1 + (n - 1) % cardinality(keys)] FROM ({keys}) AS target)"  # noqa: S608
        if self.base.startswith("_"):
            return "'{}'"
        template = VALUES.get(self.base) or BY_KIND.get(self.kind)
        # A text as long as the number of the row is enough.
        return template and template.format(length=self.length or 20, type=self.type)


def fill(connection: BaseDatabaseWrapper, rows: int, *, with_nulls: bool = False) -> tuple[int, tuple[Unfilled, ...]]:
    """Put rows into every empty table, those that others point to first; give how many could be, and what could not.

    `with_nulls` leaves out every fourth value that may be missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = dict(cursor.fetchall())
        cursor.execute(COLUMNS, [list(tables)])
        columns = [SampleColumn(*row) for row in cursor.fetchall()]
    unfilled = []
    for table in in_order(tables, columns):
        own = [column for column in columns if column.table == table]
        if reason := _filled(connection, tables[table], own, rows, with_nulls=with_nulls):
            unfilled.append(Unfilled(tables[table], reason))
    return len(tables) - len(unfilled), tuple(unfilled)


def filled_tables(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """Name the tables with rows, those that data migrations wrote included."""
    with connection.cursor() as cursor:
        found = [one for one in relations(cursor).values() if one.kind == "r"]
        cursor.execute("SELECT oid, oid::regclass::text FROM unnest(%s::oid[]) AS oid", [[one.oid for one in found]])
        names = dict(cursor.fetchall())
        return frozenset(one.table for one in found if _has_rows(cursor, names[one.oid]))


def _has_rows(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 # quoted by the server
    return bool(cursor.fetchone()[0])


def in_order(tables: Iterable[int], columns: Sequence[SampleColumn]) -> Iterator[int]:
    """Return the tables so that each comes after those that it points to, as far as they do not point in a circle."""
    waiting = dict.fromkeys(tables)
    while waiting:
        needs = {table: {c.target for c in columns if c.table == table and c.target != table} for table in waiting}
        free = [table for table in waiting if not needs[table] & waiting.keys()] or [next(iter(waiting))]
        for table in free:
            del waiting[table]
            yield table


def _filled(
    connection: BaseDatabaseWrapper, table: str, columns: Sequence[SampleColumn], rows: int, *, with_nulls: bool
) -> str:
    """Fill one table; give why it cannot be, nothing if it could or had rows already."""
    wanted = [column for column in columns if not column.fills_itself]
    if strange := [column.name for column in wanted if column.required and column.value is None]:
        return f"{strange[0]}: {next(c.type for c in wanted if c.name == strange[0])}"
    known = [column for column in wanted if column.value is not None]
    reason = ""
    required = [column for column in wanted if column.required]
    # A CHECK may refuse what a type allows: it may be a NULL, or any value that can be left out.
    for chosen, nulls in ((known, with_nulls), (known, False), (required, False)):
        try:
            _insert(connection, table, chosen, rows, with_nulls=nulls)
        except DatabaseError as error:
            reason = reason or first_line(error)
        else:
            return ""
    return reason


def _insert(
    connection: BaseDatabaseWrapper, table: str, columns: Sequence[SampleColumn], rows: int, *, with_nulls: bool
) -> None:
    # Without columns, rows are made of defaults alone.
    into = f"{table} ({', '.join(column.name for column in columns)})" if columns else table
    values = ", ".join(
        # Not all of them in the same row, so that each is also missing beside one that is there.
        f"CASE WHEN (n + {place}) % 4 <> 0 THEN {column.value} END"
        if with_nulls and not column.required
        else str(column.value)
        for place, column in enumerate(columns)
    )
    source = f"SELECT {values} FROM generate_series(1, {rows}) AS n WHERE NOT EXISTS (SELECT FROM {table})"  # noqa: S608
    with atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {into} {source}")
        # Foreign keys of Django's are checked at the end of the transaction; the table that fails is this one.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

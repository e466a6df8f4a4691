"""Rows that a constraint refuses, named by their keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import Error

from auto_migrate.applying.online.catalogue import Catalogue
from auto_migrate.applying.online.quoted_names import unquoted
from auto_migrate.applying.online.step import Kind, Step
from auto_migrate.databases.identifiers import quoted

# How many are named.
MOST = 10
PRIMARY_KEY = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)
    WHERE indrelid = to_regclass(%s) AND indisprimary ORDER BY array_position(indkey::int2[], attnum)
"""
# Of an index: what each of its key columns is, its condition, and whether NULLs are equal to one another.
INDEX = """
    SELECT array(SELECT pg_get_indexdef(indexrelid, position, true) FROM generate_series(1, indnkeyatts) AS position),
           pg_get_expr(indpred, indrelid),
           coalesce((to_jsonb(pg_index) ->> 'indnullsnotdistinct')::boolean, false)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = to_regclass(%s) AND relname = %s::text::name
"""
KEY = """
    SELECT array(SELECT attname FROM unnest(conkey) WITH ORDINALITY AS key(number, place)
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place),
           array(SELECT attname FROM unnest(confkey) WITH ORDINALITY AS key(number, place)
                 JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place),
           confrelid::regclass::text
    FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s::text::name AND contype = 'f'
"""


def violating_rows(catalogue: Catalogue, step: Step) -> list[str]:
    """Return up to ten keys that make a step fail, as `column=value`; none where they cannot be told."""
    finders = {Kind.LOOK: refused_rows, Kind.BUILD: duplicates, Kind.VALIDATE: orphans}
    finder = finders.get(step.kind)
    try:
        return finder(catalogue, step) if finder else []
    except Error:
        # What only explains an error must not be one.
        return []


def refused_rows(catalogue: Catalogue, step: Step) -> list[str]:
    """Return the primary keys of rows that meet the condition of a step that looks."""
    (condition,) = step.sql
    keys = [name for (name,) in catalogue.rows(PRIMARY_KEY, [step.table])]
    named = [*keys, *([] if keys else ["ctid"])]
    columns = ", ".join(map(quoted, named))
    rows = catalogue.rows_of(f"SELECT {columns} FROM {step.table} WHERE {condition} LIMIT {MOST}")  # noqa: S608
    return [told(named, row) for row in rows]


def duplicates(catalogue: Catalogue, step: Step) -> list[str]:
    """Return the values that stand more than once, as the index that could not be built has them."""
    found = catalogue.rows(INDEX, [step.table, unquoted(step.subject)])
    if not found:
        return []
    columns, condition, nulls_equal = found[0]
    chosen = ", ".join(columns)
    where = [f"({condition})"] if condition else []
    where += [] if nulls_equal else [f"{column} IS NOT NULL" for column in columns]
    filtered = f"WHERE {' AND '.join(where)}" if where else ""
    rows = catalogue.rows_of(
        f"SELECT {chosen} FROM {step.table} {filtered} GROUP BY {chosen} HAVING count(*) > 1 LIMIT {MOST}"  # noqa: S608
    )
    return [told(columns, row) for row in rows]


def orphans(catalogue: Catalogue, step: Step) -> list[str]:
    """Return the values of a foreign key that point to nothing."""
    found = catalogue.rows(KEY, [step.table, unquoted(step.subject)])
    if not found:
        return []
    own, target, table = found[0]
    chosen = ", ".join(f"own.{quoted(name)}" for name in own)
    met = " AND ".join(f"target.{quoted(there)} = own.{quoted(here)}" for here, there in zip(own, target, strict=True))
    where = " AND ".join(f"own.{quoted(name)} IS NOT NULL" for name in own)
    rows = catalogue.rows_of(
        f"SELECT DISTINCT {chosen} FROM {step.table} AS own WHERE {where}"  # noqa: S608
        f" AND NOT EXISTS (SELECT FROM {table} AS target WHERE {met}) LIMIT {MOST}"
    )
    return [told(own, row) for row in rows]


def told(names: Iterable[str], row: Iterable[Any]) -> str:
    """Write a key as people read it."""
    return ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))

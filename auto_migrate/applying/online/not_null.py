"""NOT NULL: proven by a constraint that is validated without holding anybody up, so that setting it reads no row.

Up to PostgreSQL 17 that is a CHECK, which goes again; from 18 on NOT NULL is a constraint that can itself be added for
new rows only. While that one is not valid yet, `SET NOT NULL` over it would read all rows under its lock.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.check_constraints import look, not_valid, validated
from auto_migrate.applying.online.chosen_names import free_name
from auto_migrate.applying.online.quoted_names import NAME, QUOTED, requoted, unquoted
from auto_migrate.applying.online.removals import drop_constraint
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.lock_modes import ALTER_TABLE
from auto_migrate.databases.present_columns import name_of_not_null

SET = _lazy_re_compile(rf"ALTER TABLE (?P<table>{NAME}) ALTER COLUMN (?P<column>{QUOTED}) SET NOT NULL")
FILL = _lazy_re_compile(
    rf"(?P<update>UPDATE (?P<table>{NAME}) SET (?P<column>{QUOTED}) = (?P<value>.*) WHERE (?P=column) IS NULL)"  # noqa: S608
    "(?:; SET CONSTRAINTS ALL IMMEDIATE)?",
    re.DOTALL,
)
# What the name of that CHECK begins with.
HELPER = "auto_migrate_"
# The first version that knows NOT NULL as a constraint which need not be valid.
AS_CONSTRAINT = 18


def filled(statement: str, context: StepContext) -> list[Placed] | None:
    """Read the statement that fills a column for the NOT NULL that comes after it."""
    found = FILL.fullmatch(statement)
    if found is None:
        return None
    context.fills[found["table"], found["column"]] = found["update"]
    return []


def required(statement: str, context: StepContext) -> list[Placed] | None:
    """Read `SET NOT NULL`."""
    found = SET.fullmatch(statement)
    if found is None:
        return None
    table, column = found["table"], found["column"]
    fill = context.fills.pop((table, column), "")
    if context.version >= AS_CONSTRAINT:
        steps = by_constraint(table, column, fill, context.connection)
    else:
        steps = by_check(table, column, fill)
    return [(Rank.ADDITION, step) for step in steps]


def by_check(table: str, column: str, fill: str) -> list[Step]:
    """Return the steps up to PostgreSQL 17."""
    name = helper_name(table, column)
    proven = not_valid(table, name, f"CHECK ({column} IS NOT NULL)")
    taken_over = Step(
        kind=Kind.CHANGE,
        sql=(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL", drop_constraint(table, name)),
        table=table,
        subject=column,
        lock=ALTER_TABLE,
        undo=(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL",),
    )
    return [*around(proven, table, column, fill), validated(table, name), taken_over]


def by_constraint(table: str, column: str, fill: str, connection: BaseDatabaseWrapper) -> list[Step]:
    """Return the steps from PostgreSQL 18 on, which gives the same name to what SET NOT NULL makes.

    Where somebody has made one already, valid or not, that is it; to add it once more changes nothing.
    """
    present = present_not_null(connection, table, column)
    name = present or free_name(connection, table, column, "not_null")
    proven = not_valid(table, name, f"NOT NULL {column}")
    if present:
        proven = dataclasses.replace(proven, undo=())
    return [*around(proven, table, column, fill), validated(table, name)]


def present_not_null(connection: BaseDatabaseWrapper, table: str, column: str) -> str:
    """Return the quoted name of the NOT NULL that a column has, empty where there is none."""
    if connection.connection is None:
        return ""
    name = name_of_not_null(connection, requoted(table), unquoted(column))
    return quoted(name) if name else ""


def around(proven: Step, table: str, column: str, fill: str) -> list[Step]:
    """Return the steps that refuse new NULLs, with what is done about the old ones.

    A row that holds NULL could not be updated any more, so that it is filled before, or nothing is begun. Twice: while
    all rows are gone through for the first time, the running release moves some to where nobody looks again. What it
    writes after that is filled afterwards.
    """
    if not fill:
        return [look(table, f"{column} IS NULL", column), proven]
    fills = Step(kind=Kind.FILL, sql=(fill,), table=table, subject=column)
    return [fills, fills, proven, fills]


def helper_name(table: str, column: str) -> str:
    """Name the CHECK that goes again."""
    return f'"{HELPER}{hashlib.blake2b(f"{table}.{column}".encode(), digest_size=8).hexdigest()}_not_null"'

"""NOT NULL: proven by a constraint that is validated without holding anybody up, so that setting it reads no row.

Up to PostgreSQL 17 that is a CHECK, which goes again; from 18 on NOT NULL is a constraint that can itself be added for
new rows only. While that one is not valid yet, `SET NOT NULL` over it would read all rows under its lock.
"""

from __future__ import annotations

import hashlib
import re

from auto_migrate.applying.online.check_constraints import look, not_valid, validated
from auto_migrate.applying.online.quoted_names import NAME, QUOTED, chosen_name
from auto_migrate.applying.online.removals import drop_constraint
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import ALTER_TABLE

SET = re.compile(rf"ALTER TABLE (?P<table>{NAME}) ALTER COLUMN (?P<column>{QUOTED}) SET NOT NULL")
FILL = re.compile(
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
    proven = by_constraint if context.version >= AS_CONSTRAINT else by_check
    return [(Rank.ADDITION, step) for step in proven(table, column, fill)]


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


def by_constraint(table: str, column: str, fill: str) -> list[Step]:
    """Return the steps from PostgreSQL 18 on, which gives the same name to what SET NOT NULL makes."""
    name = chosen_name(table, column, "not_null")
    proven = not_valid(table, name, f"NOT NULL {column}")
    return [*around(proven, table, column, fill), validated(table, name)]


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

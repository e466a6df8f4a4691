"""CHECK constraints: added for new rows in an instant, and then validated."""

from __future__ import annotations

import re

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.removals import drop_constraint
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import ALTER_TABLE, VALIDATE_CONSTRAINT

ADD = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) ADD CONSTRAINT (?P<name>{QUOTED}) CHECK \((?P<condition>.*)\)", re.DOTALL
)


def added(statement: str, _context: StepContext) -> list[Placed] | None:
    """Read `ADD CONSTRAINT … CHECK`."""
    found = ADD.fullmatch(statement)
    if found is None:
        return None
    return [(Rank.ADDITION, step) for step in checked(found["table"], found["name"], found["condition"])]


def checked(table: str, name: str, condition: str) -> list[Step]:
    """Return the steps that add a CHECK constraint; rows that it would refuse end them before anybody meets it."""
    return [
        look(table, f"({condition}) IS FALSE"),
        not_valid(table, name, f"CHECK ({condition})"),
        validated(table, name),
    ]


def look(table: str, condition: str, subject: str = "") -> Step:
    """Return the step that looks for rows which meet a condition and shall not."""
    return Step(kind=Kind.LOOK, sql=(condition,), table=table, subject=subject)


def not_valid(table: str, name: str, definition: str) -> Step:
    """Return the step that adds a constraint for new rows only."""
    return Step(
        kind=Kind.CHANGE,
        sql=(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID",),
        table=table,
        subject=name,
        lock=ALTER_TABLE,
        undo=(drop_constraint(table, name),),
    )


def validated(table: str, name: str) -> Step:
    """Return the step that holds old rows to a constraint."""
    return Step(
        kind=Kind.VALIDATE,
        sql=(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",),
        table=table,
        subject=name,
        lock=VALIDATE_CONSTRAINT,
    )

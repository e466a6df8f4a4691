"""Foreign keys: added for new rows in an instant on both tables, and then validated."""

from __future__ import annotations

import dataclasses

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.check_constraints import not_valid, validated
from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.step import Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import ADD_FOREIGN_KEY

COLUMNS = rf"\({QUOTED}(?:, {QUOTED})*\)"
ADD = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) ADD CONSTRAINT (?P<name>{QUOTED}) "
    rf"(?P<definition>FOREIGN KEY (?P<columns>{COLUMNS}) REFERENCES (?P<target>{NAME}) ?(?P<keys>{COLUMNS})"
    # One that somebody does not want to hold old rows is left so.
    r"(?P<how>(?:(?! NOT (?:VALID|ENFORCED)\b)[A-Z ])*))"
)


def added(statement: str, _context: StepContext) -> list[Placed] | None:
    """Read `ADD CONSTRAINT … FOREIGN KEY`."""
    found = ADD.fullmatch(statement)
    if found is None:
        return None
    steps = looked_up(found["table"], found["name"], found["definition"].rstrip(), found["target"])
    return [(Rank.ADDITION, step) for step in steps]


def looked_up(table: str, name: str, definition: str, target: str) -> list[Step]:
    """Return the steps that add a foreign key and look all rows up."""
    others = (target,) if target != table else ()
    key = dataclasses.replace(not_valid(table, name, definition), lock=ADD_FOREIGN_KEY, others=others)
    return [key, validated(table, name)]

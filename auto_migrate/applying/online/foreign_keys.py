"""Foreign keys: added for new rows in an instant on both tables, and then validated."""

from __future__ import annotations

import dataclasses
import re

from auto_migrate.applying.online.check_constraints import not_valid, validated
from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.step import Placed, Rank
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import ADD_FOREIGN_KEY

COLUMNS = rf"\({QUOTED}(?:, {QUOTED})*\)"
ADD = re.compile(
    rf"ALTER TABLE (?P<table>{NAME}) ADD CONSTRAINT (?P<name>{QUOTED}) "
    rf"(?P<definition>FOREIGN KEY {COLUMNS} REFERENCES (?P<target>{NAME}) ?{COLUMNS}[A-Z ]*)"
)


def added(statement: str, _context: StepContext) -> list[Placed] | None:
    """Read `ADD CONSTRAINT … FOREIGN KEY`."""
    found = ADD.fullmatch(statement)
    if found is None:
        return None
    key = not_valid(found["table"], found["name"], found["definition"].rstrip())
    others = (found["target"],) if found["target"] != found["table"] else ()
    key = dataclasses.replace(key, lock=ADD_FOREIGN_KEY, others=others)
    return [(Rank.ADDITION, key), (Rank.ADDITION, validated(found["table"], found["name"]))]

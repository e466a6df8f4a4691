"""Unique constraints: the index is built concurrently, and the constraint takes it over in an instant."""

from __future__ import annotations

import re

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.index_steps import build
from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.removals import drop_constraint
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import ALTER_TABLE

ADD = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) ADD CONSTRAINT (?P<name>{QUOTED}) UNIQUE"
    r"(?P<nulls> NULLS NOT DISTINCT)? ?(?P<columns>\(.*?\))(?P<include> INCLUDE \(.*?\))?"
    rf"(?: USING INDEX(?P<tablespace> TABLESPACE {QUOTED}))?"
    r"(?P<deferrable> DEFERRABLE INITIALLY (?:DEFERRED|IMMEDIATE))?",
    re.DOTALL,
)


def added(statement: str, _context: StepContext) -> list[Placed] | None:
    """Read `ADD CONSTRAINT … UNIQUE`."""
    found = ADD.fullmatch(statement)
    if found is None:
        return None
    table, name = found["table"], found["name"]
    rest = "".join(f" {part.strip()}" for part in found.group("columns", "include", "nulls", "tablespace") if part)
    takes_over = Step(
        kind=Kind.CHANGE,
        sql=(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{found['deferrable'] or ''}",),
        table=table,
        subject=name,
        lock=ALTER_TABLE,
        # The index goes with it, so that what builds it finds nothing more to take back.
        undo=(drop_constraint(table, name),),
    )
    return [(Rank.ADDITION, build(table, name, rest, unique=True)), (Rank.ADDITION, takes_over)]

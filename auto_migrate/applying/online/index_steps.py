"""Indexes: built and dropped concurrently."""

from __future__ import annotations

import re

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import INDEX_CONCURRENTLY

CREATE = _lazy_re_compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX (?P<name>{QUOTED}) ON (?P<table>{NAME})(?P<rest>[ (].*)", re.DOTALL
)
DROP = _lazy_re_compile(rf"DROP INDEX IF EXISTS (?P<name>{QUOTED})")


def created(statement: str, _context: StepContext) -> list[Placed] | None:
    """Read `CREATE INDEX`."""
    found = CREATE.fullmatch(statement)
    if found is None:
        return None
    step = build(found["table"], found["name"], found["rest"], unique=bool(found["unique"]))
    return [(Rank.ADDITION if found["unique"] else Rank.INDEX, step)]


def build(table: str, name: str, rest: str, *, unique: bool) -> Step:
    """Return the step that builds an index; `rest` is what stands behind the table."""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return Step(
        kind=Kind.BUILD,
        sql=(f"CREATE {kind} CONCURRENTLY {name} ON {table}{rest}",),
        table=table,
        subject=name,
        lock=INDEX_CONCURRENTLY,
        undo=(drop(name),),
    )


def drop(name: str) -> str:
    """Return the statement that drops an index and holds nobody up."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}"


def dropped(statement: str, context: StepContext) -> list[Placed] | None:
    """Read `DROP INDEX`, which does not say whose index it is."""
    found = DROP.fullmatch(statement)
    tables = {change.table for change in context.changes}
    if found is None or len(tables) != 1 or "" in tables:
        return None
    (table,) = tables
    step = Step(
        kind=Kind.DROP,
        sql=(drop(found["name"]),),
        table=context.connection.ops.quote_name(table),
        subject=found["name"],
        lock=INDEX_CONCURRENTLY,
    )
    return [(Rank.REMOVAL, step)]

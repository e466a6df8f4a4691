"""What goes: constraints each by itself, then columns and tables, in an instant each."""

from __future__ import annotations

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import StepContext
from auto_migrate.databases.lock_modes import ALTER_TABLE

CONSTRAINT = _lazy_re_compile(
    rf"(?:SET CONSTRAINTS {NAME} IMMEDIATE; )?ALTER TABLE (?P<table>{NAME}) DROP CONSTRAINT (?P<name>{QUOTED})"
)
# Up to 5.2, Django says CASCADE.
COLUMN = _lazy_re_compile(rf"ALTER TABLE (?P<table>{NAME}) DROP COLUMN (?P<name>{QUOTED})(?: CASCADE)?")
TABLE = _lazy_re_compile(rf"DROP TABLE (?P<table>{NAME}) CASCADE")


def drop_constraint(table: str, name: str) -> str:
    """Return the statement that drops a constraint, if it is there."""
    return f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"


def removed(statement: str, _context: StepContext) -> list[Placed] | None:
    """Read what drops a constraint, a column or a table."""
    for pattern in (CONSTRAINT, COLUMN, TABLE):
        if found := pattern.fullmatch(statement):
            named = found.groupdict()
            step = Step(
                kind=Kind.CHANGE,
                sql=(statement,),
                table=named["table"],
                subject=named.get("name", ""),
                lock=ALTER_TABLE,
            )
            return [(Rank.REMOVAL, step)]
    return None

"""Columns: added, or changed in what touches no row."""

from __future__ import annotations

import re

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online.quoted_names import NAME, QUOTED, requoted, unquoted
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import NotOnline, StepContext
from auto_migrate.changes.change import Default
from auto_migrate.databases.lock_modes import ALTER_TABLE, COMMENT
from auto_migrate.databases.present_columns import column_of

ADD = _lazy_re_compile(rf"ALTER TABLE (?P<table>{NAME}) ADD COLUMN (?P<column>{QUOTED}) .*", re.DOTALL)
ALTER = _lazy_re_compile(
    rf"ALTER TABLE (?P<table>{NAME}) ALTER COLUMN (?P<column>{QUOTED}) "
    r"(?P<what>DROP NOT NULL|DROP DEFAULT|SET DEFAULT|TYPE)\b.*",
    re.DOTALL,
)
REMARK = _lazy_re_compile(
    rf"COMMENT ON (?:COLUMN (?P<table>{NAME})\.{QUOTED}|TABLE (?P<whole>{NAME})) IS .*", re.DOTALL
)


def added(statement: str, context: StepContext) -> list[Placed] | None:
    """Read `ADD COLUMN`, from which the collector has taken what reads or writes rows."""
    found = ADD.fullmatch(statement)
    if found is None:
        return None
    if any(change.primary_key or change.default is Default.GENERATED for change in context.added_columns):
        raise NotOnline
    if any(change.constrained_domain or auto_numbered(change) for change in context.added_columns):
        raise NotOnline
    undo = f"ALTER TABLE {found['table']} DROP COLUMN IF EXISTS {found['column']}"
    return [(Rank.COLUMN, changed(statement, found, undo=undo))]


def auto_numbered(change: object) -> bool:
    """Return whether the database numbers the rows of a new column."""
    definition = getattr(change, "definition", None)
    volatile = getattr(change, "default", None) is Default.VOLATILE
    return volatile and not (definition is not None and definition.has_db_default())


def altered(statement: str, context: StepContext) -> list[Placed] | None:
    """Read `ALTER COLUMN`, as far as it is an instant."""
    found = ALTER.fullmatch(statement)
    if found is None:
        return None
    if found["what"] == "TYPE" and not context.keeps_rows:
        raise NotOnline
    # With the column itself, so that nobody ever sees it in between.
    rank = Rank.COLUMN if context.added_columns else Rank.CHANGE
    if found["what"] != "SET DEFAULT" or context.added_columns or context.changes_type:
        return [(rank, changed(statement, found))]
    # Before a NOT NULL that comes along: whoever leaves the column out needs a value as soon as that is there.
    return [(Rank.COLUMN, changed(statement, found, undo=default_as_it_is(found, context)))]


def default_as_it_is(found: re.Match[str], context: StepContext) -> str:
    """Return the statement that gives a column the default that it has."""
    table, column = found["table"], found["column"]
    connection, default = context.connection, ""
    if connection.connection is not None and (present := column_of(connection, requoted(table), unquoted(column))):
        default = present.default
    return f"ALTER TABLE {table} ALTER COLUMN {column} " + (f"SET DEFAULT {default}" if default else "DROP DEFAULT")


def remarked(statement: str, context: StepContext) -> list[Placed] | None:
    """Read `COMMENT ON`."""
    found = REMARK.fullmatch(statement)
    if found is None:
        return None
    table = found["table"] or found["whole"]
    rank = Rank.COLUMN if context.added_columns else Rank.CHANGE
    return [(rank, Step(kind=Kind.CHANGE, sql=(statement,), table=table, lock=COMMENT))]


def changed(statement: str, found: re.Match[str], *, undo: str = "") -> Step:
    """Return the step that changes a column in an instant."""
    return Step(
        kind=Kind.CHANGE,
        sql=(statement,),
        table=found["table"],
        subject=found["column"],
        lock=ALTER_TABLE,
        undo=(undo,) if undo else (),
    )

"""A rehearsal as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from auto_migrate.events import Context, Event
from auto_migrate.numerals import numeral
from auto_migrate.redaction import printable_fields
from auto_migrate.rehearsal.rehearsal_events import (
    BaseApplied,
    FoundationsMissing,
    LeftoversFound,
    PhaseProposed,
    RehearsalFinished,
    RehearsalStarted,
    RuleContradicted,
    StatementLeftOut,
    StatementObserved,
    StatementRefused,
    StatementsChecked,
    StepsNotRehearsed,
    TablesFilled,
)
from auto_migrate.reporting.console import Console
from auto_migrate.workload.impact import calls, elided, roles
from auto_migrate.workload.statement import RecordedStatement

WIDTH = 110
# How many of the statements that could not be checked are shown.
UNCHECKED = 5
# Locks that no statement of a running service waits for.
QUIET = frozenset({"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"})


class RehearsalConsole(Console):
    """Tells what happens in a rehearsal, beside what happens in any run."""

    def __call__(self, event: Event, context: Context) -> None:
        super().__call__(event, context)
        event = printable_fields(event, lines=True)
        if self.verbosity < 1:
            return
        if isinstance(event, BaseApplied) and self.stdout.is_terminal:
            # Each time in the place of the one before.
            self.unfinished = f"  {event.index}/{event.total}"
            self.stdout.write(f"\r{self.unfinished}", ending="")
        elif type(event) in LINES:
            with override(self.language):
                self.lines(LINES[type(event)](event))


def leftover_lines(event: LeftoversFound) -> Iterator[str]:
    """Return what killed rehearsals left."""
    for name in event.dropped:
        yield _("🧹 Dropped what a killed rehearsal left: {name}").format(name=name)
    for name in event.unmarked:
        text = _("⚠️  {name} bears no mark of a rehearsal. If nobody needs it: DROP DATABASE {name}")
        yield text.format(name=name)


def start_lines(event: RehearsalStarted) -> Iterator[str]:
    """Return where it takes place, and what may reach the world outside."""
    text = _("🎭 Rehearsing in {scratch}; migrations: {pending}, applied there before: {base}")
    yield text.format(pending=len(event.migrations), scratch=event.scratch, base=event.base)
    if event.python:
        names = ", ".join(map(str, event.python))
        text = _("⚠️  Python of these migrations runs, and may call out (mail, HTTP), unless --skip-python: {names}")
        yield text.format(names=names)


def statement_lines(event: StatementObserved) -> Iterator[str]:
    """Return a statement and under it what it took, if that is anything to speak of."""
    took = list(taken(event))
    if not took:
        return
    times = f" ({event.times}x)" if event.times > 1 else ""
    yield f"    {shorten(event.statement, WIDTH, placeholder=' …')}{times}"
    yield f"      {'; '.join(took)}; {numeral(event.duration, '.3f')}s"


def taken(event: StatementObserved) -> Iterator[str]:
    """Say what a statement took from each table."""
    for lock in event.locks:
        if lock.mode not in QUIET and not lock.index:
            yield _("{mode} on {table}").format(mode=lock.mode, table=lock.table)
    for table in event.rewrites:
        yield _("rewrites {table}").format(table=table)
    for index in event.rebuilds:
        yield _("rebuilds {index}").format(index=index)
    for scan in event.scans:
        yield _("reads all of {table} (rows: {rows})").format(table=scan.table, rows=scan.rows)


def missing_lines(event: FoundationsMissing) -> Iterator[str]:
    """Return what the scratch database has to do without."""
    text = _("⚠️  The role cannot make in the scratch database what the real one has: {names}")
    yield text.format(names=", ".join(event.names))


def filled_lines(event: TablesFilled) -> Iterator[str]:
    """Return how many tables have rows, and which have none for what reason."""
    yield _("🌱 Tables filled: {tables}; rows in each: {rows}").format(rows=event.rows, tables=event.tables)
    yield from (f"    {table.table}: {table.reason}" for table in event.unfilled)


def left_out_lines(event: StatementLeftOut) -> Iterator[str]:
    """Return a statement that was not sent."""
    text = _("  ⚠️  Left out, since it changes more than this database: {statement}")
    yield text.format(statement=shorten(event.statement, WIDTH, placeholder=" …"))


def contradiction_lines(event: RuleContradicted) -> Iterator[str]:
    """Return that the rules and the rehearsal disagree."""
    text = _("  ⚠️  {migration}:{operation}, {table}: the rules say {rule}, the rehearsal saw {observed}")
    yield text.format(**event.as_dict())


def steps_lines(event: StepsNotRehearsed) -> Iterator[str]:
    """Return that the release step goes another way."""
    text = _(
        "  · {migration}:{operation}: rehearsed as it is written; the release step does it online, in {steps} steps"
    )
    yield text.format(**event.as_dict())


def refused_lines(event: StatementRefused) -> Iterator[str]:
    """Return a statement that the running release could not send any more, and what stands against it."""
    place = f"{event.table}.{event.column}" if event.column else event.table
    text = (
        _("  ❌ {migration}, {place}: the running release could not go on: {reason}")
        if event.certain
        else _("  ⚠️  {migration}, {place}: the running release may not be able to go on: {reason}")
    )
    yield text.format(migration=event.migration, place=place or "?", reason=event.reason)
    statement = RecordedStatement(event.statement, event.calls, event.roles)
    told = ", ".join(filter(None, (calls(statement), roles(statement))))
    yield f"       {elided(event.statement, WIDTH)}{f' ({told})' if told else ''}"


def checked_lines(event: StatementsChecked) -> Iterator[str]:
    """Return how many statements were looked at, and why some could not be."""
    text = _("🔎 Statements of the running release ({source}): {statements}; that could not go on: {refused}")
    yield text.format(source=event.source, statements=event.statements, refused=event.refused)
    if event.unchecked:
        yield _("⚠️  Not checked, since they cannot be planned before the plan either: {count}").format(
            count=len(event.unchecked)
        )
        yield from (f"    {elided(one.statement, WIDTH)}: {one.reason}" for one in event.unchecked[:UNCHECKED])


def proposal_lines(event: PhaseProposed) -> Iterator[str]:
    """Return which migration belongs after the deploy."""
    text = _('👉 {migration} belongs after the running release: phase = "{phase}"')
    yield text.format(migration=event.migration, phase=event.phase)


def finish_lines(event: RehearsalFinished) -> Iterator[str]:
    """Return the end."""
    text = _("✅ Rehearsed in {duration}s; migrations: {migrations}, statements: {statements}")
    yield text.format(**event.as_dict() | {"duration": numeral(event.duration, ".1f")})


LINES: dict[type[Event], Callable[[Any], Iterator[str]]] = {
    LeftoversFound: leftover_lines,
    RehearsalStarted: start_lines,
    FoundationsMissing: missing_lines,
    TablesFilled: filled_lines,
    StatementLeftOut: left_out_lines,
    StatementObserved: statement_lines,
    RuleContradicted: contradiction_lines,
    StepsNotRehearsed: steps_lines,
    StatementRefused: refused_lines,
    StatementsChecked: checked_lines,
    PhaseProposed: proposal_lines,
    RehearsalFinished: finish_lines,
}

"""How far an operation is that takes its time, in one line each."""

from __future__ import annotations

from functools import singledispatch

from django.utils.translation import gettext as _

from auto_migrate.backfill_events import BackfillProgressed
from auto_migrate.events import IndexProgressed, OnlineStepStarted, RowsFilled, TableCopied

Progress = OnlineStepStarted | IndexProgressed | RowsFilled | TableCopied | BackfillProgressed


@singledispatch
def operation_line(event: Progress) -> str:
    """Return what people are told of the progress of one operation."""
    raise NotImplementedError(event)


@operation_line.register
def _online_step_started(event: OnlineStepStarted) -> str:
    text = _("  · operation {operation}, step {step} of {steps}: {name} on {table}")
    return text.format(**{name: getattr(event, name) for name in ("operation", "step", "steps", "name", "table")})


@operation_line.register
def _index_progressed(event: IndexProgressed) -> str:
    percent = "" if event.percent is None else f", {event.percent:.0f} %"
    text = _("  ⏳ An index on {table} is being built: {phase}{percent} ({waited:.0f}s)")
    return text.format(table=event.table, phase=event.phase, percent=percent, waited=event.waited)


@operation_line.register
def _rows_filled(event: RowsFilled) -> str:
    waits = ", " + _("waits: {reason}").format(reason=event.held_by) if event.held_by else ""
    text = _("  ⏳ {table} is being filled: {percent:.0f} %{waits}")
    return text.format(table=event.table, percent=event.percent, waits=waits)


@operation_line.register
def _table_copied(event: TableCopied) -> str:
    text = _("  · operation {operation} has copied {table} while writes waited; the server knew no other way: {reason}")
    return text.format(operation=event.operation, table=event.table, reason=event.reason)


@operation_line.register
def _backfill_progressed(event: BackfillProgressed) -> str:
    # Most deploys have none.
    from auto_migrate.backfills.progress import described

    return f"  ⏳ {described(event)}"

"""How far backfills are, as events and in words."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from auto_migrate.backfill_events import BackfillProgressed
from auto_migrate.duration_words import rough_duration
from auto_migrate.fleet_events import first_names
from auto_migrate.history.models import BackfillRecord
from auto_migrate.numerals import numeral
from auto_migrate.values import BackfillState, jsonable

# How many names are told of many schemas.
MOST = 5
STATES = {
    BackfillState.SUCCEEDED: gettext_noop("done"),
    BackfillState.PAUSED: gettext_noop("paused until manage.py backfills resume {backfill}"),
    BackfillState.CANCELLED: gettext_noop("cancelled"),
    BackfillState.FAILED: gettext_noop("failed: {error}"),
}


def progress_of(record: BackfillRecord, *, left: float | None = None) -> BackfillProgressed:
    """Return how far a backfill is, as an event; `left` are the seconds that it will take, if that is known better."""
    return BackfillProgressed(
        record.key,
        str(record.state),
        record.done,
        record.total,
        record.left if left is None else left,
        record.held_by,
        record.error or "",
    )


def together(records: Iterable[BackfillRecord]) -> list[BackfillProgressed]:
    """Return how far several are, with what is alike in the schemas of tenants in one event."""
    return list(map(sum_of, grouped(records)))


def grouped(records: Iterable[BackfillRecord]) -> list[list[BackfillRecord]]:
    """Put together what is alike but for its schema and for how far it is there."""
    found: dict[tuple[object, ...], list[BackfillRecord]] = {}
    for record in records:
        alike = (record.key, bool(record.schema), record.state, record.held_by, record.error)
        found.setdefault(alike, []).append(record)
    return list(found.values())


def sum_of(records: Sequence[BackfillRecord]) -> BackfillProgressed:
    """Return how far those of one name are that are alike but for their schemas."""
    totals, lefts = [record.total for record in records], [record.left for record in records]
    known = [total for total in totals if total is not None]
    left = [seconds for seconds in lefts if seconds is not None]
    return dataclasses.replace(
        progress_of(records[0]),
        done=sum(record.done for record in records),
        total=sum(known) if len(known) == len(totals) else None,
        left=sum(left) if len(left) == len(lefts) else None,
        schemas=tuple(sorted(record.schema for record in records if record.schema)),
    )


def states_of(records: Iterable[BackfillRecord]) -> str:
    """Return the states that some are in, in words of the table."""
    return ", ".join(dict.fromkeys(str(record.state) for record in records))


def record_of(record: BackfillRecord, database: str) -> dict[str, Any]:
    """Return a backfill as what JSON knows."""
    return {
        "name": record.name,
        "app_label": record.app_label,
        "database": database,
        **({"schema": record.schema} if record.schema else {}),
        "state": record.state,
        "background": record.background,
        "backwards": record.backwards,
        "done": record.done,
        "total": record.total,
        "left": None if record.left is None else round(record.left, 1),
        "cursor": None if record.cursor is None else json.loads(record.cursor),
        "batch_rows": record.batch_rows,
        "held_by": record.held_by,
        "error": record.error or "",
        "requested_at": jsonable(record.requested_at),
        "started_at": jsonable(record.started_at),
        "updated_at": jsonable(record.updated_at),
        "finished_at": jsonable(record.finished_at),
    }


def described(event: BackfillProgressed) -> str:
    """Say how far a backfill is: `shop.order_total: 3.2M/10M rows, 40 s left`, and of which schemas it is so."""
    parts = []
    if event.total is not None:
        parts.append(_("{done}/{total} rows").format(done=short(event.done), total=short(max(event.done, event.total))))
    parts.append(time_left_words(event))
    if event.held_by:
        parts.append(_("waits: {reason}").format(reason=event.held_by))
    told, count = f"{event.backfill}: {', '.join(filter(None, parts))}", len(event.schemas)
    if not count:
        return told
    text = ngettext("{backfill}, in {count} schema: {names}", "{backfill}, in {count} schemas: {names}", count)
    return text.format(backfill=told, count=numeral(count), names=first_names(event.schemas, MOST))


def time_left_words(event: BackfillProgressed) -> str:
    """Say how long it will take, or why nobody can tell."""
    if event.state in STATES:
        return _(STATES[BackfillState(event.state)]).format(error=event.error, backfill=event.backfill)
    if event.left is not None:
        return _("{duration} left").format(duration=rough_duration(event.left))
    return _("not begun") if event.state == BackfillState.PENDING else ""


def short(count: int) -> str:
    """Write a number in a few signs: 950, 12.3k, 3.2M."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size * 10 or (count >= size and unit != "k"):
            return numeral(round(count / size, 1), "g") + unit
    return str(count)

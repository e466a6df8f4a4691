"""What is told of one run beside its steps, and what operators want of it; kept in `auto_migrate_event`.

It is a log and a mailbox: a wish is written down by whoever has it, in any process, and the run reads it there.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.utils import timezone

from auto_migrate.databases.savepoint import savepoint
from auto_migrate.history.models import EventRecord, ensure_tables, have_tables
from auto_migrate.history.store import storable


class Wish(enum.StrEnum):
    """What an operator may want of a run."""

    STOP = "stop_asked"
    """That it ends at the next safe place, as at SIGTERM."""
    RETRY = "retry_asked"
    """That it does not wait any longer with its next attempt."""


# What an operator has done for a run, which it need not read.
BLOCKER_ENDED = "blocker_ended"
# How long the run was to take: see auto_migrate.findings.Forecast.
FORESEEN = "plan_foreseen"


class RunLog:
    """The log of one run on one database."""

    def __init__(self, database: str, run_id: uuid.UUID) -> None:
        self.database = database
        self.run_id = run_id

    def entries(self) -> list[EventRecord]:
        """Return what was told, in its order; nothing where no run of this version has made the table."""
        try:
            with savepoint(self.database):
                return list(self._entries())
        except DatabaseError:
            if have_tables(connections[self.database], EventRecord):
                raise
            return []

    def add(self, kind: str, *, by: str = "", detail: Mapping[str, Any] | None = None) -> EventRecord:
        """Write down what an operator wants or has done; make the table first if it is not there."""
        ensure_tables(connections[self.database])
        return self.note(kind, detail, by=by)

    def note(self, kind: str, detail: Mapping[str, Any] | None, *, by: str = "") -> EventRecord:
        """Write something down where the table is known to be there."""
        entry = EventRecord(
            run_id=self.run_id, kind=kind, at=timezone.now(), by=by[:150], detail=storable_detail(detail)
        )
        entry.save(using=self.database, force_insert=True)
        return entry

    def has_wish(self, wish: Wish) -> bool:
        """Return whether somebody wants something of the run already."""
        return any(entry.kind == wish for entry in self.entries())

    def wishes(self, *, after: int) -> list[tuple[int, Wish]]:
        """Return what operators want of the run and have said since, with the number to go on from."""
        asked = self._entries().filter(pk__gt=after, kind__in=list(Wish)).order_by("pk")
        return [(number, Wish(kind)) for number, kind in asked.values_list("pk", "kind")]

    def _entries(self) -> QuerySet[EventRecord]:
        return EventRecord.objects.using(self.database).filter(run_id=self.run_id)


def storable_detail(detail: Mapping[str, Any] | None) -> Any:
    """Return what is told as it may be stored: without secrets, and without signs that a database refuses."""
    return None if detail is None else _storable(dict(detail))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {key: _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list | tuple) else value

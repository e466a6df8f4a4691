"""What migrations have taken on one database, and what was foreseen of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import DatabaseError
from django.db.models import Avg

from auto_migrate.databases.savepoint import savepoint
from auto_migrate.history.models import EventRecord, StepRecord
from auto_migrate.history.run_log import FORESEEN
from auto_migrate.values import MigrationKey, StepStatus

# How many runs are learned from, the newest first, and from which foreseen duration on: below it, all is overhead.
LEARNED_FROM = 20
WORTH_LEARNING = 0.05
# A pace is never believed to be further from what was measured elsewhere than this.
FURTHEST = 20.0


def durations(database: str, keys: Collection[MigrationKey]) -> dict[MigrationKey, float]:
    """Return the seconds that these migrations took when this database had them before, on average."""
    names = {key.name for key in keys}
    timed = StepRecord.objects.using(database).filter(
        status=StepStatus.APPLIED, duration__isnull=False, backwards=False, name__in=names
    )
    rows = timed.order_by().values_list("app_label", "name").annotate(Avg("duration"))
    found = {MigrationKey(app_label, name): seconds for app_label, name, seconds in _asked(database, rows)}
    return {key: found[key] for key in keys if key in found}


def pace(database: str) -> float | None:
    """Return how much longer than by the sizes of its tables this database takes; None where nothing was learned."""
    # Whoever reads the URLconf gets here, and Python's statistics bring fractions and decimals along.
    import statistics

    told = EventRecord.objects.using(database).filter(kind=FORESEEN).order_by("-pk").values_list("run_id", "detail")
    foreseen = dict(_asked(database, told[:LEARNED_FROM]))
    timed = StepRecord.objects.using(database).filter(run__in=list(foreseen), status=StepStatus.APPLIED, schema_name="")
    rows = timed.order_by().values_list("run_id", "app_label", "name", "duration")
    took = {(run, f"{app_label}.{name}"): seconds for run, app_label, name, seconds in _asked(database, rows)}
    ratios = [
        took[run, one["migration"]] / one["by_sizes"]
        for run, detail in foreseen.items()
        for one in detail["migrations"]
        if (one["by_sizes"] or 0) >= WORTH_LEARNING and took.get((run, one["migration"]))
    ]
    return min(max(statistics.median(ratios), 1 / FURTHEST), FURTHEST) if ratios else None


def _asked(database: str, rows: Iterable[Any]) -> list[Any]:
    """Return the rows; none where an older version of this app made the tables, or none has yet."""
    try:
        with savepoint(database):
            return list(rows)
    except DatabaseError:
        return []

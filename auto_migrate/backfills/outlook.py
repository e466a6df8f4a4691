"""What of a plan has to wait for backfills that are not finished, told before anything of it is applied."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.migrations.graph import MigrationGraph
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.backfills.declared import declared, is_backfill, within
from auto_migrate.backfills.foreground import cancelled
from auto_migrate.backfills.progress import described, progress_of
from auto_migrate.backfills.records import Backfills
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.duration_words import rough_duration
from auto_migrate.exceptions import BackfillUnfinished, UsageError
from auto_migrate.history.models import BackfillRecord
from auto_migrate.values import BackfillKey, BackfillState

# What is taken for the pace of a backfill that has not begun, in rows a second: a slow one.
UNKNOWN_PACE = 2_000


def refuse_unfinished(database: Database, plan: Sequence[tuple[Migration, bool]], graph: MigrationGraph) -> None:
    """Raise `BackfillUnfinished` if the plan finishes a backfill that takes longer than a release step waits.

    One that the plan itself begins takes as long as it takes: nobody else could carry it out before.
    """
    begun = set[BackfillKey]()
    for migration, backwards in plan:
        if backwards or not any(map(is_in_batches, migration.operations)):
            continue
        for operation in within(migration.operations):
            key = getattr(operation, "key", None)
            if not isinstance(key, BackfillKey):
                continue
            if hasattr(operation, "task"):
                refuse_namesakes(graph, key)
                begun.add(key)
            elif key not in begun and (record := Backfills(database.alias).get(key)) is not None:
                _check(database, record)


def refuse_namesakes(graph: MigrationGraph, key: BackfillKey) -> None:
    """Raise `UsageError` if two backfills have one name: the second would count as done when the first is."""
    places = sorted(
        str(migration)
        for migration in filter(None, graph.nodes.values())
        for operation in within(migration.operations)
        if is_backfill(operation, key)
    )
    if len(places) > 1:
        raise UsageError(
            _("Two backfills are called {backfill}: {places}.").format(backfill=key, places=", ".join(places)),
            hint=_("Give the newer one another name."),
        )


def _check(database: Database, record: BackfillRecord) -> None:
    if record.state == BackfillState.SUCCEEDED:
        return
    if record.state == BackfillState.CANCELLED:
        raise cancelled(record.key)
    if record.state in {BackfillState.PAUSED, BackfillState.FAILED}:
        raise BackfillUnfinished(
            _("The plan needs a backfill that does not go on by itself: {progress}.").format(
                progress=described(progress_of(record))
            ),
            hint=_("Let it go on: manage.py backfills resume {backfill}").format(backfill=record.key),
        )
    left = seconds_left(database, record)
    if left > get_settings().BACKFILL_FINISH:
        raise BackfillUnfinished(
            _("The plan needs a backfill that will take another {duration}: {progress}.").format(
                duration=rough_duration(left), progress=described(progress_of(record))
            ),
            hint=_("Nothing was changed. Let it finish, then deploy again: manage.py backfills run"),
        )


def seconds_left(database: Database, record: BackfillRecord) -> float:
    """Return how long a backfill will take, by its own pace or, where it has none yet, by the size of its table."""
    if record.left is not None:
        return record.left
    rows = record.total
    if rows is None:
        table = declared(database.connection, record.key).task().table.name
        limit = round(get_settings().BACKFILL_FINISH * UNKNOWN_PACE)
        found = database.statistics.of_tables([table], limit).get(table) if database.statistics is not None else None
        rows = found.rows if found is not None else 0
    return rows / UNKNOWN_PACE

"""What of a plan has to wait for backfills that are not finished, told before anything of it is applied."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Sequence

from django.db.migrations.graph import MigrationGraph
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.backfills.declared import declared, is_backfill, within
from auto_migrate.backfills.foreground import cancelled
from auto_migrate.backfills.progress import described, together
from auto_migrate.backfills.records import OPEN, Backfills
from auto_migrate.backfills.tenant_schemas import entered
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.duration_words import rough_duration
from auto_migrate.exceptions import BackfillUnfinished, UsageError
from auto_migrate.history.models import BackfillRecord
from auto_migrate.values import BackfillKey, BackfillState

# What is taken for the pace of a backfill that has not begun, in rows a second: a slow one.
UNKNOWN_PACE = 2_000


def refuse_unfinished(
    database: Database,
    plan: Sequence[tuple[Migration, bool]],
    graph: MigrationGraph,
    *,
    schemas: Collection[str] = ("",),
    at_once: int = 1,
) -> None:
    """Raise `BackfillUnfinished` if the plan finishes a backfill that takes longer than a release step waits.

    One that the plan itself begins takes as long as it takes: nobody else could carry it out before. Of tenants it is
    the plan of some `schemas`, of which so many are migrated `at_once`.
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
            elif key not in begun:
                found = Backfills(database.alias).of(key, schemas)
                _check(database, list(found.exclude(state=BackfillState.SUCCEEDED)), at_once)


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


def _check(database: Database, records: Sequence[BackfillRecord], at_once: int) -> None:
    for event in together(records):
        if event.state == BackfillState.CANCELLED and not event.schemas:
            raise cancelled(event.backfill)
        if event.state not in OPEN:
            raise BackfillUnfinished(
                _("The plan needs a backfill that does not go on by itself: {progress}.").format(
                    progress=described(event)
                ),
                hint=_("Let it go on: manage.py backfills resume {backfill}").format(backfill=event.backfill),
            )
    if not records:
        return
    lefts = Outlook(database, records[0].key).seconds_left(records)
    if (seconds := max(*lefts, sum(lefts) / at_once)) > get_settings().BACKFILL_FINISH:
        raise BackfillUnfinished(
            _("The plan needs a backfill that will take another {duration}: {progress}.").format(
                duration=rough_duration(seconds), progress="; ".join(map(described, together(records)))
            ),
            hint=_("Nothing was changed. Let it finish, then deploy again: manage.py backfills run"),
        )


@dataclasses.dataclass
class Outlook:
    """How long one backfill will take, by its own pace or, where it has none yet, by the size of its table."""

    database: Database
    key: BackfillKey

    def seconds_left(self, records: Iterable[BackfillRecord]) -> list[float]:
        """Return the seconds that are left in each of several schemas."""
        return [self._rows(record) / UNKNOWN_PACE if record.left is None else record.left for record in records]

    @functools.cached_property
    def table(self) -> str:
        """The name of its table."""
        return declared(self.database.connection, self.key).task().table.name

    def _rows(self, record: BackfillRecord) -> int:
        if record.total is not None:
            return record.total
        limit = round(get_settings().BACKFILL_FINISH * UNKNOWN_PACE)
        if (statistics := self.database.statistics) is None:
            return 0
        table = self.table
        with entered(self.database.alias, record.schema):
            found = statistics.of_tables([table], limit)
        return found[table].rows if table in found else 0

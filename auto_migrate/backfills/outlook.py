"""What of a plan has to wait for backfills that are not finished, told before anything of it is applied."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Sequence

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.backfills.declared import declared, is_backfill, within
from auto_migrate.backfills.foreground import cancelled
from auto_migrate.backfills.progress import MOST, described, together
from auto_migrate.backfills.records import OPEN, Backfills
from auto_migrate.backfills.tenant_schemas import entered
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.identifiers import quoted
from auto_migrate.duration_words import rough_duration
from auto_migrate.exceptions import BackfillUnfinished, UsageError
from auto_migrate.fleet_events import first_names
from auto_migrate.history.models import BackfillRecord
from auto_migrate.numerals import numeral
from auto_migrate.values import BackfillKey, BackfillState

# What is taken for the pace of a backfill that has not begun, in rows a second: a slow one.
UNKNOWN_PACE = 2_000
# How many tables one query looks at: the server locks each of them meanwhile.
AT_ONCE = 500
HAVING_TABLE = """
    SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname = %s AND nspname = ANY(%s)
"""


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
                found = list(Backfills(database.alias).of(key, schemas))
                refuse_unknown(database, key, set(schemas).difference({"", *(record.schema for record in found)}))
                _check(database, [record for record in found if record.state != BackfillState.SUCCEEDED], at_once)


def refuse_unknown(database: Database, key: BackfillKey, schemas: Collection[str]) -> None:
    """Raise `BackfillUnfinished` if schemas of tenants have rows for a backfill, and nothing is kept of it there.

    Where it was left to a worker, each schema whose turn came has its record. One that was copied has the rows and the
    migrations of another, and nobody knows how far that was then.
    """
    table = table_of_worker(database.alias, key) if schemas else ""
    if table and (unknown := sorted(with_rows(database.connection, table, schemas))):
        text = ngettext(
            "Backfill {backfill}: {count} schema has rows, and nobody knows whether it is done there: {names}.",
            "Backfill {backfill}: {count} schemas have rows, and nobody knows whether it is done there: {names}.",
            len(unknown),
        )
        hint = _("They may be copies of others. Have it done there from the first row on: {command}")
        command = f"manage.py backfills resume {key} --tenant {unknown[0]}"
        raise BackfillUnfinished(
            text.format(backfill=key, count=numeral(len(unknown)), names=first_names(unknown, MOST)),
            hint=hint.format(command=command),
        )


@functools.cache
def table_of_worker(alias: str, key: BackfillKey) -> str:
    """Return the table of a backfill that is left to a worker; empty for one that is done at its place, or gone."""
    try:
        found = declared(connections[alias], key)
    except UsageError:
        return ""
    return found.task().table.name if found.operation.background else ""


def with_rows(connection: BaseDatabaseWrapper, table: str, schemas: Collection[str]) -> Iterator[str]:
    """Return those of some schemas whose own table of a name has rows; each costs an index's first entry or none."""
    with connection.cursor() as cursor:
        cursor.execute(HAVING_TABLE, [table, list(schemas)])
        having = [name for (name,) in cursor.fetchall()]
        for first in range(0, len(having), AT_ONCE):
            looks = " UNION ALL ".join(
                f"SELECT {place} WHERE EXISTS (SELECT FROM {quoted(name)}.{quoted(table)})"  # noqa: S608 # quoted names
                for place, name in enumerate(having[first : first + AT_ONCE])
            )
            # Without parameters, so that a per cent sign in a name is one.
            cursor.execute(looks)
            yield from (having[first + place] for (place,) in cursor.fetchall())


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

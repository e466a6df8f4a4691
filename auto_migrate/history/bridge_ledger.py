"""The bridges that stand in one database, noted in the transaction that raises each or takes it down.

Of tenants' schemas each has its own: what is noted and looked up is of the one that this thread works in.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet

from auto_migrate.active_schema import active_schema, within_schema
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.history.models import BridgeRecord, ensure_tables, have_tables
from auto_migrate.history.optional_tables import forget, has_table, note_made
from auto_migrate.values import LOOSENED, Bridge, BridgeKind, MigrationKey


class BridgeLedger:
    """Reads and writes the bridges of one database."""

    def __init__(self, database: str) -> None:
        self.database = database

    def ensure_table(self) -> None:
        """Make the table if it is not there, outside of the transaction that will write to it."""
        if not self.exists():
            ensure_tables(connections[self.database], [BridgeRecord])
        note_made(self.database, BridgeRecord)

    def exists(self) -> bool:
        """Return whether the table is there."""
        return have_tables(connections[self.database], BridgeRecord)

    def standing(self) -> tuple[Bridge, ...]:
        """Return the bridges that stand in the schema that this thread works in, the oldest first."""
        return self._read(self._rows())

    def everywhere(self) -> tuple[Bridge, ...]:
        """Return the bridges that stand in any schema, the oldest first."""
        return self._read(self._all())

    def _read(self, rows: QuerySet[BridgeRecord]) -> tuple[Bridge, ...]:
        """Return bridges; none where no run has made the table."""
        if not has_table(self.database, BridgeRecord):
            return ()
        try:
            with savepoint(self.database):
                return self._bridges(rows)
        except DatabaseError:
            forget(self.database, BridgeRecord)
            if not self.exists():
                return ()
            # An older version of this app made it, with fewer columns.
            ensure_tables(connections[self.database], [BridgeRecord])
            return self._bridges(rows.all())

    def on(self, table: str, column: str | None = None) -> tuple[Bridge, ...]:
        """Return the bridges of a table, or of one of its columns."""
        rows = self._rows().filter(table_name=table)
        return self._bridges(rows if column is None else rows.filter(column_name=column))

    def put(self, bridge: Bridge) -> None:
        """Note a bridge; one of its kind that stands in the same place already is the same bridge.

        By as few statements as do, since the lock on its table is held meanwhile; the deploy lock keeps others away.
        """
        if not self._of(bridge).update(definition=bridge.definition):
            self._all().create(
                schema_name=active_schema(),
                app_label=bridge.migration.app_label,
                name=bridge.migration.name,
                definition=bridge.definition,
                **_place(bridge),
            )

    def copy(self, bridge: Bridge, schema: str) -> None:
        """Note that a bridge stands in another schema as well, as it is known of the one that it was raised in."""
        with within_schema(schema):
            self.put(bridge)
            self._of(bridge).update(released_at=bridge.released_at, released_as=bridge.released_as)

    def define(self, bridge: Bridge, definition: str) -> None:
        """Note how the database shows a bridge."""
        self._of(bridge).update(definition=definition)

    def rename_table(self, old: str, new: str) -> None:
        """Note that a table has another name."""
        self._rows().filter(table_name=old).update(table_name=new)

    def move(self, moves: Mapping[Bridge, Bridge]) -> None:
        """Note that columns, their tables or constraints have other names; they may have changed places."""
        # Looked up before any of them is where another was.
        rows = {to: list(self._of(bridge).values_list("pk", flat=True)) for bridge, to in moves.items()}
        for to, keys in rows.items():
            names = {"table_name": to.table, "column_name": to.column, "object_name": to.name}
            self._all().filter(pk__in=keys).update(**names)

    def forget(self, bridge: Bridge) -> bool:
        """Note that a bridge is gone; return whether it still stood."""
        return bool(self._of(bridge).delete()[0])

    def forget_loosened(self, migration: MigrationKey) -> None:
        """Note that what waited for the deploy was done, and with it everything that was loosened for it."""
        of_migration = Q(app_label=migration.app_label, name=migration.name)
        self._rows().filter(of_migration, kind__in=LOOSENED).delete()

    def note_release(self, now: datetime.datetime, release: str) -> None:
        """Note of every bridge of which it was not known that the code which it was raised for is out."""
        self._all().filter(released_at=None).update(released_at=now, released_as=release)

    def forget_schemas(self, names: Iterable[str]) -> None:
        """Forget what stood in schemas that are gone."""
        self._all().filter(schema_name__in=list(names)).delete()

    def _all(self) -> QuerySet[BridgeRecord]:
        return BridgeRecord.objects.using(self.database).all()

    def _rows(self) -> QuerySet[BridgeRecord]:
        return self._all().filter(schema_name=active_schema())

    def _of(self, bridge: Bridge) -> QuerySet[BridgeRecord]:
        return self._rows().filter(**_place(bridge))

    def _bridges(self, rows: Iterable[BridgeRecord]) -> tuple[Bridge, ...]:
        return tuple(map(_bridge, rows))


def _place(bridge: Bridge) -> dict[str, str]:
    return {
        "kind": bridge.kind,
        "table_name": bridge.table,
        "column_name": bridge.column,
        "object_name": bridge.name,
    }


def _bridge(row: BridgeRecord) -> Bridge:
    return Bridge(
        kind=BridgeKind(row.kind),
        migration=MigrationKey(row.app_label, row.name),
        table=row.table_name,
        column=row.column_name,
        name=row.object_name,
        definition=row.definition or "",
        raised_at=row.raised_at,
        released_at=row.released_at,
        released_as=row.released_as,
        schema=row.schema_name,
    )

"""Making what a table lacks for a bridge: what was held back, since the code is gone that wrote against it, or what was
loosened for a migration that nobody has any more, since its release was taken back for good.

Old rows are held to it without holding anybody up. Rows that a release has left may not satisfy it: then the bridge
stays, and the run says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from django.db import IntegrityError
from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

from auto_migrate.applying.bridges.bridge_sql import HELPER, own_name, send
from auto_migrate.applying.bridges.locked_tables import tables_locked
from auto_migrate.applying.online.catalogue import Catalogue
from auto_migrate.applying.online.check_constraints import look, validated
from auto_migrate.applying.online.constraint_violations import violating_rows
from auto_migrate.applying.online.quoted_names import name_for_django
from auto_migrate.changes.restrictions import Restriction
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.lock_modes import ADD_FOREIGN_KEY, ALTER_TABLE
from auto_migrate.databases.present_columns import column_of
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.phases.phase import Phase
from auto_migrate.planning.targets import Goal
from auto_migrate.values import HELD, Bridge, BridgeKind

REFERENCES = _lazy_re_compile(r" REFERENCES (.+?) ?\(")
# The first version that has foreign keys of partitioned tables that are NOT VALID.
PARTITIONED_NOT_VALID = 180000
PARTITIONS = """
    SELECT relid::regclass::text FROM pg_partition_tree(to_regclass(%s)) WHERE isleaf AND relid <> to_regclass(%s)
"""


def restriction_of_bridge(bridge: Bridge) -> Restriction:
    """Return what a bridge holds back, with the tables that it speaks of."""
    target = REFERENCES.search(bridge.definition)
    tables = (bridge.table, name_for_django(target[1])) if target else (bridge.table,)
    return Restriction(bridge.kind, tables, bridge.column, bridge.name)


class RowsInTheWay(MigrationFailed):
    """Rows do not allow what was held back until the old code was gone."""


class Restoration:
    """One bridge that is taken down by making something, or by putting it back."""

    def __init__(self, database: Database, bridge: Bridge, *, lock: DeployLock, emit: Emitter) -> None:
        self.database = database
        self.connection = database.connection
        self.bridge = bridge
        self.lock = lock
        self.emit = emit
        self.table = str(self.connection.ops.quote_name(bridge.table))
        self.column = own_name(self.connection, bridge.column)
        # NOT NULL is proven by a CHECK that goes again.
        self.is_not_null = bridge.kind in {BridgeKind.NOT_NULL, BridgeKind.HELD_NOT_NULL}
        name = HELPER if self.is_not_null else bridge.name
        self.name = own_name(self.connection, name)

    def carry_out(self) -> bool:
        """Make it, in steps of which each may have been made before; return whether there was a place for it.

        Raise `MigrationFailed` where the rows that are there do not allow it.
        """
        if self.connection.vendor != "postgresql":
            raise MigrationFailed(_("The migration that it was raised for is gone: put it back by hand."))
        there = column_of(self.connection, self.bridge.table, self.bridge.column) is not None
        last: list[str] = []
        if there and self.is_not_null:
            self._hold(f"CHECK ({self.column} IS NOT NULL)", [self.table])
            # One after the other: what is dropped in the same statement proves nothing.
            last = [self._not_null(), f"DROP CONSTRAINT {self.name}"]
        elif there:
            partitions = self._held_partitions()
            self._hold(self.bridge.definition, partitions or [self.table])
            # That of the whole table takes over those of its partitions, and looks at no row.
            last = [f"ADD CONSTRAINT {self.name} {self.bridge.definition}"] if partitions else []
        with self._moment():
            for alteration in last:
                self._alter(self.table, alteration)
            BridgeLedger(self.database.alias).forget(self.bridge)
        return there

    def _not_null(self) -> str:
        if self.bridge.name:
            return f"ADD CONSTRAINT {own_name(self.connection, self.bridge.name)} NOT NULL {self.column}"
        return f"ALTER COLUMN {self.column} SET NOT NULL"

    def _held_partitions(self) -> list[str]:
        """Return the partitions that are to be held to a foreign key each by itself, quoted.

        Up to PostgreSQL 17, a partitioned table takes none that is NOT VALID.
        """
        if int(getattr(self.connection, "pg_version", 0)) >= PARTITIONED_NOT_VALID:
            return []
        with self.connection.cursor() as cursor:
            cursor.execute(PARTITIONS, [self.table, self.table])
            return [name for (name,) in cursor.fetchall()]

    def _hold(self, definition: str, tables: Sequence[str]) -> None:
        """Hold the new rows of each table to a constraint, then the old ones."""
        if self.bridge.kind in HELD and definition.startswith("CHECK ") and (keys := self._violations(definition)):
            # A row that does not satisfy it could not be updated as long as it is there.
            raise self._refused(keys)
        again = f"DROP CONSTRAINT IF EXISTS {self.name}, ADD CONSTRAINT {self.name} {definition} NOT VALID"
        try:
            for table in tables:
                with self._moment():
                    self._alter(table, again)
                with self.database.unbounded():
                    self._alter(table, f"VALIDATE CONSTRAINT {self.name}")
        except IntegrityError as error:
            keys = self._violations(definition) if self.bridge.kind in HELD else str(error).splitlines()[0]
            with self._moment():
                for table in tables:
                    self._alter(table, f"DROP CONSTRAINT IF EXISTS {self.name}")
            raise self._refused(keys) from error

    def _violations(self, definition: str) -> str:
        """Return the keys of up to ten rows that do not satisfy a definition, which a foreign key is there for."""
        step = validated(self.table, self.name)
        if definition.startswith("CHECK "):
            step = look(self.table, f"({definition.removeprefix('CHECK ')}) IS FALSE")
        return "; ".join(violating_rows(Catalogue(self.database), step))

    def _refused(self, why: str) -> MigrationFailed:
        """Return what is to be told of rows that are in the way; `why` are their keys where it was held back."""
        if self.bridge.kind not in HELD:
            text = _("The migration that it was raised for is gone, and rows do not allow to put it back: {error}")
            return MigrationFailed(text.format(error=why))
        command = " ".join(("manage.py auto_migrate", *Goal(phase=Phase.POST_DEPLOY).options(self.database.alias)))
        text = _("Rows do not allow it. In the way: {keys}. Mend them, then: {command}")
        return RowsInTheWay(text.format(keys=why or "-", command=command))

    def _moment(self) -> contextlib.AbstractContextManager[None]:
        table, *referenced = restriction_of_bridge(self.bridge).tables
        # One that a table has to itself needs no less of it.
        needs = {**dict.fromkeys(referenced, ADD_FOREIGN_KEY), table: ALTER_TABLE}
        return tables_locked(self.database, needs, migration=self.bridge.migration, lock=self.lock, emit=self.emit)

    def _alter(self, table: str, what: str) -> None:
        send(self.connection, f"ALTER TABLE {table} {what}")

"""Putting back what was loosened for a migration that nobody has any more: its release was taken back for good.

Old rows are held to it without holding anybody up. Rows that the release has left may not satisfy it: then it stays
loosened, and the run says so.
"""

from __future__ import annotations

import contextlib
import re

from django.db import IntegrityError
from django.utils.translation import gettext as _

from auto_migrate.applying.bridges.moment import quiet_moment
from auto_migrate.applying.bridges.works import send
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.lock_modes import ADD_FOREIGN_KEY, ALTER_TABLE
from auto_migrate.databases.present_columns import column_of
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import Bridge, BridgeKind

HELPER = "auto_migrate_restored"
REFERENCES = re.compile(r" REFERENCES (.+?)\(")


class Restoration:
    """One bridge that is taken down by putting something back."""

    def __init__(self, database: Database, bridge: Bridge, *, lock: DeployLock, emit: Emitter) -> None:
        self.database = database
        self.connection = database.connection
        self.bridge = bridge
        self.lock = lock
        self.emit = emit
        quote = self.connection.ops.quote_name
        self.table, self.column, self.name = map(quote, (bridge.table, bridge.column, bridge.name or HELPER))

    def carry_out(self) -> bool:
        """Put it back, in steps of which each may have been made before; return whether there was a place for it.

        Raise `MigrationFailed` where the rows that are there do not allow it.
        """
        if self.connection.vendor != "postgresql":
            raise MigrationFailed(_("The migration that it was raised for is gone: put it back by hand."))
        there = column_of(self.connection, self.bridge.table, self.bridge.column) is not None
        if there and self.bridge.kind is BridgeKind.NOT_NULL:
            self._hold(f"CHECK ({self.column} IS NOT NULL)")
        elif there:
            self._hold(self.bridge.definition)
        with self._moment():
            if there and self.bridge.kind is BridgeKind.NOT_NULL:
                self._alter(f"ALTER COLUMN {self.column} SET NOT NULL, DROP CONSTRAINT {self.name}")
            BridgeLedger(self.database.alias).forget(self.bridge)
        return there

    def _hold(self, definition: str) -> None:
        """Hold new rows to a constraint, then the old ones."""
        with self._moment():
            self._alter(f"DROP CONSTRAINT IF EXISTS {self.name}, ADD CONSTRAINT {self.name} {definition} NOT VALID")
        try:
            with self.database.unbounded():
                self._alter(f"VALIDATE CONSTRAINT {self.name}")
        except IntegrityError as error:
            with self._moment():
                self._alter(f"DROP CONSTRAINT {self.name}")
            text = _("The migration that it was raised for is gone, and rows do not allow to put it back: {error}")
            raise MigrationFailed(text.format(error=str(error).splitlines()[0])) from error

    def _moment(self) -> contextlib.AbstractContextManager[None]:
        needs = {self.bridge.table: ALTER_TABLE}
        if found := REFERENCES.search(self.bridge.definition):
            # Quoted by the database where it has to be, and as Django writes a name with its schema.
            needs[found[1].strip('"') if '"' in found[1] else found[1].replace(".", '"."')] = ADD_FOREIGN_KEY
        return quiet_moment(self.database, needs, migration=self.bridge.migration, lock=self.lock, emit=self.emit)

    def _alter(self, what: str) -> None:
        send(self.connection, f"ALTER TABLE {self.table} {what}")

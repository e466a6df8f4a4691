"""What waits for the deploy, loosened before it: the new code does not know it any more, and must not fail on it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import DatabaseError

from auto_migrate.applying.bridges.bridge_sql import drop_foreign_key, drop_not_null
from auto_migrate.applying.bridges.locked_tables import tables_locked
from auto_migrate.changes.bridgeable import Bridgeable, bridges_of
from auto_migrate.changes.change import DropColumn
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.faults import first_line
from auto_migrate.databases.lock_modes import ALTER_TABLE, DROP_FOREIGN_KEY
from auto_migrate.databases.present_columns import PresentForeignKey, column_of, foreign_keys_of, name_of_not_null
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.emitter import Emitter
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.planning.comparison import Comparison, applied_state
from auto_migrate.values import Bridge, BridgeKind, MigrationKey

# What to loosen, and for which migration.
Wanted = tuple[MigrationKey, Bridgeable]

NOT_LOOSENED = "%s is not loosened for %s: %s"

logger = logging.getLogger(__name__)


def loosen(database: Database, late: Iterable[Wanted], *, lock: DeployLock, emit: Emitter) -> None:
    """Loosen what the migrations that wait for the deploy will drop, each table in a transaction of its own.

    What the database refuses stays as it is, and is logged. Raise `MigrationFailed` if a table is never free: without
    it the new code could not write.
    """
    for migration, planned in late:
        try:
            with savepoint(database.alias):
                Loosening(database, migration, planned).carry_out(lock, emit)
        except DatabaseError as error:
            # Only where its transaction has taken all of it back is nothing noted that was not done.
            if database.fault_of(error) is not None or not database.transactional_ddl:
                raise
            place = f"{planned.table}.{planned.column}" if planned.column else planned.table
            logger.warning(NOT_LOOSENED, place, migration, first_line(error))


def wanted(database: Database, comparison: Comparison, new_tables: Iterable[str] = ()) -> Iterator[Wanted]:
    """Return what to loosen for the migrations that wait for the deploy; `new_tables` are used by no release."""
    new, deferred = NewObjects(set(new_tables)), frozenset(comparison.deferred)
    done = frozenset(comparison.whole_keys) - deferred
    for read in read_plan(database.connection, comparison.whole, applied_state(comparison), done=done):
        for _operation, change in read.changes():
            if read.key in deferred and change.table not in new.tables:
                if isinstance(change, DropColumn) and change.required and change.held:
                    # Somebody has acknowledged it.
                    logger.warning(NOT_LOOSENED, f"{change.table}.{change.column}", read.key, "the database needs it")
                for planned in bridges_of(change, database.connection.vendor, late=True):
                    yield read.key, planned
            new.follow(change)


class Loosening:
    """One bridge that is raised by taking something away."""

    def __init__(self, database: Database, migration: MigrationKey, planned: Bridgeable) -> None:
        self.database = database
        self.connection = database.connection
        self.migration = migration
        self.planned = planned
        self.ledger = BridgeLedger(database.alias)

    def carry_out(self, lock: DeployLock, emit: Emitter) -> None:
        """Take it away, unless an earlier run has or there is nothing to take."""
        if not (keys := self._keys()) and not self._is_tight():
            return
        needs = {self.planned.table: ALTER_TABLE, **{key.references: DROP_FOREIGN_KEY for key in keys}}
        with tables_locked(self.database, needs, migration=self.migration, lock=lock, emit=emit):
            for key in keys:
                column = self.planned.column or key.columns[0]
                self.ledger.put(self._bridge(column, key.name, key.definition))
                drop_foreign_key(self.connection, self.planned.table, key.name)
            if not keys:
                name = name_of_not_null(self.connection, self.planned.table, self.planned.column)
                self.ledger.put(self._bridge(self.planned.column, name))
                self._drop_not_null()

    def _keys(self) -> list[PresentForeignKey]:
        if self.planned.kind is not BridgeKind.FOREIGN_KEY:
            return []
        keys = foreign_keys_of(self.connection, self.planned.table)
        return [key for key in keys if self.planned.column in {"", *key.columns}]

    def _is_tight(self) -> bool:
        if self.planned.kind is not BridgeKind.NOT_NULL:
            return False
        column = column_of(self.connection, self.planned.table, self.planned.column)
        return column is not None and not (column.null or column.in_key or column.default)

    def _bridge(self, column: str, name: str = "", definition: str = "") -> Bridge:
        return Bridge(self.planned.kind, self.migration, self.planned.table, column, name, definition)

    def _drop_not_null(self) -> None:
        if self.connection.vendor == "postgresql":
            drop_not_null(self.connection, self._bridge(self.planned.column))
            return
        # MySQL wants the whole column said again.
        before: Any = copy.copy(self.planned.definition)
        if before.remote_field is not None:
            # Its constraint is gone by now, and not to be made again.
            before.db_constraint = False
        after = copy.copy(before)
        after.null = True
        with self.connection.schema_editor(atomic=False) as editor:
            editor.alter_field(before.model, before, after)

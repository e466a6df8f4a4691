"""Taking bridges down, each in a transaction of its own and under a lock of an instant that is never queued for.

Nothing is taken down that is not ours: what somebody has changed by hand meanwhile is theirs, and only forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import DatabaseError

from auto_migrate.applying.bridges.bridge_sql import drop_default, drop_fill
from auto_migrate.applying.bridges.locked_tables import tables_locked
from auto_migrate.applying.bridges.restoration import Restoration, RowsInTheWay
from auto_migrate.bridge_events import BridgeKept, BridgeTakenDown
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.faults import first_line
from auto_migrate.databases.lock_modes import ALTER_TABLE
from auto_migrate.databases.present_columns import column_of
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import LACKING, Bridge, BridgeKind


def take_down(
    database: Database, bridges: Iterable[Bridge], *, lock: DeployLock, emit: Emitter
) -> tuple[RowsInTheWay, ...]:
    """Take bridges down; one whose table is never free, or that the database does not let go, stays.

    Return why rows do not allow what is held back.
    """
    refused: list[RowsInTheWay] = []
    for bridge in bridges:
        try:
            if bridge.kind in LACKING:
                ours = Restoration(database, bridge, lock=lock, emit=emit).carry_out()
            else:
                ours = _take_down_one(database, bridge, lock, emit)
        except MigrationFailed as busy:
            emit(BridgeKept(bridge, busy.message))
            refused += [busy] if isinstance(busy, RowsInTheWay) else []
        except DatabaseError as error:
            if database.fault_of(error) is not None:
                raise
            emit(BridgeKept(bridge, first_line(error)))
        else:
            emit(BridgeTakenDown(bridge, ours))
    return tuple(refused)


def _take_down_one(database: Database, bridge: Bridge, lock: DeployLock, emit: Emitter) -> bool:
    """Take one bridge down; return whether what stood there was still ours."""
    connection = database.connection
    with tables_locked(database, {bridge.table: ALTER_TABLE}, migration=bridge.migration, lock=lock, emit=emit):
        column = column_of(connection, bridge.table, bridge.column)
        ours = column is not None
        if bridge.kind is BridgeKind.FILL:
            drop_fill(connection, bridge)
        elif bridge.kind is BridgeKind.DEFAULT:
            ours = column is not None and column.default == bridge.definition
            if ours:
                drop_default(connection, bridge)
        BridgeLedger(database.alias).forget(bridge)
    return ours

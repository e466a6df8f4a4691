"""What a migration's own SQL does to columns with bridges, done to the bridges.

Django's editor says what it does to which column; a text does not, nor does Python. So the catalogue is asked where
each bridge stands before such a statement, and where its column is after it. Only PostgreSQL knows columns by numbers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.transaction import atomic

from auto_migrate.applying.bridges.bridge_sql import drop_default, drop_fill, make_fill, set_default, stand_in
from auto_migrate.changes.change import AlterType, DropColumn, EndTransaction, OpaqueChange
from auto_migrate.changes.statements import changes_of_sql
from auto_migrate.databases.base import Database
from auto_migrate.databases.present_columns import ColumnPlace, column_of, found_again, place_of
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import LOOSENED, Bridge, BridgeKind

# Whatever may give a column another name, type or schema, or drop it; or names a constraint before it is dropped.
MOVES = re.compile(
    r"\b(?:ALTER\s+(?:TABLE|SCHEMA)|DROP\s+(?:TABLE|SCHEMA)|SET\s+CONSTRAINTS|DO\s+(?:LANGUAGE\b|E?['$])|CALL\s)",
    re.IGNORECASE,
)


class StatementWatch:
    """Goes between a migration and its connection, as `connection.execute_wrapper` has it.

    Within `aside`, no statement is watched.
    """

    def __init__(
        self, database: Database, ledger: BridgeLedger, aside: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> None:
        self.connection = database.connection
        self.ledger = ledger
        self.aside = aside

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Carry out a statement, with all that stands in its way aside, and let the bridges follow it."""
        if not MOVES.search(text := str(sql)):
            return execute(sql, params, many, context)
        with self.aside():
            places = {bridge: place for bridge in self.ledger.standing() if (place := self._place(bridge))}
            blocking = frozenset(self._blocking(text, places))
            for bridge in places:
                if bridge.kind is BridgeKind.FOREIGN_KEY:
                    is_deferred = defers(text, bridge)
                    if is_deferred or drops_by_name(text, bridge):
                        stand_in(self.connection, bridge, deferrable=is_deferred)
        with self._together() if blocking else contextlib.nullcontext():
            with self.aside():
                taken = {bridge for bridge in blocking if self._take_aside(bridge)}
            done = execute(sql, params, many, context)
            with self.aside():
                for bridge, place in places.items():
                    self._follow(bridge, place, was_aside=bridge in taken)
        return done

    def _place(self, bridge: Bridge) -> ColumnPlace | None:
        return place_of(self.connection, bridge.table, bridge.column)

    def _blocking(self, text: str, bridges: Iterable[Bridge]) -> Iterator[Bridge]:
        """Return the bridges because of which PostgreSQL would refuse a statement, where its text can be read."""
        changes = list(changes_of_sql(text, self.connection, {})) if bridges else []
        if any(isinstance(change, EndTransaction | OpaqueChange) for change in changes):
            return
        columns = {
            (bare(change.table), change.column) for change in changes if isinstance(change, AlterType | DropColumn)
        }
        for bridge in bridges:
            if bridge.kind not in LOOSENED and (bare(bridge.table), bridge.column) in columns:
                yield bridge

    def _together(self) -> contextlib.AbstractContextManager[None]:
        """Let nobody see, and no kill leave, a bridge that is aside."""
        return atomic(using=self.connection.alias, savepoint=False)

    def _take_aside(self, bridge: Bridge) -> bool:
        """Take down what is ours, and return whether it was."""
        if bridge.kind is BridgeKind.FILL:
            drop_fill(self.connection, bridge)
            return True
        present = column_of(self.connection, bridge.table, bridge.column)
        if present is None or present.default != bridge.definition:
            return False
        drop_default(self.connection, bridge)
        return True

    def _follow(self, bridge: Bridge, before: ColumnPlace, *, was_aside: bool) -> None:
        place = found_again(self.connection, before)
        if place is None:
            if bridge.kind is BridgeKind.FILL:
                drop_fill(self.connection, bridge)
            self.ledger.forget(bridge)
            return
        # Named as it was, unless it was given another name: a schema may be visible that is written all the same.
        table = bridge.table if place.table == before.table else place.table
        moved = dataclasses.replace(bridge, table=table, column=place.column)
        if place.name != before.name:
            self.ledger.move(bridge, moved)
        if bridge.kind is BridgeKind.FILL and (was_aside or place.column != before.column):
            make_fill(self.connection, moved, moved.definition)
        elif bridge.kind is BridgeKind.DEFAULT and was_aside:
            self._set_again(moved, place)

    def _set_again(self, bridge: Bridge, place: ColumnPlace) -> None:
        """Set a default on what its column has become, unless the statement has set another."""
        present = column_of(self.connection, bridge.table, bridge.column)
        if present is not None and not present.default:
            set_default(self.connection, bridge, f"({bridge.definition})::{place.type}")
            present = column_of(self.connection, bridge.table, bridge.column)
            self.ledger.define(bridge, present.default if present else "")
        else:
            self.ledger.forget(bridge)


def drops_by_name(text: str, bridge: Bridge) -> bool:
    """Return whether a text drops the constraint of a bridge, which was loosened, by its name."""
    drop = rf'\bDROP\s+CONSTRAINT\s+(?:IF\s+EXISTS\s+)?"?{named(bridge)}'
    return bare(bridge.table).lower() in text.lower() and re.search(drop, text, re.IGNORECASE) is not None


def defers(text: str, bridge: Bridge) -> bool:
    """Return whether a text sets when that constraint is checked, as what Django writes does before it drops one."""
    return re.search(rf"\bSET\s+CONSTRAINTS\b[^;]*?(?<![\w$]){named(bridge)}", text, re.IGNORECASE) is not None


def named(bridge: Bridge) -> str:
    """Return the pattern of the name of a bridge's constraint in SQL."""
    return re.escape(bridge.name.replace('"', '""')) + r"(?![\w$])"


def bare(table: str) -> str:
    """Return the name of a table without its schema, as SQL or Django writes it."""
    return table.replace('"."', ".").rpartition(".")[2]

"""Bridges around one statement: what of them stands aside for it, and where they stand after it.

A column is known by its number, whatever it is called by now, and a default by the number under which it was set.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Iterator, Mapping

from django.db import DatabaseError
from django.db.transaction import atomic

from auto_migrate.applying.bridges.bridge_sql import (
    add_constraint,
    drop_constraint,
    drop_default,
    drop_fill,
    make_fill,
    send,
    set_default,
    stand_in,
)
from auto_migrate.applying.bridges.converted_values import converted
from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.sql.quoting import djangos_name, parts_of
from auto_migrate.databases.base import Database
from auto_migrate.databases.present_columns import ColumnPlace, defaults_of_heirs, found_again, places_of
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import HELD, LACKING, Bridge, BridgeKind

CONSTRAINT = "SELECT oid FROM pg_constraint WHERE conrelid = %s AND conname = %s"
NAME_OF_CONSTRAINT = "SELECT conname FROM pg_constraint WHERE oid = %s"

logger = logging.getLogger(__name__)


class Retyped(Exception):
    """PostgreSQL has made the defaults of bridges into others, as which nobody would know them again."""

    def __init__(self, bridges: Collection[Bridge]) -> None:
        super().__init__()
        self.bridges = frozenset(bridges)


class Relocation:
    """The bridges of one database before and after a statement; `places` are theirs before it."""

    def __init__(
        self,
        database: Database,
        ledger: BridgeLedger,
        places: Mapping[Bridge, ColumnPlace],
        changes: Collection[Change],
    ) -> None:
        self.database = database
        self.connection = database.connection
        self.ledger = ledger
        self.places = places
        self.changes = changes
        self._aside: set[Bridge] = set()
        # The constraints that are back for as long as the statement takes, by their numbers.
        self._back: dict[Bridge, int] = {}

    def clear(self, bridges: Collection[Bridge]) -> None:
        """Let a statement find some columns as they would be without bridges."""
        self._aside, self._back = set(), {}
        for bridge in bridges:
            if bridge.kind in LACKING:
                self._put_back(bridge)
            elif bridge.kind is BridgeKind.FILL:
                drop_fill(self.connection, bridge)
                self._aside.add(bridge)
            elif self._is_ours(bridge):
                drop_default(self.connection, bridge)
                self._aside.add(bridge)

    def follow(self, *, goes_on: bool = False) -> None:
        """Let each bridge go along with its column.

        Raise `Retyped` where one should have been aside, unless it `goes_on` in any case.
        """
        found = found_again(self.connection, [place.numbers for place in self.places.values()])
        now = dict(zip(self.places, found, strict=True))
        retyped = {bridge for bridge, place in now.items() if place and self._is_retyped(bridge, place)}
        if retyped and not goes_on:
            raise Retyped(retyped)
        gone = [bridge for bridge, place in now.items() if place is None]
        # First: another may go by its names by now.
        for bridge in gone:
            self._lose(bridge)
        moves = {bridge: moved(bridge, self.places[bridge], place) for bridge, place in now.items() if place}
        self.ledger.move({bridge: to for bridge, to in moves.items() if to != bridge})
        for bridge, place in now.items():
            self._leave_heirs(bridge, place)
            if place is not None:
                self._go_along(bridge, moves[bridge], place)
        for bridge in gone:
            self._replace(bridge)

    def _go_along(self, bridge: Bridge, to: Bridge, place: ColumnPlace) -> None:
        if bridge.kind not in LACKING and self.places[bridge].required and not place.required:
            self._withdraw(bridge, to, place)
        elif bridge.kind is BridgeKind.FILL:
            self._fill_again(bridge, to, place)
        elif bridge.kind is BridgeKind.DEFAULT:
            self._default_again(bridge, to, place)
        elif number := self._back.get(bridge):
            self._loosen_again(to, number)

    def _is_ours(self, bridge: Bridge) -> bool:
        return self.places[bridge].default == bridge.definition

    def _is_retyped(self, bridge: Bridge, place: ColumnPlace) -> bool:
        is_default = bridge.kind is BridgeKind.DEFAULT and bridge not in self._aside and self._is_ours(bridge)
        return is_default and place.type != self.places[bridge].type

    def _put_back(self, bridge: Bridge) -> None:
        if not bridge.name:
            return
        relation = self.places[bridge].relation
        if self._number_of(relation, bridge.name):
            return
        try:
            with atomic(using=self.connection.alias):
                add_constraint(self.connection, bridge)
        except DatabaseError:
            # Up to PostgreSQL 17, a partitioned table takes no foreign key that is NOT VALID.
            stand_in(self.connection, bridge)
        self._back[bridge] = self._number_of(relation, bridge.name)

    def _loosen_again(self, bridge: Bridge, number: int) -> None:
        """Drop a constraint that was back for the statement, whatever it is called by now."""
        for (name,) in self._ask(NAME_OF_CONSTRAINT, number):
            drop_constraint(self.connection, bridge, name)
            self.ledger.move({bridge: dataclasses.replace(bridge, name=name)})
            return
        if bridge.kind in HELD:
            # The statement has dropped it for good; what is loosened goes with its migration.
            self.ledger.forget(bridge)

    def _number_of(self, relation: int, name: str) -> int:
        return next((int(number) for (number,) in self._ask(CONSTRAINT, relation, name)), 0)

    def _ask(self, query: str, *params: int | str) -> Iterator[tuple[str]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, params)
            yield from cursor.fetchall()

    def _leave_heirs(self, bridge: Bridge, place: ColumnPlace | None) -> None:
        """Take the default of a bridge from what was a part of its table, and is none any more."""
        left = set(self.places[bridge].heirs).difference(place.heirs if place else ())
        if bridge.kind is not BridgeKind.DEFAULT or not left:
            return
        column = self.places[bridge].column
        for table, default in defaults_of_heirs(self.connection, left, column):
            if default == bridge.definition:
                name = self.connection.ops.quote_name(column)
                send(self.connection, f"ALTER TABLE ONLY {table} ALTER COLUMN {name} DROP DEFAULT")

    def _lose(self, bridge: Bridge) -> None:
        if bridge.kind is BridgeKind.FILL:
            drop_fill(self.connection, bridge)
        self.ledger.forget(bridge)

    def _replace(self, bridge: Bridge) -> None:
        """Raise a bridge whose column is gone on the one that took its place, where that needs it as well."""
        (place,) = places_of(self.connection, [(bridge.table, bridge.column)])
        is_fill = bridge.kind is BridgeKind.FILL
        if bridge.kind in LACKING or place is None or not place.required or (place.default and not is_fill):
            return
        if value := self._value(bridge, place):
            self.ledger.put(dataclasses.replace(bridge, definition=value))
            if is_fill:
                make_fill(self.connection, bridge, value)
            else:
                self._set(bridge, value)

    def _withdraw(self, bridge: Bridge, to: Bridge, place: ColumnPlace) -> None:
        """Take a bridge down whose column takes NULL again."""
        if bridge.kind is BridgeKind.FILL:
            drop_fill(self.connection, to)
        elif place.default_id == self.places[bridge].default_id and self._is_ours(bridge) and place.default:
            drop_default(self.connection, to)
        self.ledger.forget(to)

    def _fill_again(self, bridge: Bridge, to: Bridge, place: ColumnPlace) -> None:
        before = self.places[bridge]
        if bridge not in self._aside and (place.column, place.type) == (before.column, before.type):
            return
        if value := self._value(bridge, place):
            self.ledger.define(to, value)
            make_fill(self.connection, to, value)
        else:
            drop_fill(self.connection, to)
            self._end(to)

    def _default_again(self, bridge: Bridge, to: Bridge, place: ColumnPlace) -> None:
        """Set a default on what its column has become, unless the statement has set another."""
        before = self.places[bridge]
        was_there = self._is_ours(bridge)
        is_untouched = bridge not in self._aside and place.default_id == before.default_id
        if is_untouched or not was_there:
            return
        # What PostgreSQL has made of it by itself is no other.
        is_retyped = self._is_retyped(bridge, place)
        value = self._value(bridge, place) if is_retyped or not place.default else ""
        if value:
            self._set(to, value)
        elif place.default and not is_retyped:
            self.ledger.forget(to)
        else:
            if place.default:
                drop_default(self.connection, to)
            self._end(to)

    def _end(self, bridge: Bridge) -> None:
        """Forget a bridge that there is no value for any more."""
        logger.warning(
            "The bridge on %s.%s ends: nothing is known that its new type takes", bridge.table, bridge.column
        )
        self.ledger.forget(bridge)

    def _set(self, bridge: Bridge, value: str) -> None:
        set_default(self.connection, bridge, value)
        (place,) = places_of(self.connection, [(bridge.table, bridge.column)])
        self.ledger.define(bridge, place.default if place else "")

    def _value(self, bridge: Bridge, place: ColumnPlace) -> str:
        """Return the value of a bridge for what its column has become, empty where none is known."""
        before = self.places[bridge]
        if place.type == before.type:
            return bridge.definition
        names = {(parts_of(one.table)[-1], one.column) for one in (before, place)}
        types = [change for change in self.changes if isinstance(change, AlterType)]
        using = [one.conversion for one in types if (parts_of(one.table)[-1], one.column) in names]
        return converted(self.connection, bridge.definition, before, place, using[-1] if using else "")


def moved(bridge: Bridge, before: ColumnPlace, after: ColumnPlace) -> Bridge:
    """Return a bridge with the names that its column has by now.

    Its table is named as it was, unless it was given another name: the statement may have changed what is visible.
    """
    table = bridge.table
    if after.schema != before.schema:
        table = after.table
    elif after.name != before.name:
        table = djangos_name([*parts_of(bridge.table)[:-1], after.name])
    column = bridge.column if after.column == before.column else after.column
    return dataclasses.replace(bridge, table=table, column=column)

"""What a migration's own SQL and Python do to columns with bridges, done to the bridges.

Django's editor says what it does to which column; a text does not, nor does Python. So the catalogue is asked where
each bridge stands before a statement, and where its column is after it. Only PostgreSQL knows columns by numbers.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from django.db import DatabaseError
from django.db.transaction import atomic
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.bridges.relocation import Relocation, Retyped
from auto_migrate.applying.bridges.tightening import Tightening
from auto_migrate.changes.change import AlterType, Change, DropColumn, EndTransaction
from auto_migrate.changes.sql.quoting import parts_of
from auto_migrate.changes.statements import changes_of_sql
from auto_migrate.databases.base import Database
from auto_migrate.databases.postgresql.transaction_refusals import refuses_transaction
from auto_migrate.databases.present_columns import ColumnPlace, places_of
from auto_migrate.databases.statement_kinds import ends_transaction, runs_code
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import LACKING, Bridge, BridgeKind

# Whatever may give a column another name, type or schema, or drop it; or names a constraint, or copies a default.
MOVES = _lazy_re_compile(
    r"\b(?:ALTER|DROP|CALL|EXECUTE|DO(?!\s+(?:NOTHING|UPDATE)\b)|SET\s+CONSTRAINTS|COMMENT\s+ON\s+CONSTRAINT)\b",
    re.IGNORECASE,
)
COPIES = _lazy_re_compile(r"\bLIKE\b[^;]*\bINCLUDING\b", re.IGNORECASE)
CALLED = _lazy_re_compile(r'([\w$]+)"?\s*\(')
MAKES_FUNCTION = _lazy_re_compile(r"\bCREATE\b", re.IGNORECASE)
# Functions that somebody has made, and that may change more than rows.
OWN_FUNCTIONS = """
    SELECT FROM pg_proc WHERE proname = ANY (%s::text[]) AND provolatile = 'v'
    AND pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
    LIMIT 1
"""


class StatementWatch:
    """Goes between a migration and its connection, as `connection.execute_wrapper` has it.

    Within `aside`, no statement is watched. `fill` is asked to raise a bridge where a column takes NULL no more, None
    where no release needs any. `harmless` are sets of functions of which none is of somebody's own, as far as is known.
    """

    def __init__(
        self,
        database: Database,
        ledger: BridgeLedger,
        aside: Callable[[], contextlib.AbstractContextManager[None]],
        *,
        any_stand: Callable[[], bool],
        fill: Callable[[ColumnPlace], None] | None = None,
        harmless: set[frozenset[str]] | None = None,
    ) -> None:
        self.database = database
        self.connection = database.connection
        self.ledger = ledger
        self.aside = aside
        self.any_stand = any_stand
        self.fill = fill
        self._harmless: set[frozenset[str]] = set() if harmless is None else harmless

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Carry out a statement, with all that stands in its way aside, and let the bridges follow it."""
        text = str(sql)

        def run() -> Any:
            return execute(sql, params, many, context)

        with self.aside():
            if not self._may_move(text):
                return run()
            tightening = Tightening(self.connection, text, self.fill)
            places = self._places()
            if not places and not tightening.is_possible:
                return run()
            if many:
                # It may be carried out twice, and an iterator gives its rows once.
                params = list(params)
            return self._carry_out(run, text, places, tightening)

    def _may_move(self, text: str) -> bool:
        if MOVES.search(text) or COPIES.search(text):
            return True
        if MAKES_FUNCTION.search(text):
            self._harmless.clear()
        called = frozenset(name for found in CALLED.findall(text) for name in (found, found.lower()))
        if not called or called in self._harmless or not self.any_stand():
            return False
        with self.connection.cursor() as cursor:
            cursor.execute(OWN_FUNCTIONS, [sorted(called)])
            if cursor.fetchone() is not None:
                return True
        self._harmless.add(called)
        return False

    def _places(self) -> dict[Bridge, ColumnPlace]:
        standing = self.ledger.standing() if self.any_stand() else ()
        found = places_of(self.connection, [(bridge.table, bridge.column) for bridge in standing])
        return {bridge: place for bridge, place in zip(standing, found, strict=True) if place is not None}

    def _carry_out(
        self, run: Callable[[], Any], text: str, places: Mapping[Bridge, ColumnPlace], tightening: Tightening
    ) -> Any:
        """Carry out a statement; once more as if no bridge were there, where one was in its way."""
        relocation = Relocation(self.database, self.ledger, places, changes := self._changes(text))

        def attempt(blocking: Collection[Bridge]) -> Any:
            with self._together():
                relocation.clear(blocking)
                done = run()
                relocation.follow()
                tightening.follow()
                return done

        def as_it_stands() -> Any:
            done = run()
            with self._together():
                relocation.follow(goes_on=True)
                tightening.follow()
            return done

        if (ends_transaction(text) and not runs_code(text)) or any(isinstance(one, EndTransaction) for one in changes):
            return as_it_stands()
        foreseen = frozenset(blocked_by(changes, text, places))
        try:
            return attempt(foreseen)
        except Retyped as found:
            blocking = foreseen | found.bridges
        except DatabaseError as error:
            if not self.connection.in_atomic_block and refuses_transaction(error):
                return as_it_stands()
            if self.database.fault_of(error) is not None or not (blocking := frozenset(named(text, error, places))):
                raise
        return attempt(blocking)

    def _changes(self, text: str) -> list[Change]:
        return list(changes_of_sql(text, self.connection, {}))

    def _together(self) -> contextlib.AbstractContextManager[None]:
        """Let nobody see, and no kill leave, a statement without what it does to bridges."""
        return atomic(using=self.connection.alias)


def blocked_by(changes: Collection[Change], text: str, places: Collection[Bridge]) -> Iterator[Bridge]:
    """Return the bridges that stand in a statement's way, as far as that is seen beforehand."""
    columns = {
        (parts_of(change.table)[-1], change.column) for change in changes if isinstance(change, AlterType | DropColumn)
    }
    copies = COPIES.search(text) is not None
    for bridge in places:
        is_copied = copies and bridge.kind is BridgeKind.DEFAULT and parts_of(bridge.table)[-1] in text
        if bridge.kind not in LACKING and ((parts_of(bridge.table)[-1], bridge.column) in columns or is_copied):
            yield bridge


def named(text: str, error: DatabaseError, places: Collection[Bridge]) -> list[Bridge]:
    """Return the bridges on the tables that a statement or its error speaks of; all where it names none of them."""
    said = f"{text}\n{error}".lower()
    found = [
        bridge
        for bridge in places
        if any(name and name.lower() in said for name in (parts_of(bridge.table)[-1], bridge.name))
    ]
    return found or list(places)

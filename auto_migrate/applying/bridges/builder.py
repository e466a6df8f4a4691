"""What the bridges of one run have in common, whichever migration raises them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator

from auto_migrate.databases.base import Database
from auto_migrate.history.bridge_ledger import BridgeLedger
from auto_migrate.values import OperationKey


class BridgeBuilder:
    """Watches over the schema editors of one run.

    `raises` tells whether a release may be running that needs bridges, `any_stand` whether any has to be taken along,
    `new_tables` what is there and used by none, `held` the operations that are held back.
    `harmless` is what one `StatementWatch` learns for the next. What it does to the database is of the migration's own
    transaction, where there is one.
    """

    def __init__(
        self,
        database: Database,
        *,
        raises: bool,
        any_stand: bool,
        new_tables: Iterable[str] = (),
        held: Collection[OperationKey] = (),
        harmless: set[frozenset[str]] | None = None,
    ) -> None:
        self.database = database
        self.raises = raises
        self.held = frozenset(held if raises else ())
        self.any_stand = any_stand
        self.harmless: set[frozenset[str]] = set() if harmless is None else harmless
        self.ledger = BridgeLedger(database.alias)
        # Who watches all statements, and not those of a migration alone.
        self.outside = tuple(database.connection.execute_wrappers)
        # Tables that the plan itself makes: no other release knows them.
        self.new_tables: set[str] = set(new_tables)
        self.is_watching = True

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let nobody who watches a migration's statements see those of the block, which are the engine's own."""
        connection = self.database.connection
        wrappers, connection.execute_wrappers = connection.execute_wrappers, list(self.outside)
        try:
            yield
        finally:
            connection.execute_wrappers = wrappers

    @contextlib.contextmanager
    def unwatched(self) -> Iterator[None]:
        """Let statements pass of which somebody knows already what they do to a column."""
        before, self.is_watching = self.is_watching, False
        try:
            yield
        finally:
            self.is_watching = before

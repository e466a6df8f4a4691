"""The transaction that an atomic migration has for itself, and how it is told that the migration has ended it.

`COMMIT` in the SQL of a migration, `ROLLBACK` in its Python, or a driver's `commit()` leave the engine in another
transaction than the one that it began, or in none, and Django does not notice. Whatever such a migration did before may
stay although it fails, and may be gone although it seems to succeed.

Three things tell. The client knows after each statement whether any transaction is open. The server knows which one it
is (`Database.is_own_transaction`), asked once before the record is written. And a mark in the migration's step, written
first thing in the transaction and taken away last thing, is seen by others only if the transaction was committed in
between: it tells the truth even of a process that died.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.transaction import on_commit
from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

from auto_migrate.applying.operation_loop import Progress
from auto_migrate.databases.base import Database
from auto_migrate.history.journal import Journal

ROLLBACK = _lazy_re_compile(r"\s*(ROLLBACK|ABORT)(\s+(WORK|TRANSACTION))?[\s;]*", re.IGNORECASE)


class TransactionEnded(Exception):
    """The migration ended the transaction that it was given."""

    def __str__(self) -> str:
        # Raised where translations are off, and read where they are on.
        return _("the migration ended the transaction that it was given")


class TransactionLeftOpen(Exception):
    """The migration entered a block of `transaction.atomic()` and did not leave it: nothing would be committed."""

    def __str__(self) -> str:
        return _("a block of transaction.atomic() was entered and not left")


class OwnTransaction:
    """The transaction of one migration, or of its one operation `index`; without a `journal` it leaves no mark."""

    def __init__(self, database: Database, progress: Progress, journal: Journal | None, index: int = 1) -> None:
        self.database = database
        self.progress = progress
        self.journal = journal
        self.index = index
        self.ended = False
        self.closed = False
        # The driver's connection that it was begun on.
        self.driver: Any = None
        # Ended by a statement that keeps nothing, after which no other was let through.
        self.rolled_back = False

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Watch over the block, in which the migration does its work; raise `TransactionEnded` if it was ended."""
        # The first to hear of the commit, before anybody whom the migration lets know.
        on_commit(self.progress.note_commit, using=self.database.alias)
        self.driver = self.database.connection.connection
        blocks = len(self.database.connection.savepoint_ids)
        if self.journal is not None:
            with self.progress.aside():
                self.database.tell_transaction_apart()
                self.journal.begin(self.index)
        try:
            with self.database.connection.execute_wrapper(self._watch):
                yield
            self._check_open()
            self._check_left(blocks)
            self._check_own()
        except BaseException:
            self._leave_blocks(blocks)
            self.closed = self.database.connection.closed_in_transaction
            self._close_abandoned()
            raise

    def _check_left(self, blocks: int) -> None:
        if self._leave_blocks(blocks):
            raise TransactionLeftOpen

    def _leave_blocks(self, count: int) -> bool:
        """Forget the blocks that the migration has left open beyond the `count` around it; return whether it has any.

        Else the block around all of it would end one of them alone, and leave the transaction to nobody.
        """
        connection = self.database.connection
        surplus = len(connection.savepoint_ids) - count
        if surplus > 0:
            del connection.savepoint_ids[-surplus:], connection.atomic_blocks[-surplus:]
        return surplus > 0

    def _check_own(self) -> None:
        if self.journal is None:
            return
        with self.progress.aside():
            if not (self.database.is_own_transaction() and self.journal.confirm(self.index)):
                self.ended = True
                raise TransactionEnded

    @contextlib.contextmanager
    def settled(self) -> Iterator[None]:
        """Leave a trace if the block, which holds the transaction, raises after the migration has ended it."""
        try:
            yield
        except BaseException:
            if self.ended:
                self.settle()
            raise

    def settle(self) -> bool:
        """Return, after the transaction, whether something that it did may be kept; leave a trace of it if so."""
        if self.journal is None:
            return self.ended
        try:
            if self.journal.is_begun():
                return True
            if self.ended and not self.rolled_back:
                self.journal.begin(self.index)
        except (DatabaseError, InterfaceError):
            return self.ended
        return self.ended and not self.rolled_back

    def _watch(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self._check_open()
        try:
            result = execute(sql, params, many, context)
        except Exception:
            # What the statement itself raised says more than this.
            self.ended = self.ended or not self.database.in_transaction()
            raise
        if not self.ended and ROLLBACK.fullmatch(str(sql)):
            self.rolled_back = not self.database.in_transaction()
        self._check_open()
        return result

    def _close_abandoned(self) -> None:
        """Close the connection that the migration has put another one in the place of.

        Its transaction stays open while anything refers to it, with its locks, for which the other one would wait.
        """
        if self.driver is not None and self.driver is not self.database.connection.connection:
            with contextlib.suppress(Exception):
                self.driver.close()

    def _check_open(self) -> None:
        if self.ended or not self.database.in_transaction():
            self.ended = True
            raise TransactionEnded

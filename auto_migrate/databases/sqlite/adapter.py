"""SQLite: the embedded default. The deploy lock is a file beside the database."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases.address import Address, FileAddress
from auto_migrate.databases.base import Database, DeployLock, NoLock, Question, Row
from auto_migrate.databases.faults import Fault, FaultKind, causes, first_line
from auto_migrate.databases.options import translate_bad_options
from auto_migrate.databases.session_waits import Tell, tell_nobody
from auto_migrate.databases.sqlite.deploy_lock import FileLock
from auto_migrate.databases.statistics import SQLiteStatistics, Statistics

SAVEPOINT = "auto_migrate_own"

# Result codes of SQLite (https://www.sqlite.org/rescode.html), primary code = extended code & 0xff.
CANTOPEN = 14
KINDS = {
    5: FaultKind.LOCK_TIMEOUT,  # BUSY
    6: FaultKind.LOCK_TIMEOUT,  # LOCKED
    8: FaultKind.NO_PERMISSION,  # READONLY: the file, its folder, or the way in which it was opened
    15: FaultKind.LOCK_TIMEOUT,  # PROTOCOL: others were quicker, many times, to lock the write-ahead log
    26: FaultKind.BAD_ADDRESS,  # NOTADB: a file of another kind
}

HINTS = {
    FaultKind.NO_DATABASE: gettext_noop(
        "Make the folder of {name}, or correct the path in DATABASES[{alias!r}] (or DATABASE_URL)."
    ),
    FaultKind.NO_PERMISSION: gettext_noop(
        "Let the user of this process write to {name} and to the folder that it is in: ls -ld {name}*"
    ),
}


def file_of(name: str) -> Path | None:
    """Return the file that SQLite opens for a NAME, whichever way there; None for a database in memory.

    Names that begin with "file:" are URIs (https://www.sqlite.org/uri.html); in all others "?", "#" and "%" stand for
    themselves.
    """
    if name.startswith("file:"):
        uri = urlsplit(name)
        options = parse_qs(uri.query)
        if "memory" in options.get("mode", ()) or "memdb" in options.get("vfs", ()):
            return None
        name = unquote(uri.path)
    return Path(os.path.realpath(name)) if name not in {"", ":memory:"} else None


class SQLite(Database):
    """A database file of this machine, or one in memory that only this process has."""

    vendor = "sqlite"

    @property
    def statistics(self) -> Statistics:
        return SQLiteStatistics(self.connection)

    @property
    def path(self) -> Path | None:
        """The database's file; None for one in memory."""
        return file_of(str(self.connection.settings_dict["NAME"]))

    @property
    def address(self) -> Address:
        name = str(self.path or ":memory:")
        return FileAddress(self.alias, "this machine", "this process", name)

    def prepare(self) -> None:
        with translate_bad_options(self):
            super().prepare()

    def check_writable(self) -> None:
        if self.connection.in_atomic_block:
            return
        try:
            with self.impatient():
                self._write_and_take_back()
        except OperationalError as error:
            # Another writer proves that it is writable. It may be the runner whose turn it is, and the right place to
            # wait for that one is the deploy lock.
            fault = self.fault_of(error)
            if fault is None or not fault.kind.contention:
                raise

    def _write_and_take_back(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                # The write lock alone is given to those who may only read, too.
                cursor.execute("PRAGMA user_version")
                cursor.execute(f"PRAGMA user_version = {cursor.fetchone()[0]}")
            finally:
                if self.connection.connection.in_transaction:
                    cursor.execute("ROLLBACK")

    @contextlib.contextmanager
    def impatient(self) -> Iterator[None]:
        # How many milliseconds each statement waits is a matter of the connection, and OPTIONS["timeout"] gives it.
        with self.connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            (patience,) = cursor.fetchone()
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                yield
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {patience}")

    def fault_of(self, error: BaseException) -> Fault | None:
        for cause in causes(error):
            code = getattr(cause, "sqlite_errorcode", None)
            if code is not None:
                kind = self._kind_of_cantopen() if code & 0xFF == CANTOPEN else KINDS.get(code & 0xFF)
                return Fault(kind, first_line(cause)) if kind else None
        return None

    def _kind_of_cantopen(self) -> FaultKind:
        path = self.path
        if path is None or os.path.isdir(path):
            return FaultKind.BAD_ADDRESS
        if not os.path.isdir(path.parent):
            return FaultKind.NO_DATABASE
        hidden = os.path.exists(path) or not os.access(path.parent, os.W_OK | os.X_OK)
        return FaultKind.NO_PERMISSION if hidden else FaultKind.NO_DATABASE

    def hint(self, kind: FaultKind) -> str:
        address = self.address
        return _(HINTS[kind]).format(name=address.name, alias=self.alias) if kind in HINTS else super().hint(kind)

    def begin_migration(self, clock: Clock, question: Question | None = None, tell: Tell = tell_nobody) -> list[Row]:
        # A statement that writes takes the write lock although it changes nothing. Whoever else believes to hold the
        # deploy lock waits here, and sees our record before it begins.
        table = self.connection.ops.quote_name(MigrationRecorder.Migration._meta.db_table)
        with self.connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE 0")  # noqa: S608 # Django's own table
        return super().begin_migration(clock, question)

    def in_transaction(self) -> bool:
        driver: Any = self.connection.connection
        return driver is None or bool(driver.in_transaction)

    def has_transaction_open(self) -> bool:
        return self.connection.connection is not None and self.in_transaction()

    def tell_transaction_apart(self) -> None:
        # The savepoint is gone as soon as the transaction is.
        with self.connection.cursor() as cursor:
            cursor.execute(f"SAVEPOINT {SAVEPOINT}")

    def is_own_transaction(self) -> bool:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f"RELEASE SAVEPOINT {SAVEPOINT}")
        except OperationalError:
            return False
        return True

    def deploy_lock(self, runner: str) -> DeployLock:
        path = self.path
        if path is None or get_settings().LOCK == "none":
            return NoLock()
        return FileLock(self, path, runner)

"""SQLite: the embedded default. The deploy lock is a file beside the database."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from pathlib import Path
from typing import IO

from django.core.files import locks
from django.db import OperationalError
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Address, Database, DeployLock, NoLock
from auto_migrate.databases.faults import Fault, Kind, causes, first_line
from auto_migrate.events import Holder
from auto_migrate.exceptions import PassingFault

LOCK_SUFFIX = ".auto_migrate.lock"

# Result codes of SQLite (https://www.sqlite.org/rescode.html), primary code = extended code & 0xff.
PASSING = {5: Kind.LOCK_TIMEOUT, 6: Kind.LOCK_TIMEOUT}  # BUSY, LOCKED
PERMANENT = {3: Kind.NO_PERMISSION, 8: Kind.NO_PERMISSION, 14: Kind.NO_DATABASE, 26: Kind.NO_DATABASE}


class SQLite(Database):
    """A database file of this machine, or one in memory that only this process has."""

    vendor = "sqlite"

    @property
    def path(self) -> Path | None:
        """The database's file; None for one in memory."""
        name = str(self.connection.settings_dict["NAME"])
        if self.connection.is_in_memory_db():  # type: ignore[attr-defined] # only SQLite's wrapper has it
            return None
        return Path(name.removeprefix("file:").split("?")[0] if name.startswith("file:") else name).resolve()

    @property
    def address(self) -> Address:
        name = str(self.path or ":memory:")
        return Address(self.alias, "this machine", "this process", name)

    def check_writable(self) -> None:
        # Taking the write lock and giving it back is the only question that a read-only file answers truly.
        if self.connection.in_atomic_block:
            return
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("PRAGMA user_version")
            cursor.execute("ROLLBACK")

    def fault_of(self, error: BaseException) -> Fault | None:
        for cause in causes(error):
            code = getattr(cause, "sqlite_errorcode", None)
            if code is not None:
                kind = PASSING.get(code & 0xFF) or PERMANENT.get(code & 0xFF)
                return Fault(kind, first_line(cause)) if kind else None
        if isinstance(error, OperationalError) and self.path and not self.path.parent.is_dir():
            return Fault(Kind.NO_DATABASE, first_line(error))
        return None

    def deploy_lock(self, runner: str) -> DeployLock:
        path = self.path
        if path is None or get_settings().LOCK == "none":
            return NoLock()
        return FileLock(path.with_name(path.name + LOCK_SUFFIX), runner)


def described(text: str) -> Holder:
    """Read what a holder wrote into its lock file; a file that says nothing still has a holder."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        told = json.loads(text)
        return Holder(str(told["runner"]), datetime.datetime.fromisoformat(told["since"]))
    return Holder("")


class FileLock(DeployLock):
    """An advisory lock on a file, which the operating system drops with the process.

    The file itself stays: deleting it would let two runners lock two different files of one name.
    """

    def __init__(self, path: Path, runner: str) -> None:
        self.path = path
        self.runner = runner
        self._file: IO[str] | None = None

    def try_acquire(self) -> bool:
        file = self.path.open("a+", encoding="utf-8")
        try:
            held = locks.lock(file, locks.LOCK_EX | locks.LOCK_NB)
        except OSError:
            held = False
        if not held:
            file.close()
            return False
        self._file = file
        file.truncate(0)
        file.write(json.dumps({"runner": self.runner, "since": datetime.datetime.now(tz=datetime.UTC).isoformat()}))
        file.flush()
        return True

    def holder(self) -> Holder | None:
        if not self.path.exists():
            return None
        with self.path.open(encoding="utf-8") as file:
            try:
                free = locks.lock(file, locks.LOCK_SH | locks.LOCK_NB)
            except OSError:
                free = False
            if free:
                locks.unlock(file)
                return None
            return described(file.read())

    def verify(self) -> None:
        try:
            kept = self._file is not None and os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except OSError:
            kept = False
        if not kept:
            detail = _("{path} was removed").format(path=self.path)
            raise PassingFault(_(Kind.DEPLOY_LOCK_LOST.value), detail=detail)

    def release(self) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

"""The deploy lock of SQLite: a lock on a file beside the database, which the operating system drops with the process.

The file itself stays: deleting it would let two runners lock two different files of one name.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.core.files import locks
from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.faults import Fault, FaultKind
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Holder

LOCK_SUFFIX = ".auto_migrate.lock"


def described(file: IO[bytes]) -> Holder:
    """Read what a holder wrote into its lock file; a file that says nothing still has a holder."""
    # Windows does not let others read what is locked.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(file.read())
        return Holder(str(told["runner"]), datetime.datetime.fromisoformat(told["since"]))
    return Holder("")


class FileLock(DeployLock):
    """An advisory lock on a file."""

    def __init__(self, database: Database, beside: Path, runner: str, suffix: str = LOCK_SUFFIX) -> None:
        self.database = database
        self.beside = beside
        self.path = beside.with_name(beside.name + suffix)
        self.runner = runner
        self._file: IO[bytes] | None = None

    def try_acquire(self) -> bool:
        with self._translate_refusals(), contextlib.ExitStack() as stack:
            file = stack.enter_context(self._open())
            if not (locks.lock(file, locks.LOCK_EX | locks.LOCK_NB) and self._is_in_place(file)):
                return False
            stack.pop_all()
            self._file = file
            self._describe(file)
            return True

    def _open(self) -> IO[bytes]:
        """Open the lock file for whoever may write to the database; the release step may be root, and the next not."""
        database = self.beside.stat()
        mode = database.st_mode & 0o666
        file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, mode), "r+b", buffering=0)
        with contextlib.suppress(OSError, AttributeError):  # somebody else's file, or Windows
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), database.st_uid, database.st_gid)
        return file

    @contextlib.contextmanager
    def _translate_refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.database.explain(Fault(FaultKind.NO_PERMISSION, str(error))) from error

    def _describe(self, file: IO[bytes]) -> None:
        told = {"runner": self.runner, "since": datetime.datetime.now(tz=datetime.UTC).isoformat()}
        file.truncate(0)
        file.write(json.dumps(told).encode())

    def _is_in_place(self, file: IO[bytes]) -> bool:
        """Return whether the file is still the one that others find under its name."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def holder(self) -> Holder | None:
        with self._translate_refusals(), contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            if not locks.lock(file, locks.LOCK_SH | locks.LOCK_NB):
                return described(file)
        return None

    def verify(self) -> None:
        if self._file is None or not self._is_in_place(self._file):
            raise TransientError(
                _(FaultKind.DEPLOY_LOCK_LOST.value), detail=_("{path} was removed").format(path=self.path)
            )

    def release(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.truncate(0)
            with contextlib.suppress(OSError):
                file.close()

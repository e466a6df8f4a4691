"""The git-ignored folder `.run/`: its lock, what is generated once and kept, and what a killed run left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path

import psutil

# Every process of a run carries this variable with the folder's path, so that the next run can find what is left of it.
MARK = "MAKE_RUN_FOLDER"
GENERATED = (
    "SECRET_KEY",
    "AUTO_MIGRATE_TOKEN",
    "GHOSTPAY_WEBHOOK_SECRET",
    "TRIBOPAY_WEBHOOK_SECRET",
    "POSTGRES_PASSWORD",
    "DJANGO_SUPERUSER_PASSWORD",
)


class AlreadyRunning(Exception):
    """Another run has the folder; the text is its process id."""


class RunFolder:
    """One run at a time, and values that stay the same from run to run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path / "lock"
        self.values = path / "env"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; raise `AlreadyRunning` if another run does."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        with self.lock.open("a+") as file:
            try:
                # Unlike flock, this lock is not passed on to children, who may outlive a run that is killed.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                raise AlreadyRunning(file.read().strip()) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def load(self) -> dict[str, str]:
        """Read what earlier runs kept, and generate the secrets that are not there yet."""
        lines = self.values.read_text().splitlines() if self.values.exists() else []
        kept = dict(word.split("=", 1) for line in lines for word in shlex.split(line) if "=" in word)
        return {**{name: secrets.token_urlsafe(32) for name in GENERATED}, **kept}

    def save(self, values: dict[str, str]) -> None:
        """Keep `values` where only the owner can read them, in a form that a shell can source."""
        self.values.touch(mode=0o600)
        self.values.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items())))

    def leftovers(self) -> list[psutil.Process]:
        """Find the processes of this folder's runs that still live."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def end_leftovers(self) -> int:
        """End them, by force if need be, and tell how many there were."""
        found = self.leftovers()
        pids = {process.pid for process in found}
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.ppid() not in pids:  # a parent ends its own children, in the order that it needs
                    process.terminate()
        for process in psutil.wait_procs(found, timeout=10)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return len(found)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.pid != os.getpid() and process.environ().get(MARK) == str(self.path)
        except psutil.Error:
            return False

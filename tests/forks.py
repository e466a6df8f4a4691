"""Management commands as real processes by the dozen: forked from one in which the project is already loaded.

A process that starts from nothing spends most of its time on imports; one that is forked begins where Django is set up,
has connections, signals and a death of its own, and costs a few milliseconds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.manage import ROOT, environment
from tests.programs import freeze, start


class Forked:
    """One process. Its output and errors are one text, in the order in which they were written."""

    def __init__(self, nursery: Nursery, pid: int, output: Path) -> None:
        self.nursery = nursery
        self.pid = pid
        self.path = output
        self.returncode: int | None = None

    @property
    def output(self) -> str:
        """What the process has written so far."""
        return self.path.read_text(encoding="utf-8", errors="replace")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for the end and return the exit code, negative for a signal as in `subprocess`."""
        if self.returncode is None:
            self.returncode = self.nursery.ask(wait=self.pid)
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code, or None while the process lives."""
        if self.returncode is None:
            self.returncode = self.nursery.ask(poll=self.pid)
        return self.returncode


class Nursery:
    """A process that has loaded one project and forks commands from it."""

    def __init__(
        self,
        settings: str,
        database_url: str,
        env: Mapping[str, str] | None = None,
        *,
        python: str = sys.executable,
        stderr: int | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="forks-"))
        # Outputs are read when the nursery is long closed.
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._count = 0
        self._guard = threading.Lock()
        self._process = start(
            [python, "-m", "tests.forks"],
            env=environment({"DATABASE_URL": database_url, **(env or {})}, settings=settings),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    def start(self, *arguments: str, database_url: str, env: Mapping[str, str] | None = None) -> Forked:
        """Start `manage.py` with `arguments` on a database of the same vendor."""
        self._count += 1
        output = self.folder / str(self._count)
        output.touch()
        env = {"DATABASE_URL": database_url, **(env or {})}
        return Forked(self, self.ask(arguments=arguments, env=env, output=str(output)), output)

    def run(self, *arguments: str, database_url: str, env: Mapping[str, str] | None = None) -> Forked:
        """Run `manage.py` with `arguments` to its end."""
        process = self.start(*arguments, database_url=database_url, env=env)
        process.wait()
        return process

    def ask(self, **request: Any) -> Any:
        """Send one request and return its answer."""
        assert self._process.stdin
        assert self._process.stdout
        with self._guard:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


def main() -> None:
    """Load the project, then fork a command for each line read, until there are no more."""
    import django
    from django.core.management import get_commands, load_command_class
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader

    # What a project prints while it loads is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    django.setup()
    MigrationLoader(None)
    connections.close_all()
    for name in ("auto_migrate", "migrate"):
        if name in get_commands():
            load_command_class(get_commands()[name], name)
    freeze()
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "arguments" in request:
            answer: int | None = fork(**request)
            children.add(answer or 0)
        else:
            flags = os.WNOHANG if "poll" in request else 0
            pid, status = os.waitpid(request.get("wait") or request["poll"], flags)
            answer = os.waitstatus_to_exitcode(status) if pid else None
            children.discard(pid)
        print(json.dumps(answer), file=answers, flush=True)
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def fork(arguments: list[str], env: dict[str, str], output: str) -> int:
    """Fork one command and return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        with open(output, "ab") as file, open(os.devnull, "rb") as nothing:  # a descriptor is needed
            os.dup2(nothing.fileno(), 0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
        os.environ.update(env)
        if conf := sys.modules.get("auto_migrate.conf"):
            # Some packages ask the database while they are loaded, by when the settings have been read.
            conf.get_settings.cache_clear()
        code = command(arguments, env["DATABASE_URL"])
    except BaseException:  # noqa: BLE001 # as the interpreter would at its end
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def command(arguments: list[str], database_url: str) -> int:
    """Run one command on a database and return its exit code."""
    from django.core.management import ManagementUtility
    from django.db import connections

    from tests.projects.base_settings import database

    wanted = database(database_url)
    del wanted["ENGINE"]
    connections.settings["default"].update(wanted)
    try:
        ManagementUtility(["manage.py", *arguments]).execute()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(bool(ending.code))
    return 0


if __name__ == "__main__":
    main()

"""The file of recorded statements: one JSON object a line, each statement once, without values.

A line is a statement, `{"statement": "SELECT …", "vendor": "postgresql", "nulls": [2]}`, or the end of a session that
recorded, `{"session": {"complete": true}}`. Several processes may write at once.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from auto_migrate.conf import RECORD_VARIABLE
from auto_migrate.exceptions import UsageError
from auto_migrate.workload.kinds import is_of_release
from auto_migrate.workload.normalization import LONGEST, normalized
from auto_migrate.workload.statement import RecordedStatement, Workload, together


class StatementFile:
    """A file that this process adds to, as others may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: set[str] = set()
        self._read = 0

    def begin(self) -> None:
        """Empty the file, or make it; raise `UsageError` where that cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("")
        except OSError as error:
            raise UsageError(
                _("{path} cannot be written: {error}").format(path=self.path, error=error.strerror),
                hint=_("Name another file: {variable}=statements.jsonl").format(variable=RECORD_VARIABLE),
            ) from error
        self._known, self._read = set(), 0

    def add(self, statement: RecordedStatement) -> None:
        """Write a statement down, unless somebody has."""
        line: dict[str, Any] = {"statement": statement.text, "vendor": statement.vendor}
        if statement.nulls:
            line["nulls"] = sorted(statement.nulls)
        self._append(json.dumps(line))

    def end(self, *, complete: bool) -> None:
        """Note that a session is over, and whether it ran all tests and they passed; what was told twice is joined."""
        with self.path.open("ab+") as file, locked(file):
            file.seek(0)
            joined: dict[tuple[str, str], dict[str, Any]] = {}
            sessions = []
            for line in file.read().decode(errors="replace").splitlines():
                entry = _entry(line)
                if entry is None or "session" in entry:
                    sessions += [entry] if entry else []
                    continue
                first = joined.setdefault((entry["vendor"], entry["statement"]), entry)
                if nulls := {*first.get("nulls", ()), *entry.get("nulls", ())}:
                    first["nulls"] = sorted(nulls)
            file.truncate(0)
            for entry in (*joined.values(), *sessions, {"session": {"complete": complete}}):
                file.write(f"{json.dumps(entry)}\n".encode())

    def _append(self, line: str) -> None:
        if line in self._known:
            return
        with self.path.open("ab+") as file, locked(file):
            file.seek(self._read)
            self._known.update(file.read().decode(errors="replace").splitlines())
            if line not in self._known:
                file.write(f"{line}\n".encode())
                self._known.add(line)
            self._read = file.tell()


def _entry(line: str) -> dict[str, Any] | None:
    """Return a line that this module has written, None of any other."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    is_own = isinstance(entry, dict) and ("session" in entry or {"vendor", "statement"} <= entry.keys())
    return entry if is_own else None


@contextlib.contextmanager
def locked(file: IO[bytes]) -> Iterator[None]:
    """Keep other processes from the file while the block runs, where the platform can."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        file.flush()
        fcntl.flock(file, fcntl.LOCK_UN)


def read_files(paths: Iterable[str | Path]) -> Workload:
    """Read recorded statements; raise `UsageError` for a file that is not there or holds none."""
    return together([_read(Path(path)) for path in paths])


def _read(path: Path) -> Workload:
    hint = _("Record the statements of your tests: {variable}={path} pytest").format(
        variable=RECORD_VARIABLE, path=path
    )
    try:
        # Anybody may have written it, and what is no text is no statement.
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        told = _("{path} cannot be read: {error}").format(path=path, error=error.strerror)
        raise UsageError(told, hint=hint) from error
    statements: dict[RecordedStatement, None] = {}
    sessions, strange = [], 0
    for line in filter(str.strip, text.split("\n")):
        try:
            entry = json.loads(line)
            if "session" in entry:
                sessions.append(entry["session"]["complete"] is True)
            elif (one := _statement(entry)) is not None:
                statements[one] = None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            strange += 1
    if not statements:
        raise UsageError(_("{path} holds no recorded statements.").format(path=path), hint=hint)
    return Workload(tuple(statements), path.name, tuple(_gaps(path, sessions, strange)))


def _statement(entry: Any) -> RecordedStatement | None:
    """Return what a line tells, once more without values: somebody may have written it by hand."""
    text, vendor = entry["statement"], str(entry.get("vendor", "postgresql"))
    if len(text) > LONGEST:
        raise ValueError
    found = normalized(text, vendor=vendor)
    if not is_of_release(found.text):
        return None
    return RecordedStatement(found.text, nulls=frozenset(map(int, entry.get("nulls", ()))), vendor=vendor)


def _gaps(path: Path, sessions: list[bool], strange: int) -> Iterator[str]:
    if not sessions or not all(sessions):
        yield _("{path} is not of a whole run of the tests that passed").format(path=path.name)
    if strange:
        yield _("{path} has lines that cannot be read: {count}").format(path=path.name, count=strange)


def path_of_environment() -> Path | None:
    """Return the file that the environment asks to record to, None if it asks for none."""
    found = os.environ.get(RECORD_VARIABLE, "")
    # Processes that tests start may work elsewhere.
    return Path(found).absolute() if found else None

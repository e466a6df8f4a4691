"""Runs management commands as real processes, the way a platform does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.programs import finish, start, start_fresh
from tests.requirements import without_hidden_modules

ROOT = Path(__file__).resolve().parent.parent
MANAGE = str(ROOT / "manage.py")
SECRET_KEY = "a-key-for-tests-only-and-fifty-characters-long-or-so"

# The test run's own variables that a child needs; everything else that it shall see is passed by the test.
KEPT = ("PATH", "HOME", "TMPDIR", "REDIS_URL", "COVERAGE_PROCESS_START", "COVERAGE_FILE")


def environment(extra: Mapping[str, str] | None = None, *, settings: str = "sms_sender.settings") -> dict[str, str]:
    """Return a clean environment in which `python` is the one that runs the tests."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    variables = {
        **kept,
        "LANG": "C.UTF-8",
        "LANGUAGE_CODE": "en",
        "DEBUG": "false",
        "SECRET_KEY": SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **(extra or {}),
    }
    return without_hidden_modules(variables)


def start_manage(
    *arguments: str,
    database_url: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    settings: str = "sms_sender.settings",
    fresh: bool = False,
    prefix: Sequence[str] = (),
    **popen: Any,
) -> subprocess.Popen[str]:
    """Start `manage.py` with `arguments`; its output and errors come through pipes, as text.

    `fresh` begins with a new interpreter, for tests of how one begins or ends; so does a command `prefix`.
    """
    extra = {**({"DATABASE_URL": database_url} if database_url else {}), **(env or {})}
    popen = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
    command = [*prefix, sys.executable, MANAGE, *arguments]
    given = environment(extra, settings=settings)
    return (start_fresh if fresh or prefix else start)(command, env=given, cwd=cwd or ROOT, **popen)


def run_manage(
    *arguments: str, timeout: float = 120, stdin_text: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end; takes the options of `start_manage`."""
    if stdin_text is not None:
        options["stdin"] = subprocess.PIPE
    return finish(start_manage(*arguments, **options), timeout=timeout, text=stdin_text)

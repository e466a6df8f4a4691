"""Sets the environment before Django's settings are read: a pytest plugin, loaded with `-p`.

Only names and ports are set here; the servers behind them start when a test first needs them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from tests.drivers import prelude
from tests.manage import SECRET_KEY
from tests.servers import PostgreSQL, Redis, free_port

MEMORY = Path("/dev/shm")
ROOM = 8 << 30
"""Bytes that servers and projects of a run may take, with some to spare."""


def keep_files_in_memory() -> None:
    """Let temporary files be in memory where it has the room: a run makes half a million of them, and deletes most.

    What one leaves behind is there until the next begins.
    """
    if "TMPDIR" in os.environ or not has_room():
        return
    for left in MEMORY.glob("tests-*"):
        if not Path("/proc", left.name.removeprefix("tests-")).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = MEMORY / f"tests-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)  # servers run as somebody else
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None


def has_room() -> bool:
    """Return whether this machine has memory to spare, which files can be written to and programs be run from."""
    with contextlib.suppress(OSError, TypeError):
        place = os.statvfs(MEMORY)
        free = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        room = min(place.f_bavail * place.f_frsize, int(free[1]) << 10 if free else 0)
        return room >= ROOM and not place.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK)
    return False


keep_files_in_memory()

# Long before they start it is known where; a port that somebody takes meanwhile is tried again (tests/retries.py).
POSTGRESQL = PostgreSQL(port=free_port())
REDIS = Redis(port=free_port())

# What the tests run under, whatever the shell that started them had set.
ENVIRONMENT = {
    "DATABASE_URL": POSTGRESQL.url(),
    "REDIS_URL": REDIS.url(),
    "SECRET_KEY": SECRET_KEY,
    "DEBUG": "false",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "LANGUAGE_CODE": "en",
    "DJANGO_SETTINGS_MODULE": "sms_sender.settings",
}

for name in [name for name in os.environ if name.startswith("AUTO_MIGRATE_")]:
    del os.environ[name]
os.environ.update(ENVIRONMENT)
exec(prelude(), {})  # as every interpreter does that is started here

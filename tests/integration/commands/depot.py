"""The depot project, its commands as real processes, and a look into its databases."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg

from auto_migrate.databases.postgresql.deploy_lock import LOCK_KEY
from tests.manage import run_manage

SETTINGS = "tests.projects.depot.settings"
PLAN = [
    "contenttypes.0001_initial",
    "contenttypes.0002_remove_content_type_name",
    "goods.0001_initial",
    "goods.0002_labels",
    "goods.0003_weight",
    "goods.0004_fragile",
]
GOODS = [name for name in PLAN if name.startswith("goods.")]


def depot(*arguments: str, url: str, language: str = "en", **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the depot to its end."""
    return run_manage(*arguments, database_url=url, settings=SETTINGS, env={"LANGUAGE_CODE": language, **env})


def migrated(*arguments: str, url: str, **options: str) -> str:
    """Run `auto_migrate`, which must end well and say nothing on standard error, and return what it printed."""
    done = depot("auto_migrate", *arguments, url=url, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def query(url: str, statement: str) -> list[Any]:
    """Ask or change a database on a connection of its own."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(url, autocommit=True) as server:
        cursor = server.execute(statement)
        return cursor.fetchall() if cursor.description else []


def recorded(url: str) -> list[str]:
    """Return the recorded migrations of the depot's own app, in the order in which they were recorded."""
    rows = query(url, "SELECT app, name FROM django_migrations WHERE app = 'goods' ORDER BY id")
    return [f"{app}.{name}" for app, name in rows]


def runs(url: str) -> list[tuple[Any, ...]]:
    """Return who asked for each run, how it ended and with how many migrations planned, oldest first."""
    statement = "SELECT requested_by, status, exit_code, total FROM auto_migrate_run ORDER BY requested_at"
    return [tuple(row) for row in query(url, statement)]


def steps(url: str) -> list[tuple[str, str]]:
    """Return each migration of the newest run and how it ended."""
    rows = query(
        url,
        "SELECT app_label, name, status FROM auto_migrate_step WHERE run_id ="
        " (SELECT id FROM auto_migrate_run ORDER BY requested_at DESC LIMIT 1) ORDER BY position",
    )
    return [(f"{app}.{name}", status) for app, name, status in rows]


def timeless(text: str) -> str:
    """Put one duration in the place of all."""
    return re.sub(r"\(\d+\.\d{3}s\)", "(0.000s)", text)


@contextlib.contextmanager
def locked(url: str, statement: str) -> Iterator[None]:
    """Hold what a statement locks."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield


def deploy_lock(url: str) -> contextlib.AbstractContextManager[None]:
    """Hold the deploy lock as another runner would."""
    return locked(url, f"SET application_name = 'a runner'; SELECT pg_advisory_xact_lock({LOCK_KEY})")

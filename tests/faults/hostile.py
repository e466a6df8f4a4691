"""One hostile migration carried out, and what was said, what was recorded and what is there afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg

from tests.forks import Forked, Nursery

SETTINGS = "tests.projects.hostile.settings"
# No pause between the attempts of a run, and no assessment that would refuse what is to be tried.
QUIET = {"AUTO_MIGRATE_RETRY_DELAY": "0", "AUTO_MIGRATE_MAX_RETRIES": "2", "AUTO_MIGRATE_BLOCK": "never"}
APPS = ("firm", "loose")
WHOLE = ["before", "after"]
# Bodies that write a word of their own on their way.
WRITE = frozenset({"durable", "autocommit off", "commit and fail"})


class Ask(Protocol):
    """Something that carries out a statement and gives its rows."""

    def __call__(self, statement: str) -> list[Any]: ...


@dataclasses.dataclass(frozen=True)
class Found:
    """What a run left: its exit code and words, and what the database says."""

    code: int
    output: str
    words: list[str]
    recorded: bool
    run: str
    step: str

    @property
    def said_nothing_kept(self) -> bool:
        """Whether the operator was told that nothing of it is there."""
        return "Nothing of it was kept" in self.output

    @property
    def commands(self) -> list[list[str]]:
        """The commands that the operator was told to choose from."""
        return [found.split() for found in re.findall(r"manage\.py (auto_migrate \S*.*--resolve \S+)", self.output)]


class Stage:
    """A database in which the first migrations are applied, set back before each case."""

    def __init__(self, nursery: Nursery, url: str, ask: Ask) -> None:
        self.nursery = nursery
        self.url = url
        self.ask = ask

    def prepare(self) -> None:
        """Apply the first migrations."""
        for app in APPS:
            done = self.nursery.run("auto_migrate", app, "0001", database_url=self.url)
            assert done.returncode == 0, done.output

    def reset(self, app: str) -> None:
        """Set the database back to that."""
        self.ask(f"DELETE FROM {app}_word")
        self.ask("DELETE FROM django_migrations WHERE name = '0002_body'")
        for label in APPS:
            # One of the bodies empties the record.
            there = f"SELECT 1 FROM django_migrations WHERE app = '{label}'"
            row = f"SELECT '{label}', '0001_initial', CURRENT_TIMESTAMP WHERE NOT EXISTS ({there})"
            self.ask(f"INSERT INTO django_migrations (app, name, applied) {row}")
        self.ask("DELETE FROM auto_migrate_step")
        self.ask("DELETE FROM auto_migrate_run")

    def run(self, app: str, body: str, *command: str, **env: str) -> Found:
        """Carry the second migration out with a body."""
        arguments = command or ("auto_migrate", app)
        env = {"BODY": body, "APP": app, **env}
        return self.found(app, self.nursery.run(*arguments, database_url=self.url, env=env))

    def found(self, app: str, done: Forked) -> Found:
        """Look."""
        runs = self.ask("SELECT status FROM auto_migrate_run ORDER BY requested_at DESC")
        steps = self.ask(
            "SELECT auto_migrate_step.status FROM auto_migrate_step JOIN auto_migrate_run"
            " ON auto_migrate_run.id = run_id ORDER BY requested_at DESC"
        )
        recorded = self.ask(f"SELECT 1 FROM django_migrations WHERE app = '{app}' AND name = '0002_body'")
        words = [word for (word,) in self.ask(f"SELECT text FROM {app}_word ORDER BY id")]
        run, step = (str(rows[0][0]) if rows else "" for rows in (runs, steps))
        return Found(done.returncode or 0, done.output, words, bool(recorded), run, step)


def disagreement(app: str, body: str, found: Found) -> str:
    """Say where what was said, what was recorded and what is there differ after a first run, or nothing."""
    done = found.words == (["before", "body", "after"] if body in WRITE else WHOLE)
    died = found.run == "running"
    late = "until its commit failed" in found.output
    wrong = {
        f"recorded: {found.recorded}, there: {found.words}": found.recorded is not done,
        f"recorded: {found.recorded}, its step: {found.step}": not died
        and found.recorded is not (found.step == "applied"),
        f"it ends with 0, and the run is {found.run}": found.code == 0 and found.run != "succeeded",
        "a run stays open that has an end": died and "failed at operation" in found.output,
        f"exit code {found.code}, run {found.run}, there: {found.words}": not (died or late)
        and not ((found.code == 0) is done is (found.run == "succeeded")),
        "what was put off passes for done": late and not (found.code == 1 and found.run == "failed" and done),
        f"it says that nothing was kept, and there is {found.words}": found.said_nothing_kept and bool(found.words),
        f"it does not say what to type, and there is {found.words}": app == "firm"
        and bool(found.words)
        and not (done or died or found.commands),
    }
    return "; ".join(text for text, holds in wrong.items() if holds)


def aftermath(stage: Stage, app: str, before: Found) -> str:
    """Mend the migration, run again, follow what is printed, and say what is wrong then, or nothing."""
    again = stage.run(app, "")
    if again.code == 0:
        # Nothing was there, or the operation was known to have done nothing: each word once.
        return "" if sorted(set(again.words)) == sorted(again.words) and again.recorded else f"in the end {again.words}"
    if again.words != before.words or again.run != "failed" or not again.commands:
        return f"the next run: {again.code}, {again.run}, {again.words}\n{again.output}"
    if stage.ask("SELECT 1 FROM auto_migrate_run WHERE status = 'running'"):
        return "a run stays open"
    # The other app is to stay as it is.
    settled = stage.run(app, "", "auto_migrate", app, *again.commands[0][1:])
    if settled.code or not settled.recorded or settled.words.count("before") != before.words.count("before"):
        return f"`=done` ends with {settled.code}, {settled.words}\n{settled.output}"
    return ""


def problem(stage: Stage, app: str, body: str) -> str:
    """Try one body in one app from its beginning to its end, and say what is wrong, or nothing."""
    stage.reset(app)
    found = stage.run(app, body)
    if differs := disagreement(app, body, found):
        return f"{differs}\n{found.output}"
    return "" if found.recorded else aftermath(stage, app, found)


@contextlib.contextmanager
def on_postgresql(nursery: Nursery, url: str) -> Iterator[Stage]:
    """Return a stage on PostgreSQL."""
    with psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection:

        def ask(statement: str) -> list[Any]:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

        stage = Stage(nursery, url, ask)
        stage.prepare()
        yield stage


@contextlib.contextmanager
def on_sqlite(nursery: Nursery, path: Path) -> Iterator[Stage]:
    """Return a stage on SQLite."""

    def ask(statement: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    stage = Stage(nursery, f"sqlite:///{path}", ask)
    stage.prepare()
    yield stage

"""Runs to be watched and cut: forked runners of one project on one database."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.sweep import Point, points_in
from tests.forks import Forked, Nursery
from tools.servers import wait_until


class Deploy:
    """One project's deploys to one database, each a process of its own."""

    def __init__(self, nursery: Nursery, url: str, *, direct_url: str = "") -> None:
        self.nursery = nursery
        self.url = url
        # The server itself, where `url` leads through something that is in the way of looking.
        self.direct_url = direct_url or url

    def start(self, *arguments: str, **env: str) -> Forked:
        """Start `manage.py auto_migrate`."""
        return self.nursery.start("auto_migrate", *arguments, database_url=self.url, env=env)

    def run(self, *arguments: str, expect: int = 0, **env: str) -> str:
        """Run `manage.py auto_migrate` to its end, demand its exit code and return its output."""
        done = self.start(*arguments, **env)
        assert done.wait() == expect, done.output
        return done.output

    def points(self, *arguments: str, **env: str) -> list[Point]:
        """Run to the end and return the points at which it could have been killed."""
        counted = self.start(*arguments, COUNT_TO="/dev/stdout", **env)
        assert counted.wait() == 0, counted.output
        return list(points_in(counted.output))

    def cut(self, point: Point, *arguments: str) -> None:
        """Run and be killed at the point."""
        killed = self.start(*arguments, KILL_AT=point.place)
        assert killed.wait() == -signal.SIGKILL, killed.output

    def stop(self, point: Point, *arguments: str, **env: str) -> Forked:
        """Start a run and give it when it stands still at the point; `kill(signal.SIGCONT)` lets it go on."""
        runner = self.start(*arguments, STOP_AT=point.place, **env)
        stat = Path(f"/proc/{runner.pid}/stat")
        wait_until(
            lambda: stat.read_text().rpartition(")")[2].split()[0] in "TZ", timeout=60, message=lambda: runner.output
        )
        assert runner.poll() is None, runner.output
        return runner

    def query(self, statement: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Ask the database on a connection of its own."""
        with psycopg.connect(self.direct_url, autocommit=True) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask the database for one value."""
        return self.query(statement, params)[0][0]

    def await_true(self, statement: str, runner: Forked | None = None) -> None:
        """Wait until the database answers true, for half a minute at the most."""
        wait_until(
            lambda: bool(self.value(statement)),
            timeout=30,
            message=lambda: f"Never true: {statement}\n{runner.output if runner else ''}",
        )

    def recorded(self) -> list[str]:
        """Return the recorded migrations in their order, one as often as it is recorded."""
        return [f"{app}.{name}" for app, name in self.query("SELECT app, name FROM django_migrations ORDER BY id")]


def the_point(points: list[Point], side: str, words: str, migration: str = "") -> Point:
    """Return the first point on one side of a statement with these words."""
    found = [p for p in points if p.side == side and words in p.statement and migration in p.migration]
    assert found, f"No statement has {words!r}."
    return found[0]

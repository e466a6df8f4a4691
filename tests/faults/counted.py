"""A database whose rows are to be counted up by one, on any vendor, and what is true of it."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.sweep import Point, points_in
from tests.forks import Forked, Nursery
from tests.servers import MariaDB, PostgreSQL

SETTINGS = "tests.projects.backfilled.settings"
TABLES = ("stock_item", "stock_parcel", "stock_tag", "stock_line")
ROWS = {"stock_item": 500, "stock_parcel": 60, "stock_tag": 60, "stock_line": 60}


@dataclasses.dataclass
class Counted:
    """One database of the project, at its first migration."""

    nursery: Nursery
    url: str
    execute: Callable[[str], list[Any]]

    def start(self, *arguments: str, **env: str) -> Forked:
        """Start a command."""
        return self.nursery.start(*arguments, database_url=self.url, env=env)

    def run(self, *arguments: str, expect: int = 0, **env: str) -> str:
        """Run a command to its end, demand its exit code and return its output."""
        done = self.start(*arguments, **env)
        assert done.wait() == expect, done.output
        return done.output

    def points(self, *arguments: str) -> list[Point]:
        """Run to the end and return the points at which it could have been killed."""
        return list(points_in(self.run(*arguments, COUNT_TO="/dev/stdout")))

    def times(self) -> dict[str, list[tuple[int, int]]]:
        """Return, table by table, how many rows were counted up how often."""
        return {
            table: [(int(n), int(rows)) for n, rows in self.execute(f"SELECT n, count(*) FROM {table} GROUP BY n")]
            for table in TABLES
        }

    def reset(self, *names: str) -> None:
        """Take migrations back by hand, with all that their runs left."""
        for name in names:
            self.execute(f"DELETE FROM django_migrations WHERE name = '{name}'")
        for table in ("auto_migrate_backfill", "auto_migrate_step", "auto_migrate_run"):
            self.execute(f"DELETE FROM {table}")
        for table in TABLES:
            self.execute(f"UPDATE {table} SET n = 0")


ONCE = {table: [(1, rows)] for table, rows in ROWS.items()}


@contextlib.contextmanager
def counted_on(server: PostgreSQL | MariaDB | Path, name: str, **env: str) -> Iterator[Counted]:
    """Make a database of the project on a server, or in a folder, for processes of a further environment."""
    env = {"AUTO_MIGRATE_RETRY_DELAY": "0.2", **env}
    if isinstance(server, Path):
        file = server / f"{name}.sqlite3"
        url = f"sqlite:///{file}"
    else:
        url = server.create_database(name)

    def execute(statement: str) -> list[Any]:
        if not isinstance(server, Path):
            return server.execute(statement, database=name)
        with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection, connection:
            return connection.execute(statement).fetchall()

    with Nursery(SETTINGS, url, env) as nursery:
        counted = Counted(nursery, url, execute)
        counted.run("auto_migrate", "stock", "0001_initial")
        yield counted
    if not isinstance(server, Path):
        server.drop_database(name)

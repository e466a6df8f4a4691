"""An unapply that is killed at each of its statements, on databases of two kinds, and what is said and left then."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import re
import signal
import uuid
from collections.abc import Iterator, Sequence

from tests.faults.sweep import Clone, Point, points_in
from tests.forks import Nursery
from tests.servers import MariaDB, PostgreSQL
from tests.snapshot import snapshot

SETTINGS = "tests.projects.undone.settings"
BACK = ("auto_migrate", "store", "0001")
LOSSES = ("--acknowledge=AM301:store.0003_c", "--acknowledge=AM301:store.0002_more")
HALF = "SELECT 1 FROM auto_migrate_step WHERE operations_done > 0 OR operation_started IS NOT NULL"
QUICK = {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}


class Bed(abc.ABC):
    """Databases of one server in which the project is applied whole."""

    nursery: Nursery

    @abc.abstractmethod
    def database(self) -> contextlib.AbstractContextManager[str]:
        """Return the name of one, gone afterwards."""

    @abc.abstractmethod
    def empty(self) -> contextlib.AbstractContextManager[str]:
        """Return the name of an empty one."""

    @abc.abstractmethod
    def url(self, name: str) -> str:
        """Return its URL."""

    @abc.abstractmethod
    def holds(self, name: str) -> str:
        """Describe all that it holds but the history."""

    @abc.abstractmethod
    def ask(self, name: str, query: str) -> Sequence[object]:
        """Return the rows of a query."""

    def run(self, name: str, *command: str, expect: int = 0, **env: str) -> str:
        """Run a command, demand its exit code and return its output."""
        done = self.nursery.run(*command, database_url=self.url(name), env=env)
        assert done.returncode == expect, f"{command} ends with {done.returncode}:\n{done.output}"
        return done.output

    def measure(self) -> tuple[list[Point], str]:
        """Find the points and the right result by an unapply that nothing disturbs."""
        with self.database() as name:
            points = list(points_in(self.run(name, *BACK, *LOSSES, COUNT_TO="/dev/stdout")))
            return points, self.holds(name)

    def check_first_deploy(self, point: Point, wanted: str) -> None:
        """Kill a run from an empty database at the point, run again, and raise if anything is wrong then."""
        with self.empty() as name:
            self.run(name, "auto_migrate", expect=-signal.SIGKILL, KILL_AT=point.place)
            self.run(name, "auto_migrate")
            assert self.holds(name) == wanted
            assert not self.ask(name, HALF)
            assert "No migrations to apply." in self.run(name, "auto_migrate")

    def measure_first_deploy(self) -> tuple[list[Point], str]:
        """Find the points and the right result of a run from an empty database."""
        with self.empty() as name:
            points = list(points_in(self.run(name, "auto_migrate", COUNT_TO="/dev/stdout")))
            return points, self.holds(name)

    def check(self, point: Point, wanted: str) -> None:
        """Kill the unapply at the point, see what is said of it, let it be finished, and raise if anything is wrong."""
        with self.database() as name:
            self.run(name, *BACK, *LOSSES, expect=-signal.SIGKILL, KILL_AT=point.place)
            if self.ask(name, HALF):
                for command in (("auto_migrate", "--check"), ("auto_migrate",), ("migrate",)):
                    said = self.run(name, *command, expect=7)
                    assert "was cut while it was unapplied" in said
                    assert re.search(r"manage\.py auto_migrate store 000[12]_\w+$", said, re.MULTILINE), said
            self.run(name, *BACK, *LOSSES)
            assert self.holds(name) == wanted
            assert not self.ask(name, HALF)
            assert "No migrations to apply." in self.run(name, *BACK)
            # And all of it can be applied again.
            self.run(name, "auto_migrate", AUTO_MIGRATE_BLOCK="never")


@dataclasses.dataclass
class OnPostgreSQL(Bed):
    """Copies of one database."""

    server: PostgreSQL
    nursery: Nursery
    template: str

    def database(self) -> contextlib.AbstractContextManager[str]:
        return Clone(self.server, self.template)

    def empty(self) -> contextlib.AbstractContextManager[str]:
        return Clone(self.server, "template1")

    def url(self, name: str) -> str:
        return self.server.url(name)

    def holds(self, name: str) -> str:
        return repr(snapshot(self.server, name))

    def ask(self, name: str, query: str) -> Sequence[object]:
        return self.server.execute(query, database=name)


@dataclasses.dataclass
class OnMariaDB(Bed):
    """Databases that are made anew, since none can be copied."""

    server: MariaDB
    nursery: Nursery

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        with self.empty() as name:
            self.run(name, "auto_migrate")
            yield name

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        name = f"undone_{uuid.uuid4().hex[:12]}"
        self.server.create_database(name)
        try:
            yield name
        finally:
            self.server.drop_database(name)

    def url(self, name: str) -> str:
        return self.server.url(name)

    def holds(self, name: str) -> str:
        tables = [table for (table,) in self.server.execute("SHOW TABLES", database=name) if "auto_" not in table]
        queries = [
            *(f"SHOW CREATE TABLE {table}" for table in tables),
            # An INSERT that was rolled back has used its numbers up.
            "SELECT n FROM store_item ORDER BY n",
            "SELECT app, name FROM django_migrations ORDER BY app, name",
        ]
        found = self.server.execute("; ".join(queries), database=name)
        return re.sub(r"AUTO_INCREMENT=\d+ ", "", repr(found))

    def ask(self, name: str, query: str) -> Sequence[object]:
        return self.server.execute(query, database=name)


@contextlib.contextmanager
def on_postgresql(server: PostgreSQL) -> Iterator[OnPostgreSQL]:
    """Return a bed on PostgreSQL."""
    with Clone(server, "template1") as name, Nursery(SETTINGS, server.url(name), QUICK) as nursery:
        bed = OnPostgreSQL(server, nursery, name)
        bed.run(name, "auto_migrate")
        yield bed


@contextlib.contextmanager
def on_mariadb(server: MariaDB) -> Iterator[OnMariaDB]:
    """Return a bed on MariaDB."""
    with Nursery(SETTINGS, server.url("mysql"), QUICK) as nursery:
        yield OnMariaDB(server, nursery)

"""Any number of runners at once: all succeed, and each migration is carried out and recorded once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.forks import Forked, Nursery
from tests.servers import MariaDB, PgBouncer, PostgreSQL
from tests.snapshot import snapshot

COUNTER = "tests.projects.counter.settings"
SWEEP = "tests.projects.sweep.settings"
ONCE = {("tally", "0001_initial"): 1, ("tally", "0002_count"): 1}


@pytest.fixture(scope="module")
def counter(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of the project that counts."""
    with Nursery(COUNTER, postgresql.url()) as nursery:
        yield nursery


def at_once(nursery: Nursery, number: int, url: str, *arguments: str) -> list[Forked]:
    """Run as many commands at the same time, and demand that all succeed, and that none needed more than the lock."""
    runners = [nursery.start("auto_migrate", *arguments, database_url=url) for _ in range(number)]
    for runner in runners:
        assert runner.wait() == 0, runner.output
        assert "Attempt 2" not in runner.output
        assert "ALREADY DONE" not in runner.output
    return runners


def appliers(runners: list[Forked], migration: str) -> int:
    """Count the runners that say they applied a migration themselves."""
    return sum(f"Applying {migration}... OK" in runner.output for runner in runners)


def outcome(url: str) -> tuple[list[tuple[int]], Counter[tuple[str, str]]]:
    """Read the counted values and how often each migration is recorded."""
    with psycopg.connect(url) as connection:
        values = connection.execute("SELECT value FROM tally_total").fetchall()
        recorded = Counter(connection.execute("SELECT app, name FROM django_migrations").fetchall())
    return values, recorded


def test_twenty_runners_on_an_empty_database_leave_what_one_leaves(postgresql: PostgreSQL, database_url: str) -> None:
    name = database_url.rpartition("/")[2]
    alone = postgresql.create_database(f"{name}_alone")
    with Nursery(SWEEP, database_url) as nursery:
        at_once(nursery, 1, alone)
        runners = at_once(nursery, 20, database_url)
    assert appliers(runners, "shop.0005_double") == 1
    assert snapshot(postgresql, name).difference(snapshot(postgresql, f"{name}_alone")) == ""
    postgresql.drop_database(f"{name}_alone")


def test_twenty_runners_count_once(counter: Nursery, database_url: str) -> None:
    at_once(counter, 1, database_url, "tally", "0001")
    runners = at_once(counter, 20, database_url)
    assert outcome(database_url) == ([(1,)], ONCE)
    assert appliers(runners, "tally.0002_count") == 1


def test_twenty_runners_count_once_through_a_pooler(
    counter: Nursery, pgbouncer: PgBouncer, postgresql: PostgreSQL, database_url: str
) -> None:
    pooled = pgbouncer.url(database_url.rpartition("/")[2])
    runners = at_once(counter, 20, pooled)
    assert outcome(database_url) == ([(1,)], ONCE)
    assert appliers(runners, "tally.0002_count") == 1
    assert postgresql.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_five_runners_count_once_on_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    with Nursery(COUNTER, url := f"sqlite:///{file}") as nursery:
        runners = at_once(nursery, 5, url)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT value FROM tally_total").fetchall() == [(1,)]
        assert Counter(connection.execute("SELECT app, name FROM django_migrations").fetchall()) == ONCE
    connection.close()
    assert appliers(runners, "tally.0002_count") == 1


def test_five_runners_count_once_on_mariadb(mariadb: MariaDB, mariadb_url: str) -> None:
    name = mariadb_url.rpartition("/")[2]
    with Nursery(COUNTER, mariadb_url) as nursery:
        runners = at_once(nursery, 5, mariadb_url)
    assert mariadb.execute("SELECT value FROM tally_total", database=name) == [["1"]]
    recorded = mariadb.execute("SELECT app, name FROM django_migrations", database=name)
    assert Counter(map(tuple, recorded)) == ONCE
    assert appliers(runners, "tally.0002_count") == 1

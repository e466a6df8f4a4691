"""A server that goes away and comes back, and connections that are cut: the same run finishes by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.faults.sweep import QUICK, SETTINGS, Clone, Point, Sweep
from tests.forks import Nursery
from tests.runners import Deploy, the_point
from tests.servers import PostgreSQL, Proxy
from tests.snapshot import snapshot

# Where the run stands still while it happens: side, words of the statement, migration.
PLACES = {
    "before anything": ("after", "SELECT pg_is_in_recovery()", ""),
    "with the lock": ("after", "pg_try_advisory_xact_lock", ""),
    "in a transaction": ("after", "CREATE TABLE", "library.0001"),
    "with data changed": ("after", "UPDATE", "library.0003"),
    "before a commit": ("before", "COMMIT", "shop.0002"),
    "after a commit": ("after", "COMMIT", "shop.0002"),
    "before a concurrent build": ("before", "CREATE INDEX CONCURRENTLY", "shop.0004"),
    "after a concurrent build": ("after", "CREATE INDEX CONCURRENTLY", "shop.0004"),
    "before the record": ("before", 'INSERT INTO "django_migrations"', "shop.0005"),
    "in sql of its own": ("after", "CREATE INDEX CONCURRENTLY IF NOT EXISTS", "shop.0006"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """Serve a PostgreSQL that nobody minds to lose, and that keeps what it has committed."""
    with PostgreSQL(synchronous_commit="on") as server:
        yield server


@pytest.fixture(scope="module")
def sweep(server: PostgreSQL) -> Iterator[Sweep]:
    """Return the points of an undisturbed run, and its result."""
    with Sweep(server, "auto_migrate") as sweep, sweep.beginning_after("auth"):
        yield sweep.measure()


def place(sweep: Sweep, name: str) -> Point:
    """Return the point of a place."""
    return the_point(sweep.points, *PLACES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PLACES)
def test_a_server_that_crashes_and_comes_back_is_waited_for(server: PostgreSQL, sweep: Sweep, name: str) -> None:
    restart_at(name, "immediate", server, sweep)


@pytest.mark.parametrize("name", ["with data changed", "after a concurrent build"])
def test_a_server_that_says_goodbye_and_comes_back_is_waited_for(server: PostgreSQL, sweep: Sweep, name: str) -> None:
    restart_at(name, "fast", server, sweep)


def restart_at(name: str, mode: str, server: PostgreSQL, sweep: Sweep) -> None:
    """Restart the server while a run stands at a place, and demand that it ends as if nothing had happened."""
    with Clone(server, sweep.template) as database:
        runner = Deploy(sweep.nursery, server.url(database)).stop(place(sweep, name))
        server.restart(mode)
        runner.kill(signal.SIGCONT)
        assert runner.wait() == 0, runner.output
        assert "Attempt 2/5" in runner.output
        assert snapshot(server, database).difference(sweep.wanted) == ""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PLACES)
def test_connections_that_are_cut_are_made_again(server: PostgreSQL, sweep: Sweep, name: str) -> None:
    with Clone(server, sweep.template) as database, Proxy(server) as proxy:
        runner = Deploy(sweep.nursery, proxy.url(server.url(database))).stop(place(sweep, name))
        proxy.cut()
        runner.kill(signal.SIGCONT)
        assert runner.wait() == 0, runner.output
        assert "Attempt 2/5" in runner.output
        assert snapshot(server, database).difference(sweep.wanted) == ""


def test_a_server_that_stays_away_ends_the_run_after_its_attempts(server: PostgreSQL, sweep: Sweep) -> None:
    with Clone(server, sweep.template) as database, Proxy(server) as proxy:
        url = proxy.url(server.url(database))
        with Nursery(SETTINGS, url, {**QUICK, "AUTO_MIGRATE_MAX_RETRIES": "2"}) as nursery:
            runner = Deploy(nursery, url, direct_url=server.url(database)).stop(place(sweep, "with data changed"))
            proxy.refuse()
            proxy.cut()
            runner.kill(signal.SIGCONT)
            assert runner.wait() == 3, runner.output
            proxy.accept()
            assert nursery.run("auto_migrate", database_url=url).returncode == 0
        assert snapshot(server, database).difference(sweep.wanted) == ""

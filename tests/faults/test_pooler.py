"""Through PgBouncer in transaction mode: a killed run is finished too, and nothing is left on pooled connections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.sweep import Clone, Point, Sweep
from tests.runners import Deploy, the_point
from tests.servers import PgBouncer, PostgreSQL
from tests.snapshot import snapshot
from tools.servers import wait_until

POOL_SIZE = 3
# Where the run is killed: side, words of the statement, migration.
PLACES = {
    "with the lock": ("after", "pg_try_advisory_xact_lock", ""),
    "in a transaction": ("after", "CREATE TABLE", "library.0001"),
    "before a commit": ("before", "COMMIT", "shop.0002"),
    "before a concurrent build": ("before", "CREATE INDEX CONCURRENTLY", "shop.0004"),
    "after a concurrent build": ("after", "CREATE INDEX CONCURRENTLY", "shop.0004"),
    "in sql of its own": ("after", "CREATE INDEX CONCURRENTLY IF NOT EXISTS", "shop.0006"),
}
ADVISORY = (
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)
TRACES = (
    "SELECT name, setting, reset_val FROM pg_settings WHERE setting <> reset_val AND name IN ('lock_timeout',"
    " 'statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', 'application_name',"
    " 'client_connection_check_interval', 'default_transaction_isolation')"
)


@pytest.fixture(scope="module")
def pooler(postgresql: PostgreSQL) -> Iterator[PgBouncer]:
    """Serve a pooler with few places."""
    with PgBouncer(postgresql, pool_size=POOL_SIZE) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def sweep(postgresql: PostgreSQL) -> Iterator[Sweep]:
    """Return the result of an undisturbed run."""
    with Sweep(postgresql, "auto_migrate") as sweep, sweep.beginning_after("auth"):
        yield sweep.measure()


@pytest.fixture(scope="module")
def points(sweep: Sweep, pooler: PgBouncer) -> list[Point]:
    """Return the points of an undisturbed run through the pooler, which sets less."""
    with Clone(sweep.server, sweep.template) as database:
        return Deploy(sweep.nursery, pooler.url(database)).points()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PLACES)
def test_killed_through_a_pooler_the_next_run_finishes_it_and_nothing_is_left_on_the_server(
    postgresql: PostgreSQL, pooler: PgBouncer, sweep: Sweep, points: list[Point], name: str
) -> None:
    with Clone(postgresql, sweep.template) as database:
        deploy = Deploy(sweep.nursery, pooler.url(database), direct_url=postgresql.url(database))
        deploy.cut(the_point(points, *PLACES[name]))
        deploy.run()
        assert snapshot(postgresql, database).difference(sweep.wanted) == ""
        assert deploy.value(ADVISORY) == 0
        assert traces(pooler, database) == []


def traces(pooler: PgBouncer, database: str) -> list[tuple[str, str, str]]:
    """Look at the settings of every server connection of the pool, by taking all of them at once."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(pooler.url(database))) for _ in range(POOL_SIZE)]
        backends = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients}
        assert len(backends) == POOL_SIZE
        return [row for client in clients for row in client.execute(TRACES).fetchall()]


def test_a_run_that_is_not_disturbed_leaves_no_trace_either(
    postgresql: PostgreSQL, pooler: PgBouncer, sweep: Sweep
) -> None:
    with Clone(postgresql, sweep.template) as database:
        deploy = Deploy(sweep.nursery, pooler.url(database), direct_url=postgresql.url(database))
        assert "A pooler is in between" in deploy.run()
        assert deploy.value(ADVISORY) == 0
        assert traces(pooler, database) == []


def test_a_direct_address_is_taken_in_place_of_the_pooler(
    postgresql: PostgreSQL, pooler: PgBouncer, sweep: Sweep
) -> None:
    with Clone(postgresql, sweep.template) as database:
        deploy = Deploy(sweep.nursery, pooler.url(database), direct_url=postgresql.url(database))
        output = deploy.run(AUTO_MIGRATE_DIRECT_URLS=f"default={postgresql.url(database)}")
        assert "pooler" not in output
        assert snapshot(postgresql, database).difference(sweep.wanted) == ""


def test_a_pooler_that_lends_one_connection_is_told_of(postgresql: PostgreSQL, sweep: Sweep) -> None:
    with PgBouncer(postgresql, pool_size=1) as narrow, Clone(postgresql, sweep.template) as database:
        runner = Deploy(sweep.nursery, narrow.url(database), direct_url=postgresql.url(database)).start()
        wait_until(lambda: "default_pool_size" in runner.output, timeout=60, message=lambda: runner.output)
        runner.kill()
        runner.wait()

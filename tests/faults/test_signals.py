"""The first signal ends a run at a safe place, the second at once; a kill frees the lock although a statement runs."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest

from auto_migrate.databases.postgresql.deploy_lock import LOCK_KEY
from auto_migrate.interrupts import ECHO
from tests.faults.sweep import Point
from tests.forks import Forked, Nursery
from tests.runners import Deploy, the_point
from tests.servers import PostgreSQL
from tools.servers import wait_until

# Far longer than any test waits.
NAP = 120
SLEEPS = (
    "EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
    " AND query LIKE 'SELECT pg_sleep%')"
)
HOLDS = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"
    " AND datname = current_database() AND application_name LIKE 'auto_migrate %:{pid} %')"
)


@pytest.fixture(scope="module")
def napping(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of the project whose statements can take long."""
    with Nursery("tests.projects.naps.settings", postgresql.url(), {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}) as nursery:
        yield nursery


@pytest.fixture(scope="module")
def points(napping: Nursery, postgresql: PostgreSQL) -> list[Point]:
    """Return the points of a run from an empty database to the end."""
    url = postgresql.create_database("nap_measured")
    points = Deploy(napping, url).points()
    postgresql.drop_database("nap_measured")
    return points


@pytest.fixture
def deploy(napping: Nursery, database_url: str) -> Deploy:
    """Return deploys of that project to an empty database."""
    return Deploy(napping, database_url)


def asleep(deploy: Deploy, applied: str) -> Forked:
    """Return a runner whose statement after the migration `applied` will not end."""
    deploy.run("naps", applied)
    deploy.query(f"UPDATE naps_nap SET seconds = {NAP}")
    runner = deploy.start()
    deploy.await_true(f"SELECT {SLEEPS}", runner)
    deploy.query("UPDATE naps_nap SET seconds = 0")
    return runner


@pytest.mark.parametrize("migration", ["naps.0001_initial", "naps.0002_atomic", "naps.0003_loose"])
def test_after_a_signal_the_current_migration_is_completed_and_no_other_begun(
    deploy: Deploy, points: list[Point], migration: str
) -> None:
    words = "INSERT INTO naps_nap" if migration.endswith("initial") else "pg_sleep"
    runner = deploy.stop(the_point(points, "after", words, migration))
    runner.kill(signal.SIGTERM)
    runner.kill(signal.SIGCONT)
    assert runner.wait() == 8, runner.output
    assert deploy.recorded()[-1] == migration
    assert deploy.value("SELECT status FROM auto_migrate_run") == "interrupted"
    assert f"Applying {migration}..." not in deploy.run()
    assert len(deploy.recorded()) == len(set(deploy.recorded())) == 4


def test_a_signal_ends_the_wait_for_the_deploy_lock(deploy: Deploy) -> None:
    with psycopg.connect(deploy.url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        runner = deploy.start()
        wait_until(lambda: "Waiting for the deploy lock" in runner.output, timeout=30, message=lambda: runner.output)
        runner.kill(signal.SIGTERM)
        assert runner.wait() == 8, runner.output
    assert deploy.value("SELECT to_regclass('naps_nap') IS NULL")
    deploy.run()


@pytest.mark.parametrize("applied", ["0001", "0002"], ids=["atomic", "loose"])
def test_a_second_signal_stops_at_once_and_the_next_run_recovers(deploy: Deploy, applied: str) -> None:
    runner = asleep(deploy, applied)
    runner.kill(signal.SIGTERM)
    wait_until(lambda: "Asked to stop" in runner.output, timeout=30, message=lambda: runner.output)
    insist(runner)
    assert runner.wait() == 8, runner.output
    assert "Traceback" not in runner.output
    assert re.search(r"^CommandError: Stopped at once by a second signal\.$", runner.output, re.MULTILINE)
    deploy.run()
    assert len(deploy.recorded()) == len(set(deploy.recorded())) == 4


def insist(runner: Forked) -> None:
    """Send the signal again until the runner ends: one that comes very soon after the first is taken for its echo."""
    for _ in range(30):
        time.sleep(ECHO)
        if runner.poll() is not None:
            return
        runner.kill(signal.SIGTERM)
    pytest.fail(f"Nothing ended it:\n{runner.output}")


@pytest.mark.parametrize("applied", ["0001", "0002"], ids=["atomic", "loose"])
def test_the_lock_of_a_runner_killed_during_a_long_statement_is_free_long_before_the_statement_would_end(
    deploy: Deploy, applied: str
) -> None:
    killed = asleep(deploy, applied)
    killed.kill()
    heir = deploy.start()
    wait_until(
        lambda: heir.poll() is not None or bool(deploy.value(HOLDS.format(pid=heir.pid))),
        timeout=20,
        message=lambda: heir.output,
    )
    deploy.await_true(f"SELECT NOT {SLEEPS}", heir)
    assert heir.wait() == 0, heir.output
    assert len(deploy.recorded()) == len(set(deploy.recorded())) == 4
    assert killed.wait() == -signal.SIGKILL

"""Every wait of a run has a limit, says who is in the way, and ends; and nobody who lost his turn goes on."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from auto_migrate.databases.postgresql.adapter import RECORD_KEY
from tests.faults.sweep import Clone, Point
from tests.forks import Nursery
from tests.runners import Deploy, the_point
from tests.servers import PgBouncer, PostgreSQL
from tools.servers import wait_until

QUICK = {"AUTO_MIGRATE_LOCK_PATIENCE": "2", "AUTO_MIGRATE_RETRY_DELAY": "0.1", "AUTO_MIGRATE_MAX_RETRIES": "2"}
# Every how many points a sample is taken; `make sweep` takes them all.
STEP = 120
NO_LOCKS = (
    "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture(scope="module")
def nursery(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of the project whose operations can be cut."""
    with Nursery("tests.projects.cut.settings", postgresql.url(), {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}) as nursery:
        yield nursery


@pytest.fixture
def deploy(nursery: Nursery, database_url: str) -> Deploy:
    """Return deploys of that project to an empty database."""
    return Deploy(nursery, database_url)


@pytest.fixture(scope="module")
def points(nursery: Nursery, postgresql: PostgreSQL) -> Iterator[list[Point]]:
    """Return the points of a run from an empty database to the end."""
    url = postgresql.create_database("measured_waits")
    yield Deploy(nursery, url).points()
    postgresql.drop_database("measured_waits")


def name_of(holder: psycopg.Connection) -> str:
    """Return how somebody who is in the way is named."""
    return f"pid {holder.info.backend_pid}, {holder.info.user}, an old console, idle in transaction"


def test_a_record_lock_that_somebody_holds_is_waited_for_to_an_end(deploy: Deploy) -> None:
    deploy.run("ledger", "0001")
    with psycopg.connect(deploy.url, application_name="an old console") as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [RECORD_KEY])
        output, who = deploy.run(expect=5, **QUICK), name_of(holder)
    assert "another transaction has held the lock on the record" in output
    assert output.count(who) >= 2, "while it waits, and at the end"
    assert "pg_terminate_backend" in output
    assert deploy.recorded() == ["ledger.0001_initial"]
    deploy.run()


def test_the_table_of_the_record_that_somebody_has_locked_is_waited_for_to_an_end(deploy: Deploy) -> None:
    deploy.run("ledger", "0001")
    with psycopg.connect(deploy.url, application_name="an old console") as holder:
        holder.execute("LOCK TABLE django_migrations")
        output, who = deploy.run(expect=5, **QUICK), name_of(holder)
    assert output.count(who) >= 2, "while it waits, and at the end"
    assert "locked by somebody else" in output
    deploy.run()


def test_a_history_that_somebody_has_locked_holds_no_run_up_for_ever(deploy: Deploy) -> None:
    deploy.run("ledger", "0001")
    with psycopg.connect(deploy.url, application_name="an old console") as holder:
        holder.execute("LOCK TABLE auto_migrate_run")
        assert name_of(holder) in deploy.run(expect=5, **{**QUICK, "AUTO_MIGRATE_LOCK_PATIENCE": "0.2"})
    assert deploy.value(NO_LOCKS)
    deploy.run()


QUESTIONS = [
    ("auto_migrate", "--check"),
    ("auto_migrate", "--plan"),
    ("wait_for_migrations", "--timeout=1"),
    ("rehearse_migrations",),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_whoever_only_asks_waits_for_what_is_locked_to_an_end(deploy: Deploy, question: tuple[str, ...]) -> None:
    deploy.run("ledger", "0001")
    with psycopg.connect(deploy.url) as holder:
        holder.execute("LOCK TABLE django_migrations")
        asked = deploy.nursery.start(*question, database_url=deploy.url, env={"AUTO_MIGRATE_LOCK_PATIENCE": "0.2"})
        assert asked.wait() == 5, asked.output
    assert "locked by somebody else" in asked.output


def test_whoever_only_asks_is_told_who_is_in_the_way(deploy: Deploy) -> None:
    deploy.run("ledger", "0001")
    with psycopg.connect(deploy.url, application_name="an old console") as holder:
        holder.execute("LOCK TABLE django_migrations")
        output, who = deploy.run("--check", expect=5, AUTO_MIGRATE_LOCK_PATIENCE="4"), name_of(holder)
    assert output.count(who) >= 2, "while it waits, and at the end"
    assert "pg_terminate_backend" in output


def test_behind_a_pooler_waits_end_as_well(deploy: Deploy, pgbouncer: PgBouncer) -> None:
    deploy.run("ledger", "0001")
    through = Deploy(deploy.nursery, pgbouncer.url(deploy.url.rpartition("/")[2]))
    with psycopg.connect(deploy.url) as holder:
        holder.execute("LOCK TABLE django_migrations")
        quick = {**QUICK, "AUTO_MIGRATE_LOCK_PATIENCE": "0.2"}
        assert "locked by somebody else" in through.run(expect=5, **quick)
        assert "locked by somebody else" in through.run("--check", expect=5, **quick)
    through.run()


def test_who_is_in_the_way_of_a_concurrent_build_is_told(deploy: Deploy) -> None:
    deploy.run("ledger", "0003")
    with psycopg.connect(deploy.url, application_name="an old console") as holder:
        holder.execute("UPDATE ledger_entry SET value = value")
        runner, who = deploy.start(), name_of(holder)
        wait_until(lambda: who in runner.output, timeout=30, message=lambda: runner.output)
    assert runner.wait() == 0, runner.output


def test_a_concurrent_build_does_not_wait_for_ever(deploy: Deploy) -> None:
    deploy.run("ledger", "0004")
    with psycopg.connect(deploy.url) as holder:
        holder.execute("UPDATE ledger_entry SET value = value")
        limits = {"AUTO_MIGRATE_LOCK_WAIT": "1", "AUTO_MIGRATE_LOCK_PATIENCE": "1", "AUTO_MIGRATE_MAX_RETRIES": "1"}
        output = deploy.run(expect=1, **limits)
    assert "a lock was not had in time" in output
    assert "Nothing was changed" not in output, "an INVALID index is there"
    deploy.run()
    assert deploy.value("SELECT bool_and(indisvalid) FROM pg_index")


# -- a host that vanishes ---------------------------------------------------------------------------------------------


def test_both_ends_of_both_connections_ask_within_seconds_whether_the_other_is_there(
    deploy: Deploy, points: list[Point]
) -> None:
    runner = deploy.stop(the_point(points, "after", 'ALTER TABLE "ledger_entry" ADD COLUMN "note"'))
    try:
        ports = deploy.query(
            "SELECT client_port FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state = 'idle in transaction'"
        )
        assert len(ports) == 2
        # What was just sent has another timer until it is confirmed.
        wait_until(lambda: [soon(port) for (port,) in ports] == [2, 2], timeout=10, message=lambda: "two hours")
    finally:
        runner.kill(signal.SIGCONT)
    assert runner.wait() == 0, runner.output


def soon(port: int) -> int:
    """Count the ends of a local connection at which the kernel asks the other one within half a minute; see proc(5)."""
    ends = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _number, local, remote, status, _queues, timer, *_ = line.split()
        kind, when = timer.split(":")
        if f":{port:04X}" in local + remote and (status, kind) == ("01", "02"):
            ends += int(when, 16) / os.sysconf("SC_CLK_TCK") <= 30
    return ends


# -- whoever lost the turn --------------------------------------------------------------------------------------------

# The migrations of the project that are carried out operation by operation.
JOURNALED = ("ledger.0002_total", "ledger.0003_value", "ledger.0004_value_index", "ledger.0005_total_index")
INDEXES = "SELECT count(*) FROM pg_class WHERE relname IN ('ledger_entry_value', 'ledger_entry_total')"


def overtake(deploy: Deploy, point: Point) -> None:
    """Let a run that is stopped lose the deploy lock, another one finish, and what it built be dropped again."""
    stopped = deploy.stop(point)
    try:
        deploy.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'auto_migrate %'"
        )
        finish(deploy)
        deploy.query("DROP INDEX ledger_entry_value")
        deploy.query("DROP INDEX ledger_entry_total")
    finally:
        stopped.kill(signal.SIGCONT)
    stopped.wait()
    assert deploy.value(INDEXES) == 0, f"{point}\n{stopped.output}"
    assert deploy.query("SELECT value, total FROM ledger_entry") == [(7, 1), (7, 1)], f"{point}\n{stopped.output}"
    assert len(set(deploy.recorded())) == len(deploy.recorded())
    deploy.await_true(NO_LOCKS)


def finish(deploy: Deploy) -> None:
    """Run to the end, and find out in place of the operator what nobody else can know."""
    done = deploy.start()
    if done.wait() == 0:
        return
    asked = re.findall(r"(--resolve) (\S+:\d+)=done", done.output)
    assert asked, done.output
    ((option, operation),) = asked
    is_done = "total:2" in operation and deploy.value("SELECT bool_and(total = 1) FROM ledger_entry")
    deploy.run(option, f"{operation}={'done' if is_done else 'redo'}")


def test_a_runner_that_was_stopped_builds_nothing_that_others_have_dropped(deploy: Deploy, points: list[Point]) -> None:
    overtake(deploy, the_point(points, "before", "CREATE INDEX CONCURRENTLY", "ledger.0005"))


@pytest.mark.timeout(3600 if "SWEEP" in os.environ else 120)
def test_a_runner_stopped_anywhere_in_what_is_journaled_does_no_harm_when_it_comes_back(
    nursery: Nursery, postgresql: PostgreSQL, points: list[Point]
) -> None:
    inside = [point for point in points if point.migration in JOURNALED]
    assert len(inside) > 30
    for point in inside if "SWEEP" in os.environ else inside[3::STEP]:
        with Clone(postgresql, "template1") as name:
            overtake(Deploy(nursery, postgresql.url(name)), point)

"""For whom a backfill waits: a real replica, vacuum, an old transaction; and what it says where it cannot tell."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from auto_migrate.databases.postgresql.congestion import Congestion
from tests.faults.counted import ONCE, Counted, counted_on
from tests.forks import Forked
from tests.projects.base_settings import database
from tests.servers import PostgreSQL15
from tests.servers.standby import Standby
from tools.servers import wait_until

NAME = "counted_waits"
BEGIN = ("auto_migrate", "stock", "0002_count")
WORK = ("backfills", "run")


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgreSQL15]:
    """Serve a primary whose WAL nobody can archive."""
    with PostgreSQL15(archive_mode="on", archive_command="false") as server:
        server.create_role("app", "app")
        yield server


@pytest.fixture(scope="module")
def standby(primary: PostgreSQL15) -> Iterator[Standby]:
    """Serve a replica of it."""
    with Standby(primary) as server:
        asked = "SELECT state = 'streaming' FROM pg_stat_replication"
        wait_until(lambda: primary.execute(asked) == [(True,)], timeout=60, message=lambda: server.failure("is away"))
        yield server


@pytest.fixture(scope="module")
def project(primary: PostgreSQL15, standby: Standby) -> Iterator[Counted]:
    """Return the project on the primary, whose alias `other` is the replica."""
    with counted_on(primary, NAME, OTHER_DATABASE_URL=standby.url(NAME)) as counted:
        counted.run(*BEGIN, AUTO_MIGRATE_BACKFILL_SIGNALS="none")
        yield counted


@pytest.fixture
def counted(project: Counted) -> Counted:
    """Return it with a backfill that is to be done."""
    project.reset("0002_count")
    project.run(*BEGIN, AUTO_MIGRATE_BACKFILL_SIGNALS="none")
    return project


@contextlib.contextmanager
def paused(standby: Standby) -> Iterator[None]:
    """Let the replica stand still within the block."""
    standby.execute("SELECT pg_wal_replay_pause()")
    state = "SELECT pg_get_wal_replay_pause_state()"
    wait_until(lambda: standby.execute(state) == [("paused",)], timeout=60, message=lambda: standby.failure("goes on"))
    try:
        yield
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")


def held_by(counted: Counted, words: str, worker: Forked) -> str:
    """Wait until the backfill is held up by something, and return what it says."""
    told: dict[str, Any] = {"held_by": ""}

    def is_held() -> bool:
        told.update(json.loads(counted.run("backfills", "--format", "json").splitlines()[-1]))
        return words in told["held_by"]

    wait_until(is_held, timeout=60, message=lambda: f"{told}\n{worker.output}")
    assert counted.times()["stock_line"] == [(0, 60)]
    return str(told["held_by"])


def finished(counted: Counted, worker: Forked) -> None:
    """Wait for the worker, and find every row written once."""
    assert worker.wait() == 0, worker.output
    assert counted.times() == ONCE


def test_a_paused_replica_holds_it_up_and_its_return_lets_it_go_on(counted: Counted, standby: Standby) -> None:
    with paused(standby):
        worker = counted.start(*WORK)
        assert "the replica walreceiver is behind" in held_by(counted, "replica", worker)
    finished(counted, worker)


def test_a_replica_that_is_named_is_asked_itself_and_needs_no_privilege(counted: Counted, standby: Standby) -> None:
    named = {"AUTO_MIGRATE_BACKFILL_REPLICAS": "other", "AUTO_MIGRATE_BACKFILL_SIGNALS": "replicas"}
    with paused(standby):
        worker = counted.start(*WORK, **named)
        assert "the replica other is behind" in held_by(counted, "replica", worker)
    finished(counted, worker)


def as_app(counted: Counted, primary: PostgreSQL15) -> Counted:
    """Return the project for a role that may write its tables and nothing more."""
    counted.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO app")
    counted.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app")
    counted.execute("GRANT CREATE ON SCHEMA public TO app")
    return dataclasses.replace(counted, url=primary.url(NAME, user="app", password="app"))


def test_a_replica_that_is_hidden_holds_it_up_and_says_what_would_let_it_go_on(
    counted: Counted, primary: PostgreSQL15
) -> None:
    worker = as_app(counted, primary).start(*WORK)
    told = held_by(counted, "cannot be read", worker)
    assert "replicas cannot be read (where the replica walreceiver is, is hidden from this role)" in told
    assert "GRANT pg_monitor" in told
    counted.execute("GRANT pg_monitor TO app")
    try:
        finished(counted, worker)
    finally:
        counted.execute("REVOKE pg_monitor FROM app")


def test_a_slot_tells_a_role_without_privileges_enough(
    counted: Counted, primary: PostgreSQL15, standby: Standby
) -> None:
    primary.execute("SELECT pg_create_physical_replication_slot('replica', true)")
    standby.execute("ALTER SYSTEM SET primary_slot_name = 'replica'")
    standby.execute("SELECT pg_reload_conf()")
    asked = "SELECT bool_and(active) FROM pg_replication_slots"
    wait_until(lambda: primary.execute(asked) == [(True,)], timeout=60, message=lambda: standby.failure("has no slot"))
    finished(counted, as_app(counted, primary).start(*WORK))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("LOCK TABLE stock_line IN SHARE UPDATE EXCLUSIVE MODE", "vacuum or the like is at work on the table"),
        ("SELECT count(*) FROM stock_line", "holds the table"),
    ],
)
def test_vacuum_and_old_transactions_on_the_table_hold_it_up(
    counted: Counted, primary: PostgreSQL15, statement: str, words: str
) -> None:
    limits = {"AUTO_MIGRATE_BACKFILL_TRANSACTION": "0.5", "AUTO_MIGRATE_BACKFILL_SIGNALS": "vacuum,transactions"}
    with psycopg.connect(primary.url(NAME)) as other:
        other.execute(statement.encode())
        wait_until(lambda: age_of(primary) > 1, timeout=30, message=lambda: "There is no transaction.")
        worker = counted.start(*WORK, **limits)
        held_by(counted, words, worker)
        other.rollback()
    finished(counted, worker)


def test_what_is_hidden_from_a_role_is_measured_and_what_waits_to_be_archived_is_counted(
    counted: Counted, primary: PostgreSQL15, django_db_blocker: DjangoDbBlocker
) -> None:
    url = as_app(counted, primary).url
    connection = ConnectionHandler({"default": {**database(url), "CONN_MAX_AGE": None}})["default"]
    congestion = Congestion(connection)
    with django_db_blocker.unblock(), contextlib.closing(connection):
        with psycopg.connect(primary.url(NAME)) as other:
            other.execute("SELECT count(*) FROM stock_line")
            ages = [age for now in (1.0, 91.0) for _who, _vacuum, age in congestion.users("stock_line", now)]
        assert ages == [0.0, 90.0]
        before = congestion.archive_backlog()
        for _segment in range(3):
            counted.execute("UPDATE stock_item SET n = n")
            primary.execute("SELECT pg_switch_wal()")
        assert congestion.archive_backlog() - before > 16 * 1024**2


def age_of(primary: PostgreSQL15) -> float:
    """Return the age of the oldest transaction that is open."""
    asked = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity"
    return float(primary.execute(f"{asked} WHERE state = 'idle in transaction'")[0][0])

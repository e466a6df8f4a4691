"""Workers in each other's way, stopped, cut off, behind a pooler, and told to stand still."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.counted import ONCE, Counted, counted_on
from tests.faults.sweep import Point
from tests.forks import Forked
from tests.runners import the_point
from tests.servers import PgBouncer, PostgreSQL
from tools.servers import wait_until

RUN = ("auto_migrate", "stock", "0002_count")
NAME = "counted_workers"


@pytest.fixture(scope="module")
def whole(postgresql: PostgreSQL) -> Iterator[tuple[Counted, list[Point]]]:
    """Return a database, and the points of an undisturbed worker."""
    with counted_on(postgresql, NAME) as counted:
        counted.run(*RUN)
        yield counted, counted.points("backfills", "run")


@pytest.fixture
def counted(whole: tuple[Counted, list[Point]]) -> Counted:
    """Return the database with its last backfill still to be done, by whoever comes."""
    found = whole[0]
    found.reset("0002_count")
    found.run(*RUN)
    return found


@contextlib.contextmanager
def locked(postgresql: PostgreSQL, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold rows within the block."""
    with psycopg.connect(postgresql.url(NAME)) as connection:
        connection.execute(statement.encode())
        yield connection
        connection.rollback()


def listed(counted: Counted) -> dict[str, Any]:
    """Return what the command tells of the backfill that is left."""
    lines = counted.run("backfills", "--format", "json").splitlines()
    return next(told for told in map(json.loads, lines) if told["name"] == "lines")


def await_held(counted: Counted, words: str, worker: Forked) -> None:
    """Wait until the backfill says that it waits for something."""
    wait_until(lambda: words in listed(counted)["held_by"], timeout=60, message=lambda: worker.output)


LAST_ROW = 'SELECT 1 FROM stock_line WHERE "order" = 11 AND number = 4 FOR UPDATE'


def test_paused_it_stands_still_at_once_resumed_it_goes_on_and_cancelled_it_ends(
    counted: Counted, postgresql: PostgreSQL
) -> None:
    with locked(postgresql, LAST_ROW):
        worker = counted.start("backfills", "run")
        await_held(counted, "rows of stock_line are locked by others", worker)
        assert listed(counted)["state"] == "running"
        assert "paused" in counted.run("backfills", "pause", "lines")
        paused = listed(counted)
    wait_until(lambda: "paused" in worker.output.splitlines()[-1], timeout=30, message=lambda: worker.output)
    assert (paused["state"], listed(counted)["done"]) == ("paused", paused["done"])
    assert counted.times()["stock_line"] == [(0, 60 - paused["done"]), (1, paused["done"])] or paused["done"] == 0
    assert worker.poll() is None
    counted.run("backfills", "resume", "lines")
    assert worker.wait() == 0, worker.output
    assert counted.times() == ONCE
    assert "is succeeded, and was not changed" in counted.run("backfills", "cancel", "lines", expect=2)


def test_cancelled_the_worker_ends_and_nothing_more_is_written(counted: Counted, postgresql: PostgreSQL) -> None:
    with locked(postgresql, LAST_ROW):
        worker = counted.start("backfills", "run")
        await_held(counted, "locked by others", worker)
        counted.run("backfills", "cancel", "lines")
        assert worker.wait() == 0, worker.output
        done = listed(counted)["done"]
    assert (listed(counted)["state"], sum(n * rows for n, rows in counted.times()["stock_line"])) == ("cancelled", done)


def test_two_workers_at_once_write_every_row_once(counted: Counted) -> None:
    workers = [counted.start("backfills", "run") for _worker in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0], workers[0].output
    assert counted.times() == ONCE


@pytest.mark.parametrize("words", ['UPDATE "stock_line"', 'SET "updated_at"'])
def test_stopped_in_a_batch_and_superseded_a_worker_commits_nothing_when_it_comes_back(
    counted: Counted, whole: tuple[Counted, list[Point]], postgresql: PostgreSQL, words: str
) -> None:
    point = next(point for point in whole[1] if point.side == "before" and 'UPDATE "stock_line"' in point.statement)
    later = whole[1][whole[1].index(point) :]
    point = the_point(later, "before", words)
    with locked(postgresql, LAST_ROW):
        stopped = counted.start("backfills", "run", STOP_AT=point.place)
        stat = Path(f"/proc/{stopped.pid}/stat")
        wait_until(
            lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", timeout=60, message=lambda: stopped.output
        )
        # As when the network between it and the server was cut: its lock goes, its batch does not.
        postgresql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted", database=NAME
        )
        second = counted.start("backfills", "run")
        await_held(counted, "locked by others", second)
        stopped.kill(signal.SIGCONT)
        assert stopped.wait() == 0, stopped.output
    assert second.wait() == 0, second.output
    assert counted.times() == ONCE


@pytest.mark.parametrize("words", ["BEGIN", "UPDATE stock_line", "COMMIT"])
def test_cut_off_in_a_batch_the_same_worker_goes_on(
    counted: Counted, whole: tuple[Counted, list[Point]], words: str
) -> None:
    # Of the last batches, so that the backfill's own transactions are meant.
    later = [point for point in whole[1][len(whole[1]) // 2 :] if words in point.statement.replace('"', "")]
    point = next((point for point in later if point.side == "after"), whole[1][-20])
    done = counted.run("backfills", "run", CUT_AT=point.place)
    assert counted.times() == ONCE, done


def test_behind_a_pooler_in_transaction_mode_every_row_is_written_once_and_no_setting_stays(
    counted: Counted, postgresql: PostgreSQL
) -> None:
    with PgBouncer(postgresql, pool_size=3) as pooler:
        worker = counted.nursery.run("backfills", "run", database_url=pooler.url(NAME))
        assert worker.returncode == 0, worker.output
        assert counted.times() == ONCE
        with psycopg.connect(pooler.url(NAME), autocommit=True, prepare_threshold=None) as connection:
            asked = "SELECT count(*) FROM pg_settings WHERE setting <> reset_val AND name ~ '_timeout$'"
            assert connection.execute(asked).fetchall() == [(0,)]


def test_rows_that_come_go_or_are_beyond_the_end_are_no_trouble(counted: Counted, postgresql: PostgreSQL) -> None:
    with locked(postgresql, LAST_ROW):
        worker = counted.start("backfills", "run")
        await_held(counted, "locked by others", worker)
        counted.execute('INSERT INTO stock_line ("order", number, n) VALUES (99, 1, 0)')
        counted.execute('DELETE FROM stock_line WHERE "order" IN (0, 10)')
    assert worker.wait() == 0, worker.output
    assert counted.times()["stock_line"] == [(0, 1), (1, 50)]
    counted.execute('DELETE FROM stock_line WHERE "order" = 99')
    rows = 'SELECT "order", number, 0 FROM generate_series(0, 10, 10) AS "order", generate_series(0, 4) AS number'
    counted.execute(f'INSERT INTO stock_line ("order", number, n) {rows}')

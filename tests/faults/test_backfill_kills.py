"""A backfill that is killed anywhere is finished by whoever comes next, and every row is written exactly once.

`make test` takes a sample of the moments on each database; `make sweep` takes all of them, several hundred.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.counted import ONCE, Counted, counted_on
from tests.faults.sweep import Point
from tests.servers import MariaDB, PostgreSQL

WHOLE = "SWEEP" in os.environ
BACKGROUND = {"stock_line": ONCE["stock_line"]}


@pytest.fixture(scope="module", params=["postgresql", "sqlite", "mariadb"])
def counted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """Return a database of each vendor."""
    servers: dict[str, str] = {"postgresql": "postgresql", "mariadb": "mariadb"}
    server: PostgreSQL | MariaDB | Path = (
        request.getfixturevalue(servers[request.param])
        if request.param in servers
        else tmp_path_factory.mktemp("counted")
    )
    with counted_on(server, "counted_kills") as counted:
        yield counted


def sample(points: list[Point], every: int) -> list[Point]:
    """Return the moments to try: all, or some, beginning where the sessions are set up already."""
    return points if WHOLE else points[every // 2 :: every]


def failure(counted: Counted, point: Point, *command: str) -> str:
    """Kill the command at a moment and run it again; say what is wrong then, or nothing."""
    killed = counted.start(*command, KILL_AT=point.place)
    if killed.wait() != -signal.SIGKILL:
        return f"not killed at all:\n{killed.output}"
    again = counted.start(*command)
    return f"the next one ends with {again.returncode}:\n{again.output}" if again.wait() else ""


@pytest.mark.timeout(7200 if WHOLE else 300)
def test_killed_in_the_release_step_the_next_one_writes_every_row_exactly_once(counted: Counted) -> None:
    points = [point for point in counted.points("auto_migrate", "stock", "0002_count") if point.migration]
    assert len(points) >= 100
    wrong = {}
    for point in sample(points, len(points) // 4):
        counted.reset("0002_count")
        told = failure(counted, point, "auto_migrate", "stock", "0002_count")
        times = counted.times()
        if told or {**times, **BACKGROUND} != ONCE or times["stock_line"] != [(0, 60)]:
            wrong[point] = told or str(times)
    assert wrong == {}


@pytest.mark.timeout(7200 if WHOLE else 300)
def test_killed_in_the_background_the_next_worker_writes_every_row_exactly_once(counted: Counted) -> None:
    counted.reset("0002_count")
    counted.run("auto_migrate", "stock", "0002_count")
    points = counted.points("backfills", "run")
    assert counted.times() == ONCE
    wrong = {}
    for point in sample(points, len(points) // 3):
        counted.execute("UPDATE stock_line SET n = 0")
        # As it was before its first worker.
        counted.execute("DELETE FROM auto_migrate_backfill WHERE name = 'lines'")
        counted.execute(
            "INSERT INTO auto_migrate_backfill"
            " (app_label, name, state, batch_rows, requested_at, background, backwards, done, seconds, held_by, worker)"
            " SELECT app_label, 'lines', 'pending', 7, requested_at, background, backwards, 0, 0, '', ''"
            " FROM auto_migrate_backfill WHERE name = 'items'"
        )
        told = failure(counted, point, "backfills", "run")
        if told or counted.times() != ONCE:
            wrong[point] = told or str(counted.times())
    assert wrong == {}


def test_the_migration_that_finishes_it_and_a_way_back_write_every_row_as_often(counted: Counted) -> None:
    counted.reset("0002_count", "0003_finish")
    counted.run("auto_migrate")
    assert counted.times() == ONCE
    counted.run("auto_migrate", "stock", "0001_initial")
    # What says that nothing is to be taken back stays as it is.
    assert counted.times() == {table: [(int(table == "stock_parcel"), rows)] for table, ((_n, rows),) in ONCE.items()}
    assert counted.execute("SELECT count(*) FROM auto_migrate_backfill")[0][0] in {0, "0"}

"""Operations that are carried out online, killed anywhere: one more run ends in stock's schema and rows.

`make test` takes samples; `make sweep` takes every statement, on the oldest server at hand as well.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.faults.sweep import Clone, Point, Sweep, failures
from tests.servers import PostgreSQL
from tests.snapshot import snapshot, unordered

SETTINGS = "tests.projects.online.settings"
ONLINE = {"AUTO_MIGRATE_ONLINE": "always", "AUTO_MIGRATE_BLOCK": "never"}
WHOLE = "SWEEP" in os.environ
# Every how many of the points that leave something a sample is taken.
STEP = 25


@contextlib.contextmanager
def measured(server: PostgreSQL) -> Iterator[list[Sweep]]:
    """Return two sweeps of the depot's migrations after the first, one a processor."""
    with (
        Sweep(server, "auto_migrate", env=ONLINE, settings=SETTINGS) as sweep,
        sweep.beginning_after("contenttypes", "depot 0001"),
        sweep.measure().twin() as twin,
    ):
        yield [sweep, twin]


@pytest.fixture(scope="module")
def sweeps(postgresql: PostgreSQL) -> Iterator[list[Sweep]]:
    with measured(postgresql) as found:
        yield found


def leaves_something(point: Point) -> bool:
    """Return whether the statement is more than a question or a setting; before it, all is as after the one before."""
    question = point.statement.startswith(("SELECT", "SAVEPOINT", "RELEASE", "SET "))
    return not question and (point.side == "after" or "CONCURRENTLY" in point.statement)


def test_the_end_is_that_of_stock_migrate(sweeps: list[Sweep]) -> None:
    sweep = sweeps[0]
    with Clone(sweep.server, sweep.template) as name:
        stock = sweep.nursery.run("migrate", database_url=sweep.server.url(name))
        assert stock.returncode == 0, stock.output
        # Only a column that took another's place stands behind the others.
        assert unordered(sweep.wanted).difference(unordered(snapshot(sweep.server, name))) == ""


def test_the_steps_are_those_that_hold_nobody_up(sweeps: list[Sweep]) -> None:
    sent = "\n".join(point.statement for point in sweeps[0].points)
    for part in ("INDEX CONCURRENTLY", "USING INDEX", "NOT VALID", "VALIDATE CONSTRAINT", "DROP INDEX CONCURRENTLY"):
        assert part in sent


@pytest.mark.skipif(WHOLE, reason="the whole sweep has these points too")
@pytest.mark.timeout(900)
def test_killed_at_any_of_some_changes_the_next_run_finishes_it(sweeps: list[Sweep]) -> None:
    changes = [point for point in sweeps[0].points if point.migration and leaves_something(point)]
    assert failures(sweeps, changes[::STEP]) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
def test_killed_before_and_after_every_statement_the_next_run_finishes_it(sweeps: list[Sweep]) -> None:
    assert failures(sweeps, sweeps[0].points) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
def test_cut_off_before_and_after_every_statement_the_same_run_finishes_it(sweeps: list[Sweep]) -> None:
    assert failures(sweeps, sweeps[0].points, Sweep.failure_of_cut) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
def test_the_same_on_the_oldest_server(postgresql15: PostgreSQL) -> None:
    with measured(postgresql15) as found:
        assert failures(found, found[0].points) == {}

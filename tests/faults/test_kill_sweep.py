"""A run that is killed anywhere is finished by the next one: schema and data are those of an undisturbed run.

`make test` takes samples on a database that has Django's own tables, most of them among the changes of the migrations
that cannot be rolled back; `make sweep` takes all statements, from an empty database.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.faults.sweep import NON_ATOMIC, Point, Sweep, failures
from tests.servers import PostgreSQL

# Every how many points a sample is taken: of all, of changes that cannot be rolled back, and of commits.
STEP = 190
CHANGES = 8
COMMITS = 16
WHOLE = "SWEEP" in os.environ


@pytest.fixture(scope="module")
def sweeps(postgresql: PostgreSQL) -> Iterator[list[Sweep]]:
    """Return two measured sweeps, one a processor."""
    with (
        Sweep(postgresql, "auto_migrate") as sweep,
        contextlib.nullcontext() if WHOLE else sweep.beginning_after("auth"),
        sweep.measure().twin() as twin,
    ):
        yield [sweep, twin]


def leaves_something(point: Point) -> bool:
    """Return whether the statement is more than a question or a setting; before it, all is as after the one before."""
    question = point.statement.startswith(("SELECT", "SAVEPOINT", "RELEASE", "SET "))
    return not question and (point.side == "after" or "CONCURRENTLY" in point.statement)


def test_the_sweep_finds_commits_locks_and_builds_by_itself(sweeps: list[Sweep]) -> None:
    statements = " ".join(point.statement for point in sweeps[0].points)
    for part in ("pg_try_advisory_xact_lock", "CREATE INDEX CONCURRENTLY", "COMMIT", "BEGIN", "FOREIGN KEY"):
        assert part in statements
    assert {point.migration for point in sweeps[0].points} >= NON_ATOMIC


@pytest.mark.skipif(WHOLE, reason="the whole sweep has these points too")
@pytest.mark.timeout(900)
def test_killed_at_a_change_of_a_migration_that_is_not_atomic_the_next_run_finishes_it(sweeps: list[Sweep]) -> None:
    inside = [point for point in sweeps[0].points if point.migration in NON_ATOMIC and leaves_something(point)]
    assert failures(sweeps, inside[::CHANGES]) == {}


@pytest.mark.skipif(WHOLE, reason="the whole sweep has these points too")
@pytest.mark.timeout(900)
def test_killed_anywhere_else_the_next_run_finishes_it(sweeps: list[Sweep]) -> None:
    assert failures(sweeps, sweeps[0].points[::STEP]) == {}


def commits(points: list[Point]) -> list[Point]:
    """Return the commits, the history's own among them, of which nobody knows whether they were made."""
    return [point for point in points if point.statement == "COMMIT"]


@pytest.mark.skipif(WHOLE, reason="the whole sweep has these points too")
@pytest.mark.timeout(900)
def test_cut_off_in_a_commit_or_elsewhere_the_same_run_finishes_it_and_its_history_says_so(sweeps: list[Sweep]) -> None:
    points = sweeps[0].points
    assert failures(sweeps, [*commits(points)[::COMMITS], *points[::270]], Sweep.failure_of_cut) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
def test_cut_off_before_and_after_every_single_statement_the_same_run_finishes_it(sweeps: list[Sweep]) -> None:
    assert failures(sweeps, sweeps[0].points, Sweep.failure_of_cut) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
def test_killed_before_and_after_every_single_statement_the_next_run_finishes_it(sweeps: list[Sweep]) -> None:
    assert failures(sweeps, sweeps[0].points) == {}

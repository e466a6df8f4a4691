"""Operations that are carried out online, killed anywhere: one more run ends in stock's schema and rows.

Each migration of the depot is one kind, and is swept by itself from a database that has those before it. `make test`
takes samples of some; `make sweep` takes every statement of all, on the oldest server at hand as well.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.sweep import Clone, Point, Sweep, failures
from tests.projects.online.depot import migrations
from tests.servers import PostgreSQL
from tests.snapshot import snapshot, unordered

SETTINGS = "tests.projects.online.settings"
# The schema is compared with that of Django's own `migrate`, which bridges have only when they are down.
ONLINE = {"AUTO_MIGRATE_ONLINE": "always", "AUTO_MIGRATE_BLOCK": "never", "AUTO_MIGRATE_BRIDGES": "false"}
WHOLE = "SWEEP" in os.environ
MIGRATIONS = sorted(path.stem for path in Path(migrations.__file__).parent.glob("0*.py"))
WAYS = list(itertools.pairwise(MIGRATIONS))
# Those of which `make test` takes samples, and every how many of the points that leave something.
SAMPLED = ("0004_constraints", "0016_wide")
STEP = 120


@pytest.fixture(scope="module")
def sweeps(postgresql: PostgreSQL) -> Iterator[list[Sweep]]:
    """Return two sweeps, one a processor."""
    with pair(postgresql) as found:
        yield found


@contextlib.contextmanager
def pair(server: PostgreSQL) -> Iterator[list[Sweep]]:
    one, other = (Sweep(server, "auto_migrate", env=ONLINE, settings=SETTINGS) for _ in range(2))
    with one, other:
        yield [one, other]


@contextlib.contextmanager
def at(sweeps: list[Sweep], before: str, name: str) -> Iterator[list[Point]]:
    """Measure one migration, from a database that has all before it, and give its points."""
    sweep = sweeps[0]
    sweep.target = ()
    with sweep.beginning_after("contenttypes", f"depot {before}"):
        sweep.target = ("depot", name)
        sweep.measure()
        for other in sweeps[1:]:
            other.follow(sweep)
        yield [point for point in sweep.points if point.migration]


def leaves_something(point: Point) -> bool:
    """Return whether the statement is more than a question or a setting; before it, all is as after the one before."""
    question = point.statement.startswith(("SELECT", "SAVEPOINT", "RELEASE", "SET "))
    return not question and (point.side == "after" or "CONCURRENTLY" in point.statement)


def test_the_end_is_that_of_stock_migrate(sweeps: list[Sweep]) -> None:
    sweep = sweeps[0]
    with at(sweeps, MIGRATIONS[0], MIGRATIONS[-1]) as points, Clone(sweep.server, sweep.template) as name:
        stock = sweep.nursery.run("migrate", "depot", database_url=sweep.server.url(name))
        assert stock.returncode == 0, stock.output
        # Only a column that took another's place stands behind the others.
        assert unordered(sweep.wanted).difference(unordered(snapshot(sweep.server, name))) == ""
    sent = "\n".join(point.statement for point in points)
    for part in ("INDEX CONCURRENTLY", "USING INDEX", "NOT VALID", "VALIDATE CONSTRAINT", "DROP INDEX CONCURRENTLY"):
        assert part in sent


@pytest.mark.skipif(WHOLE, reason="the whole sweep has these points too")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("before", "name"), [way for way in WAYS if way[1] in SAMPLED])
def test_killed_at_any_of_some_changes_the_next_run_finishes_it(sweeps: list[Sweep], before: str, name: str) -> None:
    with at(sweeps, before, name) as points:
        assert failures(sweeps, [point for point in points if leaves_something(point)][::STEP]) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("before", "name"), WAYS)
def test_killed_before_and_after_every_statement_the_next_run_finishes_it(
    sweeps: list[Sweep], before: str, name: str
) -> None:
    with at(sweeps, before, name) as points:
        assert failures(sweeps, points) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("before", "name"), WAYS)
def test_cut_off_before_and_after_every_statement_the_same_run_finishes_it(
    sweeps: list[Sweep], before: str, name: str
) -> None:
    with at(sweeps, before, name) as points:
        assert failures(sweeps, points, Sweep.failure_of_cut) == {}


@pytest.mark.skipif(not WHOLE, reason="takes minutes: make sweep")
@pytest.mark.timeout(7200)
def test_the_same_on_the_oldest_server(postgresql15: PostgreSQL) -> None:
    with pair(postgresql15) as found:
        for before, name in WAYS:
            with at(found, before, name) as points:
                assert failures(found, points) == {}

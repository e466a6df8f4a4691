"""An unapply that is killed anywhere is told of until it is finished, and the same command finishes it.

`make test` kills at a sample of the changes of the migration that is not atomic and of the rest, `make sweep` at every
statement, on PostgreSQL and on MariaDB, where no schema change can be rolled back.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.sweep import Point
from tests.faults.unapplying import on_mariadb, on_postgresql
from tests.servers import MariaDB, PostgreSQL

# Every how many points a sample is taken: of all, and of changes that cannot be rolled back.
STEP = 300
CHANGES = 16
WHOLE = "SWEEP" in os.environ


def leaves_something(point: Point) -> bool:
    """Return whether the statement is more than a question or a setting; before it, all is as after the one before."""
    question = point.statement.startswith(("SELECT", "SAVEPOINT", "RELEASE", "SET ", "SHOW", "DO "))
    return point.side == "after" and not question and point.migration.endswith("0002_more")


def sampled(points: list[Point]) -> list[Point]:
    """Return all points, or every so-manieth change and a sample of the rest."""
    changes = [point for point in points if leaves_something(point)]
    return points if WHOLE else list(dict.fromkeys([*changes[::CHANGES], *points[::STEP]]))


def problems(points: list[Point], wanted: str, check: Callable[[Point, str], None]) -> list[str]:
    """Check every point, and give all that is wrong."""
    wrong = []
    for point in points:
        try:
            check(point, wanted)
        except AssertionError as error:
            wrong.append(f"{point}: {error}")
    return wrong


@pytest.mark.timeout(7200)
def test_an_unapply_killed_anywhere_is_told_of_until_the_same_command_has_finished_it(postgresql: PostgreSQL) -> None:
    with on_postgresql(postgresql) as bed:
        points, wanted = bed.measure()
        assert any("DROP COLUMN" in point.statement for point in points)
        assert problems(sampled(points), wanted, bed.check) == []


@pytest.mark.timeout(7200)
def test_on_mariadb_it_is_told_of_and_finished_too(mariadb: MariaDB) -> None:
    with on_mariadb(mariadb) as bed:
        points, wanted = bed.measure()
        assert any("DROP COLUMN" in point.statement for point in points)
        assert problems(sampled(points), wanted, bed.check) == []


@pytest.mark.timeout(7200)
def test_on_mariadb_a_first_deploy_killed_between_two_statements_of_an_operation_is_finished_by_the_next(
    mariadb: MariaDB,
) -> None:
    with on_mariadb(mariadb) as bed:
        points, wanted = bed.measure_first_deploy()
        between = [p for p in points if p.side == "after" and p.statement.startswith(("CREATE TABLE `store", "ALTER"))]
        assert len(between) > 5
        assert problems(points if WHOLE else [*between[::6], *points[::STEP]], wanted, bed.check_first_deploy) == []

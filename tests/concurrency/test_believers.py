"""Runners that wrongly believe to hold the deploy lock: it does them no harm."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.faults.sweep import Point
from tests.forks import Nursery
from tests.runners import Deploy, the_point
from tests.servers import PostgreSQL
from tools.servers import wait_until

TERMINATE = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'auto_migrate %'"
)
COUNTED = 'UPDATE "tally_total"'


@pytest.fixture(scope="module")
def nursery(postgresql: PostgreSQL) -> Iterator[Nursery]:
    """Return runners of the project that counts."""
    with Nursery("tests.projects.counter.settings", postgresql.url(), {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}) as nursery:
        yield nursery


@pytest.fixture(scope="module")
def points(nursery: Nursery, postgresql: PostgreSQL) -> list[Point]:
    """Return the points of a run from an empty database to the end."""
    url = postgresql.create_database("believed")
    points = Deploy(nursery, url).points()
    postgresql.drop_database("believed")
    return points


@pytest.fixture
def deploy(nursery: Nursery, database_url: str) -> Deploy:
    """Return deploys of that project to an empty database."""
    return Deploy(nursery, database_url)


def assert_counted_once(deploy: Deploy) -> None:
    assert deploy.query("SELECT value FROM tally_total") == [(1,)]
    assert deploy.recorded() == ["tally.0001_initial", "tally.0002_count"]


def test_two_runners_without_any_lock_do_not_apply_one_migration_twice(deploy: Deploy) -> None:
    alone = deploy.points(AUTO_MIGRATE_LOCK="none")
    deploy.query("DROP SCHEMA public CASCADE")
    deploy.query("CREATE SCHEMA public")
    first = deploy.stop(the_point(alone, "after", COUNTED), AUTO_MIGRATE_LOCK="none")
    second = deploy.start(AUTO_MIGRATE_LOCK="none")
    wait_until(
        lambda: "Applying tally.0002_count" in second.output or second.poll() is not None,
        timeout=30,
        message=lambda: second.output,
    )
    first.kill(signal.SIGCONT)
    assert (first.wait(), second.wait()) == (0, 0), first.output + second.output
    assert "ALREADY DONE" in second.output
    assert_counted_once(deploy)


@pytest.mark.parametrize(
    ("side", "words", "migration"),
    [
        ("after", "COMMIT", "tally.0001_initial"),
        ("after", COUNTED, "tally.0002_count"),
        ("after", 'INSERT INTO "django_migrations"', "tally.0002_count"),
    ],
    ids=["between migrations", "in a migration", "before a commit"],
)
def test_the_loss_of_the_deploy_lock_is_noticed_and_the_next_attempt_goes_on(
    deploy: Deploy, points: list[Point], side: str, words: str, migration: str
) -> None:
    runner = deploy.stop(the_point(points, side, words, migration))
    assert deploy.query(TERMINATE) == [(True,)]
    runner.kill(signal.SIGCONT)
    assert runner.wait() == 0, runner.output
    assert "Attempt 2/5" in runner.output
    assert_counted_once(deploy)


def test_who_took_over_a_lost_lock_is_waited_for(deploy: Deploy, points: list[Point]) -> None:
    loser = deploy.stop(the_point(points, "after", COUNTED))
    assert deploy.query(TERMINATE) == [(True,)]
    heir = deploy.start()
    # The heir has the lock, but what the loser has not committed holds it up at the record.
    wait_until(lambda: "Applying tally.0002_count" in heir.output, timeout=30, message=lambda: heir.output)
    loser.kill(signal.SIGCONT)
    assert (loser.wait(), heir.wait()) == (0, 0), loser.output + heir.output
    assert "Attempt 2/5" in loser.output
    assert_counted_once(deploy)


def test_two_runners_without_any_lock_do_not_carry_out_one_operation_twice(
    postgresql: PostgreSQL, database_url: str
) -> None:
    """The first believes that it may begin an operation, outside of any transaction; the second carries it out."""
    with Nursery("tests.projects.sweep.settings", postgresql.url(), {"AUTO_MIGRATE_LOCK": "none"}) as nursery:
        url = postgresql.create_database("loose")
        alone = Deploy(nursery, url).points()
        postgresql.drop_database("loose")
        deploy = Deploy(nursery, database_url)
        change = the_point(alone, "before", 'UPDATE "shop_order"', "shop.0005_double")
        ready = [point for point in alone if point.statement == "COMMIT" and point.number < change.number][-1]
        first = deploy.stop(ready)
        second = deploy.start()
        assert second.wait() == 0, second.output
        first.kill(signal.SIGCONT)
        assert (first.wait(), second.wait()) == (0, 0), first.output + second.output
    assert deploy.query("SELECT amount FROM shop_order") == [(2,), (2,)]
    assert len(deploy.recorded()) == len(set(deploy.recorded()))


def test_what_another_runner_records_while_a_plan_is_made_is_not_in_the_plan(
    deploy: Deploy, points: list[Point]
) -> None:
    locked = the_point(points, "before", "pg_try_advisory_xact_lock").number
    looks = [point for point in points if point.number < locked and point.side == "after"]
    for look in looks:
        deploy.query("DROP SCHEMA public CASCADE")
        deploy.query("CREATE SCHEMA public")
        planner = deploy.stop(look)
        deploy.run()
        planner.kill(signal.SIGCONT)
        assert planner.wait() == 0, planner.output
        assert "ALREADY DONE" not in planner.output, look
        assert_counted_once(deploy)

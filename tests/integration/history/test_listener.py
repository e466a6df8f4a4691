"""The listener that keeps the record, on a real database."""

from __future__ import annotations

import datetime
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from auto_migrate import events
from auto_migrate.events import Context, Event
from auto_migrate.exit_codes import ExitCode
from auto_migrate.history.listener import HistoryListener
from auto_migrate.history.models import RunRecord, StepRecord, have_tables
from auto_migrate.history.store import History
from auto_migrate.values import RunStatus, SchemaState, StepStatus
from tests.unit.samples import FIRST, SECOND

NOW = datetime.datetime(2026, 3, 2, 14, 5, 1, tzinfo=datetime.UTC)
PLAN = events.PlanMade(("billing",), None, (FIRST, SECOND), backwards=False)
AT = (FIRST, 1, 2, False)
STARTED = events.MigrationStarted(*AT)
FINISHED = events.MigrationFinished(*AT, duration=0.25)
NEXT = events.MigrationStarted(SECOND, 2, 2, False)
STOPPED = events.MigrationStopped(*AT, error="ValueError: no")
SUCCESS = events.RunSucceeded(SchemaState.UP_TO_DATE, 2, 1.5)


@pytest.fixture(autouse=True)
def no_tables(transactional_db: None) -> Iterator[None]:
    """Begin on a database in which nothing has ever run."""
    drop_tables()
    yield
    drop_tables()


def drop_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS auto_migrate_step, auto_migrate_run")


class Runner:
    """One run that hands its events to the recorder."""

    def __init__(self, *, queued: bool = False, run_id: uuid.UUID | None = None) -> None:
        self.run_id = run_id or uuid.uuid4()
        self.recorder = HistoryListener("default", requested_by="ana", queued=queued)

    def tell(self, *told: Event) -> None:
        for event in told:
            self.recorder(event, Context("default", self.run_id, NOW))

    @property
    def run(self) -> RunRecord:
        return RunRecord.objects.get(pk=self.run_id)

    def steps(self) -> list[tuple[Any, ...]]:
        return list(StepRecord.objects.filter(run_id=self.run_id).values_list("name", "status", "backwards"))


def test_a_run_with_nothing_to_do_leaves_not_even_a_table() -> None:
    runner = Runner()
    runner.tell(events.RunStarted(5), events.LockAcquired(0.0), events.PlanMade(("billing",), None, (), False))
    runner.tell(SUCCESS)
    assert not have_tables(connection)


def test_a_plan_is_written_down_before_anything_is_done() -> None:
    runner = Runner()
    runner.tell(events.RunStarted(5), events.LockAcquired(0.0), PLAN)
    assert (runner.run.status, runner.run.requested_by, runner.run.total) == (RunStatus.RUNNING, "ana", 2)
    assert runner.run.pid
    assert runner.run.host
    assert runner.run.started_at
    assert runner.run.finished_at is None
    assert runner.steps() == [
        ("0001_initial", StepStatus.PENDING, False),
        ("0002_total", StepStatus.PENDING, False),
    ]


def test_each_migration_is_followed_from_its_start_to_its_end() -> None:
    runner = Runner()
    runner.tell(PLAN, STARTED)
    assert [status for _name, status, _backwards in runner.steps()] == [StepStatus.RUNNING, StepStatus.PENDING]
    with CaptureQueriesContext(connection) as queries:
        runner.tell(FINISHED, NEXT)
    assert len(queries) == 1
    step = StepRecord.objects.get(run_id=runner.run_id, name="0001_initial")
    assert (step.status, step.duration, step.error) == (StepStatus.APPLIED, 0.25, None)
    assert step.started_at
    assert step.finished_at
    assert step.finished_at >= step.started_at
    assert runner.steps()[1][1] == StepStatus.RUNNING


def test_the_end_of_the_last_migration_does_not_wait_for_another() -> None:
    runner = Runner()
    runner.tell(PLAN, STARTED, FINISHED, NEXT, events.MigrationFinished(SECOND, 2, 2, False, duration=0.5))
    assert [status for _name, status, _backwards in runner.steps()] == [StepStatus.APPLIED] * 2


@pytest.mark.parametrize("event", [events.AttemptFailed(1, 5, "lost", ""), events.RunStopped(8, 1)])
def test_an_end_is_written_down_with_whatever_comes_after_it(event: Event) -> None:
    runner = Runner()
    runner.tell(PLAN, STARTED, FINISHED, event)
    assert [status for _name, status, _backwards in runner.steps()] == [StepStatus.APPLIED, StepStatus.PENDING]


def test_what_is_unapplied_is_not_called_applied() -> None:
    runner = Runner()
    runner.tell(events.PlanMade(("billing",), None, (FIRST,), backwards=True))
    runner.tell(events.MigrationStarted(FIRST, 1, 1, backwards=True))
    runner.tell(events.MigrationFinished(FIRST, 1, 1, backwards=True, duration=0.5))
    assert runner.steps() == [("0001_initial", StepStatus.UNAPPLIED, True)]


def test_a_run_that_ends_well_says_so() -> None:
    runner = Runner()
    runner.tell(PLAN, SUCCESS)
    assert (runner.run.status, runner.run.exit_code, runner.run.error) == (RunStatus.SUCCEEDED, ExitCode.DONE, None)
    assert runner.run.finished_at


def test_a_failure_is_kept_with_its_migration_its_reason_and_its_hint() -> None:
    runner = Runner()
    runner.tell(PLAN, STARTED, STOPPED)
    runner.tell(events.RunFailed(ExitCode.MIGRATION_FAILED, "Migration failed.", "Mend it."))
    assert (runner.run.status, runner.run.exit_code) == (RunStatus.FAILED, ExitCode.MIGRATION_FAILED)
    assert (runner.run.error, runner.run.hint) == ("Migration failed.", "Mend it.")
    step = StepRecord.objects.get(run_id=runner.run_id, name="0001_initial")
    assert (step.status, step.error) == (StepStatus.FAILED, "ValueError: no")


def test_a_run_that_was_stopped_is_interrupted() -> None:
    runner = Runner()
    runner.tell(PLAN, events.RunStopped(ExitCode.INTERRUPTED, 1))
    assert (runner.run.status, runner.run.exit_code) == (RunStatus.INTERRUPTED, ExitCode.INTERRUPTED)


@pytest.mark.parametrize("code", [ExitCode.LOCK_TIMEOUT, ExitCode.DIVERGED, ExitCode.USAGE])
def test_a_run_that_fails_before_its_plan_is_kept_too(code: ExitCode) -> None:
    runner = Runner()
    runner.tell(events.RunStarted(5), events.RunFailed(code, "It ended.", ""))
    assert (runner.run.status, runner.run.exit_code) == (RunStatus.FAILED, code)


@pytest.mark.parametrize("code", [ExitCode.UNREACHABLE, ExitCode.REFUSED])
def test_a_database_that_could_not_be_used_is_not_written_to(code: ExitCode) -> None:
    Runner().tell(events.RunStarted(5), events.RunFailed(code, "It is away.", ""))
    assert not have_tables(connection)


def test_a_run_that_was_stopped_before_its_plan_leaves_nothing() -> None:
    Runner().tell(events.RunStarted(5), events.RunStopped(ExitCode.INTERRUPTED, 0))
    assert not have_tables(connection)


def test_a_run_that_was_asked_for_is_kept_from_when_it_is_claimed_even_with_nothing_to_do() -> None:
    asked = History().enqueue("bia")
    assert History().claim(asked.id)
    runner = Runner(queued=True, run_id=asked.id)
    runner.tell(events.RunStarted(5), events.RunClaimed(), events.PlanMade(("billing",), None, (), False), SUCCESS)
    assert (runner.run.status, runner.run.requested_by, runner.run.slot) == (RunStatus.SUCCEEDED, "bia", None)


def test_a_run_that_was_asked_for_and_never_claimed_is_not_made_up() -> None:
    runner = Runner(queued=True)
    runner.tell(events.RunStarted(5), events.RunFailed(ExitCode.USAGE, "It is not queued.", ""))
    assert History().get(runner.run_id) is None


def test_whoever_has_the_lock_closes_the_runs_that_were_killed() -> None:
    killed = Runner()
    killed.tell(PLAN, STARTED)
    Runner().tell(events.LockAcquired(0.0))
    assert killed.run.status == RunStatus.INTERRUPTED
    assert killed.steps()[0][1] == StepStatus.INTERRUPTED
    assert killed.steps()[1][1] == StepStatus.PENDING


def test_a_second_attempt_keeps_what_the_first_one_did() -> None:
    runner = Runner()
    runner.tell(PLAN, STARTED, FINISHED)
    runner.tell(events.AttemptFailed(1, 5, "the connection was lost", ""))
    runner.tell(events.PlanMade(("billing",), None, (SECOND,), backwards=False), SUCCESS)
    assert runner.run.total == 2
    assert [name for name, *_rest in runner.steps()] == ["0001_initial", "0002_total"]
    assert runner.steps()[0][1] == StepStatus.APPLIED


def test_a_history_that_cannot_be_written_stops_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    runner = Runner()
    runner.tell(PLAN)
    drop_tables()
    with caplog.at_level(logging.WARNING, logger="auto_migrate"):
        runner.tell(STARTED)
    [record] = caplog.records
    assert f"The history of run {runner.run_id} could not be written" in record.getMessage()


def test_no_step_of_a_run_that_was_stopped_at_once_is_under_way() -> None:
    runner = Runner()
    stopped = events.RunFailed(ExitCode.INTERRUPTED, "Stopped at once by a second signal.", "")
    runner.tell(events.RunStarted(5), events.LockAcquired(0.0), PLAN, STARTED, stopped)
    assert runner.steps() == [
        (FIRST.name, StepStatus.INTERRUPTED, False),
        (SECOND.name, StepStatus.PENDING, False),
    ]


def test_a_run_ends_although_its_steps_cannot_be_written() -> None:
    runner = Runner()
    runner.tell(events.RunStarted(5), events.LockAcquired(0.0), PLAN)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE insufficient_privilege; END'"
        )
        cursor.execute("CREATE TRIGGER refuse BEFORE UPDATE ON auto_migrate_step EXECUTE FUNCTION refuse()")
    runner.tell(STARTED, STOPPED, events.RunFailed(ExitCode.MIGRATION_FAILED, "no", ""))
    assert runner.run.status == RunStatus.FAILED

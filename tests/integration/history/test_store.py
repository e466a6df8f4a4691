"""What the history keeps: of a text that no database takes as it is, and of what a run has tried before."""

from __future__ import annotations

import uuid

import pytest

from auto_migrate.active_schema import within_schema
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History, StepNote
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from tests.unit.samples import FIRST, SECOND

pytestmark = pytest.mark.django_db

TEXT = "Bad byte \0 in \udce9, 📦 is well."
KEPT = "Bad byte \ufffd in \ufffd, 📦 is well."


@pytest.fixture
def run() -> RunRecord:
    """Return a run that is on its first migration."""
    history, run_id = History(), uuid.uuid4()
    history.start(run_id, requested_by="ana")
    history.plan(run_id, [FIRST], backwards=False)
    history.note(run_id, StepNote(FIRST, StepStatus.RUNNING))
    return RunRecord.objects.get(pk=run_id)


def test_a_run_ends_whatever_its_error_says(run: RunRecord) -> None:
    History().finish(run.pk, RunStatus.FAILED, exit_code=1, error=TEXT, hint=TEXT)
    run.refresh_from_db()
    assert (run.status, run.error, run.hint) == (RunStatus.FAILED, KEPT, KEPT)


def test_a_run_is_given_up_whatever_its_error_says(run: RunRecord) -> None:
    assert History().abandon(run.pk, error=TEXT)
    run.refresh_from_db()
    assert (run.status, run.error) == (RunStatus.INTERRUPTED, KEPT)


def test_a_step_ends_whatever_its_error_says(run: RunRecord) -> None:
    History().note(run.pk, StepNote(FIRST, StepStatus.FAILED, error=TEXT))
    step = run.steps.get()  # type: ignore[arg-type] # the plugin does not know this registry
    assert (step.status, step.error) == (StepStatus.FAILED, KEPT)


def test_a_plan_for_a_tenant_keeps_what_an_attempt_before_has_done(run: RunRecord) -> None:
    history, last = History(), MigrationKey("shop", "0009_last")
    with within_schema("acme"):
        history.plan(run.pk, [FIRST, SECOND], backwards=False)
        history.note(run.pk, StepNote(FIRST, StepStatus.APPLIED), StepNote(SECOND, StepStatus.FAILED, error="No."))
        history.plan(run.pk, [FIRST, SECOND, last], backwards=False)
    run.refresh_from_db()
    steps = run.steps.filter(schema_name="acme").values_list("position", "name", "status")  # type: ignore[arg-type] # likewise
    assert list(steps) == [
        (1, FIRST.name, StepStatus.APPLIED),
        (2, SECOND.name, StepStatus.PENDING),
        (3, last.name, StepStatus.PENDING),
    ]
    # With the step of the schema that all share, which stays as it is.
    assert (run.total, run.steps.get(schema_name="").status) == (4, StepStatus.RUNNING)  # type: ignore[arg-type] # likewise

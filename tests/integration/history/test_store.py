"""What the history keeps of a text that no database takes as it is."""

from __future__ import annotations

import uuid

import pytest

from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History, StepNote
from auto_migrate.values import RunStatus, StepStatus
from tests.unit.samples import FIRST

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

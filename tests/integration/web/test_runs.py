"""The history of one database, and how far a run is."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from auto_migrate.history.store import History, StepNote
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from tests.integration.web.conftest import BASE

pytestmark = pytest.mark.django_db(transaction=True)


def finished(status: RunStatus) -> uuid.UUID:
    run_id = uuid.uuid4()
    History().start(run_id, requested_by="test")
    History().finish(run_id, status, exit_code=0)
    return run_id


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_run_that_is_under_way_shows_how_far_it_is(bearer: Client) -> None:
    history, run_id = History(), uuid.uuid4()
    first, second, third = (MigrationKey("app", f"000{number}_x") for number in (1, 2, 3))
    history.start(run_id, requested_by="test")
    history.plan(run_id, [first, second, third], backwards=False)
    history.note(run_id, StepNote(first, StepStatus.APPLIED, duration=1.5))
    history.note(run_id, StepNote(second, StepStatus.RUNNING))

    content = bearer.get(f"{BASE}/runs/{run_id}/").json()

    assert content["status"] == "running"
    assert content["progress"].pop("since") is not None
    assert content["progress"] == {"done": 1, "total": 3, "current": "app.0002_x"}
    assert [step["status"] for step in content["steps"]] == ["applied", "running", "pending"]
    assert content["steps"][0]["duration"] == 1.5


def test_a_failed_run_shows_why(bearer: Client) -> None:
    history, run_id, key = History(), uuid.uuid4(), MigrationKey("app", "0001_x")
    history.start(run_id, requested_by="test")
    history.plan(run_id, [key], backwards=False)
    history.note(run_id, StepNote(key, StepStatus.FAILED, error="no such column"))
    history.finish(run_id, RunStatus.FAILED, exit_code=1, error="It failed.", hint="Mend it.")
    content = bearer.get(f"{BASE}/runs/{run_id}/").json()
    assert (content["status"], content["exit_code"], content["error"]) == ("failed", 1, "It failed.")
    assert content["hint"] == "Mend it."
    assert content["steps"][0]["error"] == "no such column"


def test_runs_are_listed_newest_first_in_pages(bearer: Client) -> None:
    ids = [str(finished(RunStatus.SUCCEEDED)) for _ in range(5)]
    first = bearer.get(f"{BASE}/runs/?page_size=2").json()
    assert (first["count"], first["pages"], first["previous"]) == (5, 3, None)
    assert [run["run_id"] for run in first["results"]] == ids[:2:-1]
    second = bearer.get(first["next"]).json()
    assert [run["run_id"] for run in second["results"]] == ids[2:0:-1]
    assert bearer.get(second["next"]).json()["next"] is None


def test_runs_are_filtered_by_status(bearer: Client) -> None:
    finished(RunStatus.SUCCEEDED)
    failed = finished(RunStatus.FAILED)
    content = bearer.get(f"{BASE}/runs/?status=failed").json()
    assert [run["run_id"] for run in content["results"]] == [str(failed)]


def test_an_empty_history_is_one_empty_page(bearer: Client) -> None:
    content = bearer.get(f"{BASE}/runs/").json()
    assert (content["count"], content["pages"], content["results"]) == (0, 1, [])


def test_a_page_that_is_not_there_is_not_found(bearer: Client) -> None:
    assert error(bearer.get(f"{BASE}/runs/?page=2")) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=1.5", "page=٣", "page=" + "9" * 5000, "page=", "page_size=0",
     "page_size=101", "status=lost", "database=nowhere", "status=failed%00"],
)  # fmt: skip
def test_queries_that_make_no_sense_are_refused(bearer: Client, query: str) -> None:
    assert error(bearer.get(f"{BASE}/runs/?{query}")) == (400, "bad_request")


def test_an_unknown_run_is_not_found(bearer: Client) -> None:
    assert error(bearer.get(f"{BASE}/runs/{uuid.uuid4()}/")) == (404, "not_found")


def test_an_unreachable_database_is_told_as_json(bearer: Client, closed_port: int) -> None:
    assert error(bearer.get(f"{BASE}/runs/")) == (503, "database_unreachable")
    assert error(bearer.get(f"{BASE}/runs/{uuid.uuid4()}/")) == (503, "database_unreachable")

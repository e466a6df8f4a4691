"""Everything that an operator needs to see, and no secret."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from auto_migrate.databases import adapter_for
from auto_migrate.history.models import RunRecord, StepRecord
from auto_migrate.history.store import History, StepNote
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from tests.integration.web.conftest import BASE, TOKEN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failed_run(transactional_db: None) -> uuid.UUID:
    """Record a run whose error holds what looks like markup."""
    history, run_id, key = History(), uuid.uuid4(), MigrationKey("app", "0007_x")
    history.start(run_id, requested_by="test")
    history.plan(run_id, [key], backwards=False)
    history.note(run_id, StepNote(key, StepStatus.FAILED, error="<script>alert(1)</script>"))
    history.finish(run_id, RunStatus.FAILED, exit_code=1, error="See postgres://u:hunter2@db/x <b>now</b>")
    return run_id


def test_the_screen_tells_versions_settings_state_and_runs(bearer: Client, failed_run: uuid.UUID) -> None:
    content = bearer.get(f"{BASE}/debug/").json()
    assert content["versions"].keys() == {"auto_migrate", "django", "python"}
    database = content["databases"]["default"]
    assert database["driver"].startswith("psycopg")
    assert database["server"]["version"]
    assert database["migrations"]["state"] == "up_to_date"
    assert database["lock_holder"] is None
    newest = database["runs"][0]
    assert newest["run_id"] == str(failed_run)
    assert newest["steps"][0]["migration"] == "app.0007_x"


def test_the_pending_plan_is_shown_with_its_operations(bearer: Client) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    try:
        content = bearer.get(f"{BASE}/debug/").json()
    finally:
        recorder.record_applied("sessions", "0001_initial")
    migrations = content["databases"]["default"]["migrations"]
    assert migrations["state"] == "behind"
    assert migrations["pending"] == [
        {"migration": "sessions.0001_initial", "backwards": False, "operations": ["Create model Session"]}
    ]


def test_the_holder_of_the_deploy_lock_is_shown(bearer: Client) -> None:
    lock = adapter_for("default").deploy_lock("auto_migrate host:7")
    assert lock.try_acquire()
    try:
        content = bearer.get(f"{BASE}/debug/").json()
    finally:
        lock.release()
    assert content["databases"]["default"]["lock_holder"]["description"].startswith("auto_migrate host:7")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_no_secret_is_shown(
    bearer: Client, failed_run: uuid.UUID, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = connections["default"].settings_dict["OPTIONS"]
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {**options, "sslpassword": "hunter2"})
    shown = bearer.get(f"{BASE}/debug/", headers={"Accept": accept}).content.decode()
    assert "hunter2" not in shown
    assert TOKEN not in shown
    assert "2 set" in shown


def test_a_database_that_is_away_does_not_hide_the_rest(bearer: Client, closed_port: int) -> None:
    response = bearer.get(f"{BASE}/debug/")
    assert response.status_code == 200
    database = response.json()["databases"]["default"]
    assert str(closed_port) in database["error"]
    assert "migrations" not in database
    page = bearer.get(f"{BASE}/debug/", headers={"Accept": "text/html"}).content.decode()
    assert "It cannot be asked." in page


def test_a_browser_gets_a_page_on_which_nothing_runs_that_is_not_ours(staff: Client, failed_run: uuid.UUID) -> None:
    response = staff.get(f"{BASE}/debug/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    page = response.content.decode()
    assert response["Content-Type"].startswith("text/html")
    assert response["Content-Security-Policy"].startswith("default-src 'self';")
    assert response["Cache-Control"] == "no-store"
    assert 'data-state="up_to_date"' in page
    assert "<script>" not in page
    assert "style=" not in page
    run = staff.get(f"{BASE}/runs/{failed_run}/", headers={"Accept": "text/html"}).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in run
    assert "<script>" not in run


def test_numbers_are_shown_as_settings_are_written(staff: Client, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "pt-br"
    page = staff.get(f"{BASE}/debug/", headers={"Accept": "text/html"}).content.decode()
    assert "<dt>RETRY_DELAY</dt><dd>3.0</dd>" in page


@pytest.mark.parametrize("path", ["debug/", "runs/", "runs/{run_id}/"])
def test_no_secret_of_an_old_row_is_shown_anywhere(bearer: Client, path: str) -> None:
    """Rows that an older version of this app has kept as they were."""
    history, run_id, key = History(), uuid.uuid4(), MigrationKey("app", "0007_x")
    history.start(run_id, requested_by="test")
    history.plan(run_id, [key], backwards=False)
    said = "ValueError: https://u:hunter2@h/?token=hunter2 Authorization: Bearer hunter2 password=hunter2"
    RunRecord.objects.filter(pk=run_id).update(error=said, hint=said, status=RunStatus.FAILED)
    StepRecord.objects.filter(run_id=run_id).update(error=said, status=StepStatus.FAILED)
    content = bearer.get(f"{BASE}/{path.format(run_id=run_id)}").content.decode()
    assert "ValueError" in content
    assert "hunter2" not in content


def test_no_secret_is_kept(transactional_db: None) -> None:
    history, run_id, key = History(), uuid.uuid4(), MigrationKey("app", "0007_x")
    history.start(run_id, requested_by="test")
    history.plan(run_id, [key], backwards=False)
    history.note(run_id, StepNote(key, StepStatus.FAILED, error="token=hunter2"))
    history.finish(run_id, RunStatus.FAILED, exit_code=1, error="Bearer hunter2", hint="api_key: hunter2")
    rows = [*RunRecord.objects.values_list("error", "hint"), *StepRecord.objects.values_list("error")]
    assert "hunter2" not in str(rows)
    assert "token=" in str(rows)


def test_a_client_that_takes_anything_gets_json(bearer: Client, settings: Settings) -> None:
    response = bearer.get(f"{BASE}/debug/", headers={"Accept": "*/*"})
    assert response["Content-Type"] == "application/json"

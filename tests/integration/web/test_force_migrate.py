"""Migrating on request: one run at a time, and none that blocks for ever."""

from __future__ import annotations

import datetime
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from auto_migrate.databases import adapter_for
from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History, StepNote
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from auto_migrate.web import runners
from tests.integration.web.conftest import BASE, TOKEN, ended
from tests.programs import start
from tests.servers.postgresql import PostgreSQL

pytestmark = pytest.mark.django_db(transaction=True)

URL = f"{BASE}/force-migrate/"


@pytest.fixture(autouse=True)
def own_process(settings: Settings, monkeypatch: pytest.MonkeyPatch, postgresql: PostgreSQL) -> None:
    """Let runs be carried out by processes on the test database, as they are in a project without Celery."""
    settings.AUTO_MIGRATE = {"TOKEN": TOKEN, "RUNNER": "process"}
    monkeypatch.setenv("DATABASE_URL", postgresql.url(connection.settings_dict["NAME"]))
    monkeypatch.setattr(runners, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": forked}))


def forked(command: Sequence[str], *, env: Mapping[str, str], **popen: Any) -> subprocess.Popen[str]:
    """Start what the view starts, but from an interpreter that has read the libraries."""
    return start(command, env={**env, "LANG": "C.UTF-8"}, **popen)


def post(client: Client, **order: Any) -> Any:
    return client.post(URL, order, content_type="application/json")


@pytest.fixture
def without_sessions(transactional_db: None) -> Iterator[None]:
    """Take the session table back, which leaves one migration pending; make it again if nobody else did."""
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    with connection.schema_editor() as editor:
        editor.delete_model(Session)
    yield
    if Session._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Session)
        recorder.record_applied("sessions", "0001_initial")


def test_a_run_is_carried_out_and_can_be_followed(bearer: Client, without_sessions: None) -> None:
    response = post(bearer)

    assert response.status_code == 202
    content = response.json()
    assert content["status"] == "queued"
    assert content["status_url"] == f"{BASE}/runs/{content['run_id']}/" == response["Location"]
    run = ended(bearer, content["status_url"])
    assert (run["status"], run["exit_code"], run["requested_by"]) == ("succeeded", 0, "http: token")
    assert run["progress"]["done"] == run["total"] == 1
    assert run["steps"][0]["migration"] == "sessions.0001_initial"
    assert bearer.get(f"{BASE}/ready/").status_code == 200
    again = post(bearer)
    assert again.status_code == 202, "the place is free again"
    assert ended(bearer, again.json()["status_url"])["status"] == "succeeded"


def test_of_two_at_once_one_is_carried_out(bearer: Client) -> None:
    start = threading.Barrier(2)

    def ask(_: int) -> tuple[int, dict[str, Any]]:
        try:
            start.wait()
            response = post(Client(headers={"Authorization": f"Bearer {TOKEN}"}))
            return response.status_code, response.json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        (accepted, order), (refused, conflict) = sorted(pool.map(ask, range(2)), key=lambda answer: answer[0])

    assert (accepted, refused) == (202, 409)
    assert conflict["error"]["code"] == "already_running"
    assert conflict["run"]["run_id"] == order["run_id"]
    assert ended(bearer, order["status_url"])["status"] == "succeeded"
    assert RunRecord.objects.count() == 1


def test_a_run_of_the_command_line_is_in_the_way(bearer: Client) -> None:
    lock = adapter_for("default").deploy_lock("auto_migrate host:7")
    assert lock.try_acquire()
    run_id, history = uuid.uuid4(), History()
    history.start(run_id, requested_by="auto_migrate")
    history.plan(run_id, [MigrationKey("app", "0001_x")], backwards=False)
    try:
        response = post(bearer)
    finally:
        lock.release()
    assert response.status_code == 409
    assert response.json()["run"]["run_id"] == str(run_id)
    assert response.json()["holder"]["description"].startswith("auto_migrate host:7")
    assert RunRecord.objects.count() == 1


def test_the_holder_of_the_lock_is_told_even_if_it_has_no_run(bearer: Client) -> None:
    lock = adapter_for("default").deploy_lock("auto_migrate host:7")
    assert lock.try_acquire()
    try:
        content = post(bearer).json()
    finally:
        lock.release()
    assert content["run"] is None
    assert content["holder"]["since"]


def aged(status: RunStatus, seconds: float) -> RunRecord:
    """Record a run that took the place so long ago and has not ended."""
    run = History().enqueue("http: token")
    then = timezone.now() - datetime.timedelta(seconds=seconds)
    started = then if status == RunStatus.RUNNING else None
    RunRecord.objects.filter(pk=run.pk).update(status=status, requested_at=then, started_at=started)
    return run


@pytest.mark.parametrize(("status", "seconds"), [(RunStatus.QUEUED, 61), (RunStatus.RUNNING, 181)])
def test_a_run_that_nobody_carries_out_makes_room(bearer: Client, status: RunStatus, seconds: float) -> None:
    lost = aged(status, seconds)
    response = post(bearer)
    assert response.status_code == 202
    assert ended(bearer, response.json()["status_url"])["status"] == "succeeded"
    lost.refresh_from_db()
    assert (lost.status, lost.slot) == (RunStatus.INTERRUPTED, None)
    assert "Nobody carried the run out" in str(lost.error)


@pytest.mark.parametrize(("status", "seconds"), [(RunStatus.QUEUED, 30), (RunStatus.RUNNING, 90)])
def test_a_run_that_may_still_live_is_left_alone(bearer: Client, status: RunStatus, seconds: float) -> None:
    living = aged(status, seconds)
    response = post(bearer)
    assert (response.status_code, response.json()["run"]["run_id"]) == (409, str(living.pk))
    living.refresh_from_db()
    assert living.status == status


def test_a_dry_run_answers_the_plan_and_leaves_no_trace(bearer: Client) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    try:
        response = post(bearer, dry_run=True)
    finally:
        recorder.record_applied("sessions", "0001_initial")
    assert response.status_code == 200
    content = response.json()
    assert (content["dry_run"], content["database"], content["state"]) == (True, "default", "behind")
    assert content["pending"][0]["operations"] == ["Create model Session"]
    assert not RunRecord.objects.exists()


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_nothing_asked_for_is_a_run_of_the_default_database(bearer: Client, body: bytes, kind: str) -> None:
    History().enqueue("http: another, so that this one goes no further")
    assert bearer.post(URL, body, content_type=kind).status_code == 409


def test_an_empty_form_asks_for_nothing(bearer: Client) -> None:
    History().enqueue("http: another, so that this one goes no further")
    assert bearer.post(URL).status_code == 409


def test_json_that_is_declared_as_a_form_is_read_as_json(bearer: Client) -> None:
    response = bearer.post(URL, b'{"dry_run": true}', content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["dry_run"]) == (200, True)


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", b"null", b'"x"', b"1", b"\xff\xfe", b'{"dry_run": "true"}', b'{"dry_run": 1}',
        b'{"dry_run": null}', b'{"database": 5}', b'{"database": null}', b'{"database": ["default"]}',
        b'{"database": "nowhere"}', b'{"database": ""}', b'{"dryrun": true}', b'{"": 1}', b"dry_run=true",
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_bodies_that_make_no_sense_are_refused_and_nothing_happens(bearer: Client, body: bytes) -> None:
    response = bearer.post(URL, body, content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert not RunRecord.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b" " * 300_000, "application/json"), (b"x", "multipart/form-data")],
)
def test_bodies_that_cannot_be_read_are_refused(bearer: Client, body: bytes, kind: str) -> None:
    response = bearer.post(URL, body, content_type=kind)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert not RunRecord.objects.exists()


def test_a_form_with_fields_of_its_own_is_refused(bearer: Client) -> None:
    assert bearer.post(URL, {"dry_run": "true"}).status_code == 400


@pytest.mark.parametrize("order", [{}, {"dry_run": True}])
def test_an_unreachable_database_is_told_as_json(bearer: Client, closed_port: int, order: dict[str, Any]) -> None:
    response = post(bearer, **order)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "database_unreachable")


def test_a_run_of_a_user_bears_the_name(staff: Client) -> None:
    staff.get("/admin/password_change/")
    response = staff.post(URL, headers={"X-CSRFToken": staff.cookies["csrftoken"].value})
    assert response.status_code == 202
    assert ended(staff, response.json()["status_url"])["requested_by"] == "http: ana"


def test_a_run_that_pauses_between_attempts_lives_although_it_began_long_ago(bearer: Client) -> None:
    living = aged(RunStatus.RUNNING, 3600)
    migration = MigrationKey("app", "0001_x")
    History().plan(living.pk, [migration], backwards=False)
    History().note(living.pk, StepNote(migration, StepStatus.FAILED, error="The connection was lost."))
    assert post(bearer).status_code == 409
    living.refresh_from_db()
    assert living.status == RunStatus.RUNNING

"""Stopping a run, hurrying it, ending who is in its way; and the pages of runs, as programs see them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from auto_migrate.history.models import EventRecord
from auto_migrate.history.run_log import RunLog, Wish
from auto_migrate.history.store import History, StepNote
from auto_migrate.values import MigrationKey, RunStatus, StepStatus
from auto_migrate.web import run_snapshot
from auto_migrate.web.pages import run_page
from tests.integration.web.conftest import BASE

pytestmark = pytest.mark.django_db(transaction=True)

HTML = {"Accept": "text/html"}
# A page is looked at by many, beside a database that is busy.
MOST_QUERIES = 10


@pytest.fixture(autouse=True)
def no_events(empty_history: None) -> None:
    EventRecord.objects.all().delete()
    run_snapshot.forget()


@pytest.fixture
def running(transactional_db: None) -> uuid.UUID:
    """Record a run that says it is on its second of three migrations."""
    history, run_id = History(), uuid.uuid4()
    first, second, third = (MigrationKey("app", f"000{number}_x") for number in (1, 2, 3))
    history.start(run_id, requested_by="auto_migrate")
    history.plan(run_id, [first, second, third], backwards=False)
    history.note(run_id, StepNote(first, StepStatus.APPLIED, duration=1.5), StepNote(second, StepStatus.RUNNING))
    return run_id


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def told(run_id: uuid.UUID) -> list[tuple[str, str]]:
    return [(entry.kind, entry.by) for entry in RunLog("default", run_id).entries()]


def test_a_wish_to_stop_is_kept_with_who_had_it_and_once(bearer: Client, running: uuid.UUID) -> None:
    response = bearer.post(f"{BASE}/runs/{running}/stop/")
    assert response.status_code == 202
    assert response.json()["run_id"] == str(running)
    assert bearer.get(response["Location"]).json()["status"] == "running"
    bearer.post(f"{BASE}/runs/{running}/stop/")
    assert told(running) == [(Wish.STOP, "token")]


def test_a_queued_run_is_ended_at_once(bearer: Client) -> None:
    run = History().enqueue("http: ana")
    assert bearer.post(f"{BASE}/runs/{run.id}/stop/").json()["status"] == "interrupted"
    assert not History().claim(run.id)


def test_a_run_that_has_ended_takes_no_wish(bearer: Client, running: uuid.UUID) -> None:
    History().finish(running, RunStatus.SUCCEEDED, exit_code=0)
    assert error(bearer.post(f"{BASE}/runs/{running}/stop/")) == (409, "not_running")
    assert error(bearer.post(f"{BASE}/runs/{running}/retry/")) == (409, "not_running")
    assert told(running) == []


def test_djangos_own_migrate_cannot_be_stopped_from_here(bearer: Client) -> None:
    run_id = uuid.uuid4()
    History().start(run_id, requested_by="migrate")
    assert error(bearer.post(f"{BASE}/runs/{run_id}/stop/")) == (409, "not_stoppable")


@pytest.mark.parametrize("path", ["runs/{run}/stop/", "runs/{run}/retry/", "blockers/1/end/"])
def test_only_operators_may(stranger: Client, staff: Client, running: uuid.UUID, path: str) -> None:
    address = f"{BASE}/{path.format(run=running)}"
    assert error(stranger.post(address)) == (403, "forbidden")
    # A session without the CSRF token.
    assert error(staff.post(address)) == (403, "forbidden")
    assert error(staff.get(address)) == (405, "method_not_allowed")
    assert told(running) == []


@pytest.mark.parametrize("path", [f"runs/{uuid.UUID(int=1)}/stop/", "runs/x/stop/"])
def test_an_unknown_run_is_not_found(bearer: Client, path: str) -> None:
    assert error(bearer.post(f"{BASE}/{path}")) == (404, "not_found")


def test_a_session_that_is_in_nobodys_way_is_not_ended(bearer: Client, running: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    assert error(bearer.post(f"{BASE}/blockers/{pid}/end/")) == (409, "not_in_the_way")
    assert error(bearer.post(f"{BASE}/blockers/{2**40}/end/")) == (409, "not_in_the_way")
    assert error(bearer.post(f"{BASE}/blockers/{pid}/end/", {"run_id": "x"})) == (400, "bad_request")


def test_staff_need_a_permission_to_end_sessions(running: uuid.UUID) -> None:
    for name, superuser, answer in (("rui", False, 403), ("eva", True, 409)):
        client = Client()
        client.force_login(User.objects.create_user(name, is_staff=True, is_superuser=superuser))
        assert client.post(f"{BASE}/blockers/1/end/").status_code == answer


def test_a_browser_is_sent_to_the_run_or_told_why_not(running: uuid.UUID) -> None:
    client = Client()
    client.force_login(User.objects.create_user("eva", is_staff=True, is_superuser=True))
    response = client.post(f"{BASE}/runs/{running}/stop/", headers=HTML)
    assert (response.status_code, response["Location"]) == (302, f"{BASE}/runs/{running}/")
    refused = client.post(f"{BASE}/blockers/1/end/", headers=HTML)
    assert refused.status_code == 409
    assert "Nothing was ended." in refused.content.decode()


@pytest.mark.parametrize("path", ["debug/", "runs/", "runs/{run}/"])
def test_what_has_not_changed_is_not_sent_again(staff: Client, running: uuid.UUID, path: str) -> None:
    address = f"{BASE}/{path.format(run=running)}?part=live"
    first = staff.get(address, headers=HTML)
    assert first.status_code == 200
    again = staff.get(address, headers={**HTML, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    run_snapshot.forget()
    History().note(running, StepNote(MigrationKey("app", "0002_x"), StepStatus.APPLIED, duration=1.0))
    History().finish(running, RunStatus.SUCCEEDED, exit_code=0)
    moved = staff.get(address, headers={**HTML, "If-None-Match": first["ETag"]})
    assert moved.status_code == 200
    assert moved["ETag"] != first["ETag"]


@pytest.mark.parametrize("path", ["debug/", "runs/", "runs/{run}/"])
def test_a_look_costs_few_queries(staff: Client, running: uuid.UUID, path: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        response = staff.get(f"{BASE}/{path.format(run=running)}?part=live", headers=HTML)
    assert response.status_code == 200
    # Who asks is looked up, and the session is given limits, whatever is looked at.
    around = ("django_session", "auth_user", "current_setting(")
    own = [query["sql"] for query in asked if not any(word in query["sql"] for word in around)]
    assert len(own) <= MOST_QUERIES, own


def test_many_who_look_at_one_run_cost_one_look(staff: Client, running: uuid.UUID) -> None:
    address = f"{BASE}/runs/{running}/?part=live"
    staff.get(address, headers=HTML)
    with CaptureQueriesContext(connection) as asked:
        assert staff.get(address, headers=HTML).status_code == 200
    assert [query["sql"] for query in asked if "auto_migrate" in query["sql"]] == []


def test_the_page_is_made_once_for_those_who_are_shown_the_same(
    staff: Client, running: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[run_snapshot.RunSnapshot] = []
    sections = run_page._sections

    def counted(request: HttpRequest, seen: run_snapshot.RunSnapshot) -> Any:
        made.append(seen)
        return sections(request, seen)

    monkeypatch.setattr(run_page, "_sections", counted)
    address = f"{BASE}/runs/{running}/?part=live"
    shown = [staff.get(address, headers=HTML) for _viewer in range(3)]
    assert len({response.content for response in shown}) == len(made) == 1
    run_snapshot.forget()
    known = {**HTML, "If-None-Match": shown[0]["ETag"]}
    assert staff.get(address, headers=known).status_code == 304
    assert len(made) == 1  # nothing for whoever has it


def test_a_stranger_with_a_browser_is_shown_where_to_log_in(stranger: Client) -> None:
    response = stranger.get(f"{BASE}/runs/", headers=HTML)
    assert response.status_code == 403
    assert f'href="/admin/login/?next={BASE}/runs/"' in response.content.decode()


def test_the_page_of_a_run_says_what_its_log_says(staff: Client, running: uuid.UUID) -> None:
    log = RunLog("default", running)
    log.add("attempt_failed", detail={"attempt": 1, "attempts": 5, "reason": "too slow", "detail": "token=hunter2"})
    log.add("unheard_of", by="ana")
    page = staff.get(f"{BASE}/runs/{running}/", headers=HTML).content.decode()
    assert "Attempt 1 of 5 failed: too slow." in page
    assert "hunter2" not in page
    assert "unheard of" in page
    assert "1 of 3 migrations, 33 %" in page


@pytest.mark.parametrize("query", ["phase=pre_deploy", "release=4f2", "since=2999-01-01", "until=2000-01-01"])
def test_runs_are_narrowed_down(bearer: Client, running: uuid.UUID, query: str) -> None:
    assert bearer.get(f"{BASE}/runs/?{query}").json()["count"] == 0
    assert bearer.get(f"{BASE}/runs/?phase=all&since=2000-01-01&until=2999-01-01").json()["count"] == 1


@pytest.mark.parametrize(
    "query", ["phase=soon", "since=yesterday", "since=2026-02-30", "until=0001-01-01", "release=%00"]
)
def test_what_narrows_nothing_down_is_refused(bearer: Client, query: str) -> None:
    assert error(bearer.get(f"{BASE}/runs/?{query}")) == (400, "bad_request")


@pytest.mark.parametrize(
    "given", ['"AM301:a.b@3f9a"', "[1]", '["AM301:a.b"]', '["AM301:a.b@x"]', '["a"]', '["AM301:a.b@3f9a=why"]']
)
def test_acknowledgements_over_http_are_for_one_plan(bearer: Client, given: str) -> None:
    body = f'{{"dry_run": true, "acknowledge": {given}}}'
    response = bearer.post(f"{BASE}/force-migrate/", body, content_type="application/json")
    assert error(response) == (400, "bad_request")


def test_style_and_script_are_there_for_anybody_and_kept(stranger: Client) -> None:
    for name, kind in (("screen.css", "text/css"), ("screen.js", "text/javascript")):
        response = stranger.get(f"{BASE}/pages/{name}")
        assert response["Content-Type"].startswith(kind)
        assert "immutable" in response["Cache-Control"]

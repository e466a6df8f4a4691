"""Whatever the database does, a request that asks it is answered within seconds, and the next one is right again."""

from __future__ import annotations

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from auto_migrate import prompt_questions, watchdog
from auto_migrate.databases import name_lookup
from auto_migrate.tasks import run_post_deploy
from tests.integration.web.conftest import BASE
from tests.servers import Proxy

pytestmark = pytest.mark.django_db(transaction=True)

RUN = uuid.uuid4()
JSON = "application/json"
ASKED: dict[str, Callable[[Client], Any]] = {
    "runs": lambda client: client.get(f"{BASE}/runs/"),
    "run": lambda client: client.get(f"{BASE}/runs/{RUN}/"),
    "backfills": lambda client: client.get(f"{BASE}/backfills/"),
    "stop": lambda client: client.post(f"{BASE}/runs/{RUN}/stop/"),
    "dry run": lambda client: client.post(f"{BASE}/force-migrate/", {"dry_run": True}, content_type=JSON),
    "force-migrate": lambda client: client.post(f"{BASE}/force-migrate/"),
}
LOCKABLE = [name for name in ASKED if name not in {"backfills", "dry run"}]
# Nobody waits for longer than this, and without limits everybody would wait for ever.
SOON = 15.0


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give answers less time than people get."""
    for name, seconds in {"ANSWER": 0.5, "FIRST_ANSWER": 0.2, "LOCKED": 0.1}.items():
        monkeypatch.setattr(prompt_questions, name, seconds)


@pytest.fixture
def locked() -> Iterator[Callable[[str], int]]:
    """Return what locks a table of the database, and tells by which session."""
    settings = connections["default"].settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"], user=settings["USER"], password=settings["PASSWORD"],
        dbname=settings["NAME"],
    ) as holder:  # fmt: skip

        def lock(table: str) -> int:
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            return holder.info.backend_pid

        yield lock


def told(response: Any) -> tuple[int, str]:
    """Return an answer's status, and the code of its error."""
    return response.status_code, response.json()["error"]["code"]


def in_time(asked: Callable[[Client], Any], client: Client) -> Any:
    """Ask, and demand that the answer comes."""
    began = time.monotonic()
    response = asked(client)
    assert time.monotonic() - began < SOON
    return response


# The others are asked under the same limit, and each of these takes as long as a driver takes to connect.
@pytest.mark.parametrize("name", ["runs", "force-migrate"])
def test_a_network_that_swallows_an_answer_is_told_and_forgotten(bearer: Client, proxied: Proxy, name: str) -> None:
    assert bearer.get(f"{BASE}/runs/").status_code == 200
    proxied.swallow()
    assert told(in_time(ASKED[name], bearer)) == (503, "database_unreachable")
    proxied.restore()
    assert bearer.get(f"{BASE}/runs/").status_code == 200


def test_a_connection_that_hangs_is_made_anew_within_the_request(bearer: Client, proxied: Proxy) -> None:
    assert bearer.get(f"{BASE}/runs/").status_code == 200
    proxied.strand()
    assert in_time(ASKED["runs"], bearer).status_code == 200


def test_a_server_that_takes_connections_and_is_silent_is_told(bearer: Client, frozen: Proxy) -> None:
    assert told(in_time(ASKED["runs"], bearer)) == (503, "database_unreachable")
    content = in_time(lambda client: client.get(f"{BASE}/debug/"), bearer).json()
    assert "could not connect" in content["databases"]["default"]["error"]
    frozen.thaw()
    assert bearer.get(f"{BASE}/runs/").status_code == 200


@pytest.mark.parametrize("name", LOCKABLE)
def test_a_history_that_somebody_has_locked_is_told(bearer: Client, locked: Callable[[str], int], name: str) -> None:
    locked("auto_migrate_run")
    assert told(in_time(ASKED[name], bearer)) == (503, "database_busy")
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",), "nothing stays set on the request's connection"


def test_who_has_the_history_locked_is_in_the_log(
    bearer: Client, locked: Callable[[str], int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prompt_questions, "LOCKED", 1.5)
    monkeypatch.setattr(prompt_questions, "ANSWER", 8.0)
    monkeypatch.setattr(watchdog, "TICK", 0.2)
    who = locked("auto_migrate_run")
    assert told(in_time(ASKED["runs"], bearer)) == (503, "database_busy")
    assert f"pid {who}" in caplog.text
    content = bearer.get(f"{BASE}/debug/").json()
    assert f"pid {who}" in content["databases"]["default"]["error"]


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_whoever_cannot_be_looked_up_is_told_so(staff: Client, locked: Callable[[str], int], accept: str) -> None:
    locked("django_session")
    response = in_time(lambda client: client.get(f"{BASE}/debug/", headers={"Accept": accept}), staff)
    assert response.status_code == 503
    assert "database_busy" in response.content.decode()


def test_the_admins_list_of_backfills_is_answered_too(staff: Client, locked: Callable[[str], int]) -> None:
    assert staff.get("/admin/auto_migrate/backfillrecord/").status_code == 200
    locked("auto_migrate_backfill")
    response = in_time(lambda client: client.get("/admin/auto_migrate/backfillrecord/"), staff)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "database_busy")


def test_the_admins_list_of_backfills_still_wants_a_csrf_token(staff: Client) -> None:
    assert staff.post("/admin/auto_migrate/backfillrecord/", {"action": "pause"}).status_code == 403


def test_the_task_after_the_deploy_gives_up_in_time(
    locked: Callable[[str], int], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUTO_MIGRATE = {"PHASES": True, "RELEASE": "a"}
    caplog.set_level(logging.INFO)
    locked("django_migrations, auto_migrate_run")
    in_time(lambda _client: run_post_deploy(), Client())
    assert "locked by somebody else" in caplog.text


def test_the_limits_are_gone_when_the_request_is_over(bearer: Client) -> None:
    User.objects.exists()
    before, settings = vars(connection).get("wrap_database_errors"), connection.settings_dict
    assert bearer.get(f"{BASE}/debug/").status_code == 200
    assert vars(connection).get("wrap_database_errors") is before
    assert connection.settings_dict is settings


def test_a_resolver_that_is_silent_is_told(
    bearer: Client, elsewhere: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    # No resolver of this machine can be made silent for one process alone.
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answered.wait(60))
    elsewhere["HOST"] = "db.of.nobody.invalid"
    for _ in range(3):
        assert told(in_time(ASKED["runs"], bearer)) == (503, "database_unreachable")
    assert sum(lookup.is_alive() for lookup in name_lookup._lookups.values()) == 1, "however many ask, one thread waits"
    answered.set()

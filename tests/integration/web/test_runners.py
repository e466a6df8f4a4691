"""Who carries out a run: a Celery worker or a process, each for real, and neither when nobody is there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client
from pytest_django import Settings

from auto_migrate.history.models import RunRecord
from auto_migrate.history.store import History
from auto_migrate.values import RunStatus
from auto_migrate.web import runners
from sms_sender import celery_app
from tests.integration.web.conftest import BASE, TOKEN, ended
from tests.manage import ROOT, environment
from tests.programs import start
from tests.servers import PostgreSQL, Proxy, Redis, free_port

pytestmark = pytest.mark.django_db(transaction=True)

URL = f"{BASE}/force-migrate/"


def choose(settings: Settings, runner: str) -> None:
    settings.AUTO_MIGRATE = {"TOKEN": TOKEN, "RUNNER": runner}


@pytest.fixture
def database_of_children(monkeypatch: pytest.MonkeyPatch, postgresql: PostgreSQL) -> str:
    """Return the URL of the test database, which children of this process shall use."""
    url = postgresql.url(connection.settings_dict["NAME"])
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def worker(database_of_children: str, redis_server: Redis, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the worker of sms_sender."""
    command = [sys.executable, "-m", "celery", "-A", "sms_sender", "worker", "--pool", "solo", "--loglevel", "info"]
    env = environment({"DATABASE_URL": database_of_children})
    with (tmp_path / "worker.log").open("wb") as log:
        process = start(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        yield process
        process.terminate()
        process.wait(30)


def test_a_worker_carries_the_run_out(bearer: Client, settings: Settings, worker: subprocess.Popen[str]) -> None:
    choose(settings, "auto")
    response = bearer.post(URL)
    assert response.status_code == 202
    run = ended(bearer, response.json()["status_url"])
    assert (run["status"], run["pid"]) == ("succeeded", worker.pid)


def test_a_task_leaves_a_run_alone_that_was_given_up() -> None:
    from auto_migrate.tasks import run_migrations

    history = History()
    given_up = history.enqueue("http: token")
    history.abandon(given_up.pk, error="Nobody came.")
    run_migrations("default", str(given_up.pk))
    run_migrations("default", str(uuid.uuid4()))
    given_up.refresh_from_db()
    assert (given_up.status, given_up.error) == (RunStatus.INTERRUPTED, "Nobody came.")
    assert RunRecord.objects.count() == 1


def test_a_worker_of_another_release_does_not_call_nothing_a_success() -> None:
    from auto_migrate.tasks import run_migrations

    history = History()
    run = history.enqueue("http: token")
    run_migrations("default", str(run.pk), wanted=["webhooks.0001_initial", "webhooks.0099_not_here"])
    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "does not have webhooks.0099_not_here" in str(run.error)
    assert "0001_initial" not in str(run.error)


def not_handed_over(client: Client, message: str) -> None:
    response = client.post(URL)
    content = response.json()
    assert (response.status_code, content["error"]["code"]) == (503, "runner_unavailable")
    assert message in content["error"]["message"]
    assert "hunter2" not in str(content)
    run = RunRecord.objects.get(pk=content["run_id"])
    assert (run.status, run.slot) == (RunStatus.INTERRUPTED, None)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_down_is_told(
    bearer: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    choose(settings, "celery")
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"{scheme}://:hunter2@127.0.0.1:{free_port()}//")
    not_handed_over(bearer, "did not take the run")


def test_a_broker_that_hangs_is_given_up(
    bearer: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, redis_server: Redis
) -> None:
    choose(settings, "celery")
    monkeypatch.setattr(runners, "PATIENCE", 0.1)
    with Proxy(redis_server) as proxy:
        proxy.freeze()
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", proxy.url(redis_server.url()))
        not_handed_over(bearer, "did not answer")
        for thread in [thread for thread in threading.enumerate() if "hand over" in thread.name]:
            thread.join()  # it gives up by itself, too


@pytest.mark.parametrize(
    ("broker", "found"), [("redis://localhost/0", True), ("amqp://localhost", True), ("memory://", False), ("", False)]
)
def test_a_project_has_celery_if_it_has_a_broker_for_it(
    monkeypatch: pytest.MonkeyPatch, broker: str, found: bool
) -> None:
    for name in ("CELERY_BROKER_URL", "CELERY_BROKER_WRITE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(celery_app.conf, "broker_write_url", None, raising=False)
    monkeypatch.setitem(celery_app.conf, "broker_url", broker)
    assert runners.has_celery() is found


def test_a_process_that_cannot_begin_is_told(
    bearer: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(settings, "process")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    not_handed_over(bearer, "could not be started")


def test_a_process_without_settings_is_not_begun(
    bearer: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(settings, "process")
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    not_handed_over(bearer, "DJANGO_SETTINGS_MODULE")


def test_a_process_that_dies_at_once_leaves_no_run_open(
    bearer: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(settings, "process")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "no_such_project.settings")
    response = bearer.post(URL)
    assert response.status_code == 202
    run = ended(bearer, response.json()["status_url"])
    assert run["status"] == "interrupted"
    assert "exit code 1" in run["error"]


def children_of(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            children += map(int, (task / "children").read_text().split())
    return children


def test_a_server_brings_an_empty_database_up_to_date(database_url: str, tmp_path: Path) -> None:
    """What an operator does, against a real server, from a folder that is not the project's."""
    port = free_port()
    base, bearer = f"http://127.0.0.1:{port}{BASE}", {"Authorization": f"Bearer {TOKEN}"}
    variables = {
        "DATABASE_URL": database_url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "AUTO_MIGRATE_TOKEN": TOKEN,
        "AUTO_MIGRATE_RUNNER": "process",
    }
    command = [sys.executable, "-m", "gunicorn", "sms_sender.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    env = {**environment(variables), "PYTHONPATH": ""}
    with (tmp_path / "server.log").open("wb") as log:
        server = start(
            [*command, "--chdir", str(tmp_path), "--pythonpath", str(ROOT)], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        try:
            wait_for(f"{base}/live/")
            not_ready = requests.get(f"{base}/ready/", timeout=10)
            assert (not_ready.status_code, not_ready.json()["reason"]) == (503, "behind")
            order = requests.post(f"{base}/force-migrate/", headers=bearer, timeout=10)
            assert order.status_code == 202
            run = poll(f"http://127.0.0.1:{port}{order.json()['status_url']}", bearer)
            assert run["status"] == "succeeded"
            assert run["progress"]["done"] == run["total"]
            assert requests.get(f"{base}/ready/", timeout=10).status_code == 200
            (web,) = children_of(server.pid)
            wait_until_gone(run["pid"])
            assert children_of(web) == [], "no zombie is left"
        finally:
            server.terminate()
            server.wait(30)


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def poll(url: str, headers: dict[str, str]) -> dict[str, Any]:
    for _ in range(600):
        content: dict[str, Any] = requests.get(url, headers=headers, timeout=10).json()
        if content["status"] not in {"queued", "running"}:
            return content
        time.sleep(0.1)
    raise AssertionError(content)


def wait_until_gone(pid: int) -> None:
    for _ in range(300):
        if not os.path.exists(f"/proc/{pid}"):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")

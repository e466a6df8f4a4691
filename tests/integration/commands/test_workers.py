"""Celery workers as real processes: they consume nothing while their code's migrations are pending."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from celery import Celery
from redis import Redis as Client

from tests.e2e.scripts import read_until
from tests.manage import ROOT, environment, run_manage
from tests.programs import start
from tests.servers import PostgreSQL, Redis
from tools.servers import wait_until
from webhooks.health import HEARTBEAT

QUEUE = "celery"


@pytest.fixture
def broker() -> Iterator[Redis]:
    """Serve a broker of its own."""
    with Redis() as server:
        yield server


@pytest.fixture
def client(broker: Redis) -> Iterator[Client]:
    """Return a connection to the broker."""
    with Client.from_url(broker.url()) as client:
        yield client


@contextlib.contextmanager
def worker(database_url: str, broker: Redis, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run a worker of sms_sender; its output and log come through one pipe."""
    extra = {"DATABASE_URL": database_url, "REDIS_URL": broker.url(), **env}
    with start(
        [sys.executable, "-m", "celery", "-A", "sms_sender", "worker", "--loglevel=info", "--concurrency=1"],
        cwd=ROOT,
        env=environment(extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(broker: Redis) -> None:
    """Ask for what beat asks for; the worker that does it leaves a sign of life in the cache."""
    with Celery(broker=broker.url()) as app:
        app.send_task("webhooks.tasks.send_due")


def connected(client: Client) -> set[str]:
    """Return who is connected to the broker."""
    return {connection["id"] for connection in client.client_list()}


def test_a_worker_consumes_only_after_the_migrations_are_there(
    database_url: str, broker: Redis, client: Client
) -> None:
    ask(broker)
    others = connected(client)
    with worker(database_url, broker) as process:
        printed = read_until(process, "⏳ Waiting for migrations")
        assert "nobody migrates" in printed
        assert run_manage("auto_migrate", "--check", database_url=database_url).returncode == 9
        assert client.llen(QUEUE) == 1
        assert connected(client) <= others
        assert run_manage("auto_migrate", database_url=database_url).returncode == 0
        read_until(process, "✅ No migrations are pending.")
        wait_until(lambda: bool(client.keys(f"*{HEARTBEAT}")), timeout=60, message=lambda: "the task was never done")
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest
    assert client.llen(QUEUE) == 0


def test_a_waiting_worker_carries_out_a_run_that_was_asked_for(database_url: str, broker: Redis) -> None:
    """It waits for what nobody else would do: the run is queued for a worker, and this is the only one."""
    enqueue = "from auto_migrate.history.store import History; History().enqueue('http: token')"
    with worker(database_url, broker) as process:
        read_until(process, "⏳ Waiting for migrations")
        assert run_manage("shell", "-c", enqueue, database_url=database_url).returncode == 0
        read_until(process, "✅ No migrations are pending.")
        # Celery is not at home to a signal before it is ready.
        read_until(process, " ready.")
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert "Traceback" not in rest
    assert run_manage("auto_migrate", "--check", database_url=database_url).returncode == 0


def test_a_waiting_worker_ends_at_sigterm(database_url: str, broker: Redis) -> None:
    with worker(database_url, broker) as process:
        read_until(process, "⏳ Waiting for migrations")
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "asked to stop" in rest
    assert "ready." not in rest


def test_a_worker_that_need_not_wait_starts_at_once(database_url: str, broker: Redis) -> None:
    with worker(database_url, broker, AUTO_MIGRATE_WORKERS="start") as process:
        assert "⏳" not in read_until(process, "ready.")


@pytest.mark.parametrize(
    ("setting", "exit_code"), [("AUTO_MIGRATE_MIGRATIONS_WAIT=0", 9), ("AUTO_MIGRATE_WORKERS=perhaps", 2)]
)
def test_a_worker_that_waits_in_vain_does_not_start(
    database_url: str, broker: Redis, client: Client, setting: str, exit_code: int
) -> None:
    ask(broker)
    name, value = setting.split("=")
    with worker(database_url, broker, **{name: value}) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == exit_code, output
    assert "The worker does not start" in output
    assert client.llen(QUEUE) == 1


def test_a_worker_whose_password_is_refused_ends_at_once(postgresql: PostgreSQL, broker: Redis, client: Client) -> None:
    ask(broker)
    with worker(postgresql.url(password="wrong-secret"), broker) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert "wrong-secret" not in output
    assert client.llen(QUEUE) == 1

"""Deployed under fire: releases come and go while deliveries pour in that nobody sends twice, and none is lost."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from tests.e2e.releases import NEW, OLD, build
from tests.integration.webhooks.conftest import AT_ANY_TIME, SECRET
from tests.integration.webhooks.payloads import ghostpay
from tests.manage import ROOT, environment, run_manage
from tests.programs import start
from tests.servers import Redis, free_port
from tools.servers import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

A_SECOND = 20
PIX_EVERY = 20
"""Of so many payments one is by PIX, and gets an SMS."""
PATIENCE = 240.0
"""Seconds; far more than it takes, since a machine that does much else at once is no failure."""


def name(number: int) -> str:
    """Return a name that no other customer has: letters alone, or nobody would be called by it."""
    return "Ana" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


class Gateway:
    """Delivers a new payment twenty times a second, each once, to whichever releases are up."""

    def __init__(self, port: int) -> None:
        self.ports = [port]
        self.answers: dict[int, int | str] = {}
        self._stop = threading.Event()
        self._under_way = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Gateway:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, number: int) -> None:
        """Wait until so many deliveries are answered."""
        wait_until(lambda: len(self.answers) >= number, timeout=PATIENCE, message=lambda: str(self.answers))

    def turn_to(self, *ports: int) -> None:
        """Deliver to these from now on; nothing is under way to any other when this returns."""
        with self._under_way:
            self.ports = list(ports)

    def _run(self) -> None:
        number, due = 0, time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += 1 / A_SECOND
            with self._under_way:
                self.answers[number] = self._deliver(number)
            number += 1

    def _deliver(self, number: int) -> int | str:
        customer = {"name": name(number), "phone": f"119{88000000 + number}"}
        method = "CREDIT_CARD" if number % PIX_EVERY else "PIX"
        order = {"paymentId": f"gp_{number}", "externalId": f"pedido-{number}", "paymentMethod": method}
        payload = ghostpay(**order, customer=customer)
        url = f"http://127.0.0.1:{self.ports[number % len(self.ports)]}/api/webhooks/ghostpay/"
        try:
            return requests.post(url, json=payload, headers={"X-Webhook-Secret": SECRET}, timeout=PATIENCE).status_code
        except requests.RequestException as error:
            return repr(error)


class Release:
    """One release's processes, started by its own scripts and the Procfile's commands."""

    def __init__(self, tree: Path, folder: Path, env: dict[str, str]) -> None:
        self.tree = tree
        self.folder = folder
        self.port = free_port()
        self.env = env | {"PYTHONPATH": str(tree), "AUTO_MIGRATE_RELEASE": tree.name}
        self.processes: dict[str, subprocess.Popen[Any]] = {}

    def run(self, *command: str) -> str:
        """Run a command of the release to its end."""
        done = subprocess.run(
            command, cwd=self.tree, env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, kind: str, *command: str) -> None:
        """Start a process; only the code at hand is what `start` has at hand, too."""
        begin = start if self.tree == ROOT else subprocess.Popen
        with self.path(kind).open("ab") as log:
            self.processes[kind] = begin(
                [sys.executable, "-m", *command], cwd=self.tree, env=self.env, stdout=log, stderr=log
            )

    def start_web(self) -> None:
        """Start the web process, and wait until it says that it is ready."""
        bind = f"127.0.0.1:{self.port}"
        self.start("web", "gunicorn", "sms_sender.wsgi", "--log-file", "-", "--bind", bind, "--no-control-socket")
        wait_until(self.is_ready, timeout=PATIENCE, message=lambda: self.log("web"))

    def is_ready(self) -> bool:
        """Return whether traffic may come."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/api/webhooks/ready/", timeout=5).ok
        return False

    def path(self, kind: str) -> Path:
        """Return where a process logs."""
        return self.folder / f"{self.tree.name}-{kind}.log"

    def log(self, kind: str) -> str:
        """Return what a process has logged."""
        return self.path(kind).read_text("utf-8")

    def stop(self, kind: str) -> None:
        """Ask a process to end, as a platform does, and wait until it has."""
        self.processes[kind].send_signal(signal.SIGTERM)
        self.processes.pop(kind).wait(PATIENCE)

    def kill(self) -> None:
        """End what is left, the children of a worker included."""
        for process in self.processes.values():
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()


@pytest.fixture
def releases(tmp_path: Path, database_url: str, redis_server: Redis) -> Iterator[list[Release]]:
    """Return the release at hand and those that come after it; none of them runs yet."""
    env = environment(
        {
            "DATABASE_URL": database_url, "REDIS_URL": redis_server.url(15), "ALLOWED_HOSTS": "127.0.0.1",
            "GHOSTPAY_WEBHOOK_SECRET": SECRET, "SMS_RECOVERY_DELAY": "0", "SMS_POLL_INTERVAL": "0.5",
            "WEB_CONCURRENCY": "1", "AUTO_MIGRATE_PHASES": "true", **AT_ANY_TIME,
        }
    )  # fmt: skip
    found = [Release(tree, tmp_path, env) for tree in (ROOT, *build(tmp_path))]
    yield found
    for release in found:
        release.kill()


def deploy(before: Release, release: Release, gateway: Gateway) -> None:
    """Deploy as a platform does: release phase, a new web process beside the old one, and then the old one ends."""
    release.run("./pre_start.sh")
    release.start_web()
    gateway.turn_to(before.port, release.port)
    wanted = len(gateway.answers) + A_SECOND
    gateway.wait_for(wanted)
    gateway.turn_to(release.port)
    before.stop("web")


def columns(url: str) -> set[str]:
    """Return the columns of the payments."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = 'webhooks_payment'::regclass AND NOT attisdropped"
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(query).fetchall()}


def test_no_delivery_sms_or_value_is_lost_while_a_column_is_renamed(releases: list[Release], database_url: str) -> None:
    first, both, new = releases
    assert run_manage("migrate", database_url=database_url).returncode == 0
    first.start_web()
    with Gateway(first.port) as gateway:
        gateway.wait_for(A_SECOND)
        deploy(first, both, gateway)
        deploy(both, new, gateway)
        assert {OLD, NEW} <= columns(database_url)
        new.run("python", "manage.py", "auto_migrate", "--phase", "post_deploy")
        gateway.wait_for(len(gateway.answers) + 5)
    assert OLD not in columns(database_url)
    assert set(gateway.answers.values()) == {200}
    wanted = {f"gp_{number}": name(number) for number in gateway.answers}
    new.start("worker", "celery", "-A", "sms_sender", "worker", "--loglevel=info", "--beat", "--concurrency=2")
    with psycopg.connect(database_url) as connection:
        assert dict(connection.execute(f"SELECT gateway_id, {NEW} FROM webhooks_payment").fetchall()) == wanted
        left = "SELECT * FROM webhooks_recoverysms WHERE status <> 'sent' OR attempts <> 1"
        wait_until(
            lambda: not connection.execute(left).fetchall(),
            timeout=PATIENCE,
            message=lambda: f"{new.log('worker')}\n{connection.execute(left).fetchall()}",
        )
    texts = re.findall(r"SMS to [^:]*: (Ana[a-j]+),", new.log("worker"))
    assert sorted(texts) == sorted(name(number) for number in gateway.answers if number % PIX_EVERY == 0)

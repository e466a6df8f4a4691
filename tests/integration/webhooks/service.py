"""The service as it is deployed: web, worker and beat as processes, on a database and a broker of their own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psycopg
import requests

from tests.integration.webhooks.conftest import AT_ANY_TIME, SECRET
from tests.manage import ROOT, environment
from tests.programs import start
from tests.servers import Redis, free_port

PATIENCE = 60.0
"""Seconds until a test gives up; none of them waits for this long to pass."""

COMMANDS = {
    "worker": ["celery", "-A", "sms_sender", "worker", "--loglevel=info", "--concurrency=2"],
    "beat": ["celery", "-A", "sms_sender", "beat", "--loglevel=info"],
}


def eventually(condition: Callable[[], bool], *, told: Callable[[], str]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


class Service:
    """Runs while the `with` block lasts, on a database that is up to date."""

    def __init__(self, folder: Path, database_url: str, broker: Redis, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.env = environment(
            {
                "DATABASE_URL": database_url,
                "REDIS_URL": broker.url(),
                "ALLOWED_HOSTS": "127.0.0.1",
                "GHOSTPAY_WEBHOOK_SECRET": SECRET,
                "SMS_RECOVERY_DELAY": "1",
                "SMS_POLL_INTERVAL": "0.2",
                "SMS_REDISPATCH_AFTER": "2",
                **AT_ANY_TIME,
                **(env or {}),
            }
        )

    def start(self, *names: str) -> None:
        """Start processes by their names in the Procfile."""
        web = ["gunicorn", "sms_sender.wsgi", "--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                command = [sys.executable, "-m", *({"web": web} | COMMANDS)[name]]
                # A session of its own, so that a process dies together with its children, as a machine does.
                self.processes[name] = start(
                    command, env=self.env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
                )

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process and its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, how)
        process.wait(PATIENCE)

    def deliver(self, payload: dict[str, Any]) -> int:
        """Deliver a payload and return the answer's status."""
        url = f"http://127.0.0.1:{self.port}/api/webhooks/ghostpay/"
        return requests.post(url, json=payload, headers={"X-Webhook-Secret": SECRET}, timeout=PATIENCE).status_code

    def health(self) -> dict[str, Any]:
        """Return what the health check tells."""
        url = f"http://127.0.0.1:{self.port}/api/webhooks/health/"
        told: dict[str, Any] = requests.get(url, timeout=PATIENCE).json()
        return told

    def log(self, name: str) -> str:
        """Return what a process has logged."""
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def sms(self) -> list[str]:
        """Return the texts of the SMS in the worker's log."""
        return re.findall(r"SMS to \+55119…\d{4}: ([^\"]*)", self.log("worker"))

    def states(self) -> dict[str, str]:
        """Return the state of each payment's SMS."""
        query = "SELECT gateway_id, s.status FROM webhooks_recoverysms s JOIN webhooks_payment p ON p.id = payment_id"
        with psycopg.connect(self.database_url) as connection:
            return dict(connection.execute(query).fetchall())

    def eventually(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, starting again what has ended; a failure tells what was logged."""

        def holds() -> bool:
            self.start_again()
            return condition()

        eventually(holds, told=lambda: f"{self.states()}\n" + "\n".join(map(self.log, ["web", "worker", "beat"])))

    def start_again(self) -> None:
        """Start what has ended by itself, as platforms do.

        Kombu 5.7 ends a worker whose broker goes away while a message is unacknowledged (`restore_unacked`).
        """
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name)

    def is_up(self) -> bool:
        """Return whether the web process answers."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/api/webhooks/live/", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):  # its first answer takes a while on a busy machine
            return False

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as started:
            started.callback(self.__exit__)
            self.start("web")
            self.eventually(self.is_up)
            started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.kill(name)

"""A project with an admin on a database of its own, served by a process of its own, and runs of other processes."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any, Self

import psycopg
import requests

from tests.manage import run_manage, start_manage
from tests.servers import free_port
from tools.servers import wait_until

SETTINGS = "tests.projects.screen.settings"
PREFIX = "/migrations"
TOKEN = {"Authorization": "Bearer a-token-of-this-test-only"}
PATIENCE = 60.0
# Who logs in, and what the admin would have asked for.
SESSION = """
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
user = User.objects.create_user("{name}", is_staff=True, is_superuser={superuser})
session = SessionStore()
session.update({{"_auth_user_id": str(user.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                 "_auth_user_hash": user.get_session_auth_hash()}})
session.save()
print(session.session_key)
"""


class Site:
    """The web process while the `with` block lasts."""

    def __init__(self, url: str, **env: str) -> None:
        self.url = url
        self.env = env
        self.port = free_port()
        self.web: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.manage("migrate", "--verbosity=0")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def base(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        arguments = ("runserver", "--noreload", "--insecure", f"127.0.0.1:{self.port}")
        silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.web = start_manage(*arguments, database_url=self.url, env=self.env, settings=SETTINGS, **silent)
        wait_until(self._answers, timeout=PATIENCE, message=lambda: "The web process does not answer.")

    def _answers(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.base}{PREFIX}/live/", timeout=5).ok
        return False

    def stop(self) -> None:
        """Kill the web process."""
        if self.web is not None:
            self.web.kill()
            self.web.wait()
            self.web = None

    def manage(self, *arguments: str, **env: str) -> str:
        """Run a command to its end and return what it wrote."""
        done = run_manage(*arguments, database_url=self.url, env={**self.env, **env}, settings=SETTINGS)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def back_to_first(self) -> None:
        """Forget that the shop's later migrations were applied, and what they made."""
        self.query("DELETE FROM django_migrations WHERE app = 'shop' AND name <> '0001_initial'")
        self.query("DROP TABLE IF EXISTS shop_heir")
        self.query("ALTER TABLE shop_order DROP COLUMN IF EXISTS note")
        self.query("ALTER TABLE shop_customer DROP COLUMN IF EXISTS note")

    def session(self, name: str, *, superuser: bool = True) -> str:
        """Return the session of a member of staff who has logged in."""
        return self.manage("shell", "-v0", "-c", SESSION.format(name=name, superuser=superuser)).strip().split()[-1]

    @contextlib.contextmanager
    def run(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """Start a run of another process, killed if the block leaves it running."""
        given = {**self.env, "RETRY_DELAY": "0.2", **env}
        process = start_manage("auto_migrate", *arguments, database_url=self.url, env=given, settings=SETTINGS)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    @contextlib.contextmanager
    def holding(self, statement: str, name: str = "reporting") -> Iterator[Any]:
        """Keep a transaction open that has carried out a statement."""
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, application_name=name) as holder:
            holder.execute(statement.encode())
            try:
                yield holder
            finally:
                holder.close()

    def query(self, statement: str) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def newest_run(self, status: str = "running") -> str:
        """Wait for a run in a state and return its number."""
        statement = "SELECT id::text, status FROM auto_migrate_run ORDER BY requested_at DESC LIMIT 1"
        wait_until(
            lambda: [row[1] for row in self.query(statement)] == [status],
            timeout=PATIENCE,
            message=lambda: f"The newest run is not {status}: {self.query(statement)}",
        )
        return str(self.query(statement)[0][0])

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask as a program would that has the token."""
        return requests.request(method, f"{self.base}{PREFIX}/{path}", headers=TOKEN, timeout=30, **options)

"""A project in a folder, whose apps and migrations a test writes; each command runs in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import textwrap
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psycopg

from tests.manage import ROOT, environment
from tests.programs import finish, start

ID = '("id", models.BigAutoField(primary_key=True))'
MIGRATION = """
from django.db import migrations, models
{before}

class Migration(migrations.Migration):
    {head}
    dependencies = {dependencies}
    operations = [{operations}]
"""
URLS = "from django.urls import include, path\n\nurlpatterns = [path('', include('auto_migrate.urls'))]\n"


@dataclasses.dataclass(frozen=True)
class Done:
    """How a command ended, what it wrote, and what was logged below WARNING."""

    code: int
    output: str
    errors: str
    notes: str

    @property
    def text(self) -> str:
        """All that people see."""
        return self.output + self.errors


class Project:
    """The project's files, and its databases."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/db.sqlite3"
        self.databases = {"default": self.url}
        self.file("project_urls.py", URLS)
        self.settings(
            INSTALLED_APPS=["auto_migrate"],
            ROOT_URLCONF="project_urls",
            ALLOWED_HOSTS=["*"],
            AUTO_MIGRATE={"RETRY_DELAY": 0.1, "TOKEN": "a-token-of-this-test-only"},
        )

    def file(self, path: str, content: str = "") -> Path:
        """Write one file of the code."""
        place = self.folder / "code" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(content))
        return place

    def app(self, label: str, models: str = "", *, migrated: bool = True) -> None:
        """Write an app and install it."""
        self.file(f"{label}/__init__.py")
        self.file(f"{label}/models.py", f"from django.db import models\n\n{textwrap.dedent(models)}")
        if migrated:
            self.file(f"{label}/migrations/__init__.py")
        self.settings(INSTALLED_APPS=[*self.read_settings()["INSTALLED_APPS"], label])

    def migration(
        self, app: str, name: str, operations: str, *, after: str = "", before: str = "", head: str = "initial = False"
    ) -> None:
        """Write a migration; `after` is the one of the app that it follows, `before` what stands before the class."""
        dependencies = f'[("{app}", "{after}")]' if after else "[]"
        text = MIGRATION.format(before=before, head=head, dependencies=dependencies, operations=operations)
        self.file(f"{app}/migrations/{name}.py", text)

    def settings(self, **changes: Any) -> None:
        """Change settings."""
        path = self.folder / "settings.json"
        path.write_text(json.dumps({**self.read_settings(), **changes}))

    def read_settings(self) -> dict[str, Any]:
        """Return all settings."""
        path = self.folder / "settings.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def run(self, *arguments: str, **env: str) -> Done:
        """Run a command to its end in a new process."""
        return Done(**self._ask("command", arguments, env))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Ask a URL of the project, as an operator would, and give status and content."""
        status, content = self._ask("get", (path,), {})
        return status, content

    def _ask(self, question: str, arguments: tuple[str, ...], env: dict[str, str]) -> Any:
        command = [sys.executable, "-m", "tests.integration.fallback.questions", question]
        process = start(command, env=environment(), cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        done = finish(process, text=json.dumps([str(self.folder), self.databases, arguments, env]))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def query(self, statement: str, *, database: str = "default") -> list[Any]:
        """Ask one of the databases."""
        url = self.databases[database]
        if url.startswith("sqlite"):
            import sqlite3

            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
                return file.execute(statement).fetchall()
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def recorded(self) -> list[str]:
        """The recorded migrations, in order."""
        return [f"{app}.{name}" for app, name in self.query("SELECT app, name FROM django_migrations ORDER BY id")]

"""A project in a folder, whose apps and migrations a test writes; each command runs in a forked process of its own.

Django can be set up once a process, so every command is put to a child that is forked from one which has only imported
Django: it costs a tenth of a second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import multiprocessing
import os
import sys
import textwrap
import traceback
from pathlib import Path
from typing import Any

import psycopg

ID = '("id", models.BigAutoField(primary_key=True))'
MIGRATION = """
from django.db import migrations, models
{before}

class Migration(migrations.Migration):
    {head}
    dependencies = {dependencies}
    operations = [{operations}]
"""
# What can be imported before there are settings, and nearly every command takes.
PRELOADED = (
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.conf.urls",
    "django.test.client",
    "django.views.debug",
)
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
        return Done(**self._ask(command, arguments, env))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Ask a URL of the project, as an operator would, and give status and content."""
        status, content = self._ask(get, (path,), {})
        return status, content

    def _ask(self, question: Any, arguments: tuple[str, ...], env: dict[str, str]) -> Any:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.integration.fallback.project", *PRELOADED])
        with context.Pool(1, maxtasksperchild=1) as pool:
            return pool.apply(question, (str(self.folder), self.databases, arguments, env))

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


def set_up(folder: str, databases: dict[str, str], env: dict[str, str]) -> io.StringIO:
    """Set Django up for the project in this process; give where its DEBUG notes go."""
    import django
    from django.conf import settings

    from tests.projects.base_settings import database

    os.chdir(folder)
    os.environ.update(env)
    sys.path.insert(0, str(Path(folder, "code")))
    sys.dont_write_bytecode = True
    wanted = json.loads(Path(folder, "settings.json").read_text())
    wanted = {"USE_TZ": True, "SECRET_KEY": "a key for tests only", "LOGGING_CONFIG": None, **wanted}
    wanted.setdefault("DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField")
    engines = wanted.pop("ENGINES", {})
    found = {alias: {**database(url), **engines.get(alias, {})} for alias, url in databases.items()}
    settings.configure(**wanted, DATABASES=found)
    notes = io.StringIO()
    handler = logging.StreamHandler(notes)
    logging.getLogger("auto_migrate").addHandler(handler)
    logging.getLogger("auto_migrate").setLevel(logging.DEBUG)
    django.setup()
    return notes


def command(
    folder: str, databases: dict[str, str], arguments: tuple[str, ...], env: dict[str, str]
) -> dict[str, object]:
    """Run `manage.py` with some arguments."""
    from django.core.management import ManagementUtility

    output, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        notes = io.StringIO()
        try:
            notes = set_up(folder, databases, env)
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(bool(ending.code))
        except BaseException:  # noqa: BLE001 # as the interpreter would at its end
            traceback.print_exc()
            code = 1
    return {"code": code, "output": output.getvalue(), "errors": errors.getvalue(), "notes": notes.getvalue()}


def get(folder: str, databases: dict[str, str], arguments: tuple[str, ...], env: dict[str, str]) -> tuple[int, Any]:
    """Ask a URL."""
    set_up(folder, databases, env)
    from django.test import Client

    client = Client(headers={"authorization": "Bearer a-token-of-this-test-only"}, raise_request_exception=False)
    response = client.get(arguments[0])
    try:
        content = json.loads(response.content)
    except ValueError:
        content = {"text": response.content.decode()[:2000]}
    return response.status_code, content

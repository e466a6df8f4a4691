"""A tiny project in a folder, to be changed at will, and a process of its own for each look at it.

Django can be set up once a process, so every question is put to this module as a program (`tests/programs.py`).
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import sqlite3
import sys
import uuid
from pathlib import Path
from subprocess import PIPE
from typing import Any

from tests.manage import ROOT, environment
from tests.programs import finish, start

INITIAL = """
import os
from importlib import import_module

from django.conf import settings
from django.db import migrations, models

from .tasks.work import SIZE


def work(apps, schema_editor):
    # What is done here is done by no comparison.
    return import_module(os.environ["WORK"])


class Migration(migrations.Migration):
    initial = True
    dependencies = {dependencies}  # as ever
    operations = [
        migrations.CreateModel(
            "Thing", [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField())]
        ),
    ]
"""
LATER = """
from django.db import migrations, models

from {app} import helpers


class Migration(migrations.Migration):
    dependencies = helpers.{attribute}
    operations = [migrations.AddField("Thing", "field_{number}", models.IntegerField(null=True))]
"""
# Where no file says what a migration depends on.
HELPERS = """
import os

from django.conf import settings as conf

name = "NEEDS"
more = [*getattr(conf, name, []), *filter(None, [os.environ.get(name)])]
first = [("{app}", "0001_initial"), *(("auth", name) for name in more)]
second = [("{app}", "0002_more")]
"""
SQUASH = """
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = {replaces}
    dependencies = {dependencies}
    operations = [
        migrations.CreateModel(
            "Thing", [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField())]
        ),
        migrations.AddField("Thing", "field_2", models.IntegerField(null=True)),
    ]
"""
APPS = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class Config(AppConfig):
    name = "{app}"
    label = "{app}"

    def ready(self):
        from {app} import receivers

        post_migrate.connect(receivers.note, sender=self)
"""
MODELS = """
from django.db import models


class Thing(models.Model):
    size = models.IntegerField()
    field_2 = models.IntegerField(null=True)

    class Meta:
        permissions = [("weigh", "Can weigh")]
"""
RECEIVERS = """
import os
import pathlib

from django.conf import settings

from .words import SEPARATOR


def note(sender, **kwargs):
    roles = [*getattr(settings, "ROLES", []), os.environ.get("ROLE")]
    with open(pathlib.Path(__file__).parent.parent.parent / "sent", "a") as file:
        file.write(sender.label + SEPARATOR)
"""
ROUTERS = """
class Open:
    def allow_migrate(self, db, app_label, **hints):
        return None


class Shut:
    def allow_migrate(self, db, app_label, **hints):
        return app_label != "stock"


class Choosy:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return model_name != "thing"
"""
CUSTOMERS = """
from django.contrib.auth.models import AbstractUser


class Customer(AbstractUser):
    pass
"""
SETTINGS: dict[str, Any] = {
    "INSTALLED_APPS": ["auto_migrate", "django.contrib.contenttypes", "django.contrib.auth", "shop", "stock"],
    "MIGRATION_MODULES": {},
    "DATABASE_ROUTERS": ["routers.Open"],
    "AUTH_USER_MODEL": "auth.User",
    "AUTO_MIGRATE": {"RELEASE": "v1"},
    "LANGUAGE_CODE": "en",
}


class Tiny:
    """The project: its code, its settings and its SQLite database, all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def code(self) -> Path:
        """The folder that is on the path."""
        return self.folder / "code"

    def write(self) -> Tiny:
        """Write everything but the database."""
        for app in ("shop", "stock"):
            self.file(f"{app}/__init__.py", f'default_app_config = "{app}.apps.Config"\n')
            self.file(f"{app}/apps.py", APPS.format(app=app))
            self.file(f"{app}/models.py", MODELS)
            self.file(f"{app}/receivers.py", RECEIVERS)
            self.file(f"{app}/words.py", 'SEPARATOR = " "\n')
            self.file(f"{app}/views.py", "")
            self.file(f"{app}/helpers.py", HELPERS.format(app=app))
            self.file(f"{app}/migrations/__init__.py", "")
            initial = "[]" if app == "shop" else '[("shop", "0001_initial"), ("auth", "__first__")]'
            # A folder without `__init__`, as helpers often lie in.
            self.file(f"{app}/migrations/tasks/work.py", "from .more import SIZE\n")
            self.file(f"{app}/migrations/tasks/more.py", "SIZE = 1\n")
            self.file(f"{app}/migrations/0001_initial.py", INITIAL.format(dependencies=initial))
            self.later(app, "0002_more", "first", 2)
        self.file("routers.py", ROUTERS)
        self.file("customers/__init__.py", "")
        self.file("customers/models.py", CUSTOMERS)
        self.settings(**SETTINGS)
        return self

    def file(self, path: str, content: str) -> None:
        """Write one file of the code."""
        (self.code / path).parent.mkdir(parents=True, exist_ok=True)
        (self.code / path).write_text(content)

    def later(self, app: str, name: str, attribute: str, number: int) -> None:
        """Write a migration that adds a field and takes its dependencies from a helper."""
        self.file(f"{app}/migrations/{name}.py", LATER.format(app=app, attribute=attribute, number=number))

    def settings(self, **changes: Any) -> None:
        """Change settings."""
        path = self.folder / "settings.json"
        path.write_text(json.dumps({**self.read_settings(), **changes}))

    def read_settings(self) -> dict[str, Any]:
        """Return all settings."""
        path = self.folder / "settings.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def migrations(self, app: str) -> list[Path]:
        """Return the files of an app's migrations, oldest first, and no link to nowhere."""
        return sorted(path for path in (self.code / app / "migrations").glob("0*.py") if path.exists())

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement on the database."""
        connection = sqlite3.connect(self.folder / "db.sqlite3")
        try:
            with connection:
                return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()

    def copy(self, folder: Path) -> Tiny:
        """Copy the project with its database, as another checkout has it."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Tiny(folder)

    def content(self) -> dict[str, dict[Any, Any]]:
        """Return everything that a comparison may depend on, told without the help of what is tested."""
        files = {
            os.path.relpath(os.path.join(folder, name), self.code): Path(folder, name)
            for folder, _folders, names in os.walk(self.code, followlinks=True)
            for name in names
            if not folder.endswith("__pycache__")
        }
        read = {name: path.read_bytes() if path.exists() else b"dangling" for name, path in files.items()}
        rows = self.query("SELECT app, name FROM django_migrations ORDER BY id")
        settings = self.read_settings()
        variables = {f"${name}": said for name, said in settings.pop("ENVIRONMENT", {}).items()}
        return {"files": read, "rows": dict(enumerate(rows)), "settings": {**settings, **variables}}

    def look(self, **env: str) -> Look:
        """Compare in a new process, the short way and the long way."""
        return Look(**self._ask("look", **env))

    def run(self) -> Run:
        """Run `auto_migrate` in a new process."""
        return Run(**self._ask("run"))

    def migrate(self, *arguments: str) -> None:
        """Run the `migrate` command in a new process."""
        self._ask("migrate", ARGUMENTS=json.dumps(arguments))

    def _ask(self, question: str, **env: str) -> dict[str, Any]:
        command = [sys.executable, "-m", __name__, question, str(self.folder)]
        done = finish(start(command, env=environment(env), cwd=ROOT, stdout=PIPE, stderr=PIPE))
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@dataclasses.dataclass(frozen=True)
class Look:
    """What the short way knows, what the long way says, and what a probe does."""

    known: bool
    fingerprint: str
    long: str
    quick: str


@dataclasses.dataclass(frozen=True)
class Run:
    """How a run went: its log, the exit code, whether it took the short way, and which migrations it imported."""

    log: str
    code: int
    short: bool
    imported: list[str]


def set_up(folder: str) -> None:
    """Set Django up for the project in this process."""
    import django
    from django.conf import settings

    from auto_migrate import version

    wanted = json.loads(Path(folder, "settings.json").read_text())
    os.chdir(wanted.pop("CWD", folder))
    sys.path[:0] = [str(Path(folder, place)) for place in wanted.pop("PATHS", ["code"])]
    os.environ.update(wanted.pop("ENVIRONMENT", {}))
    sys.dont_write_bytecode = not wanted.pop("BYTECODE", False)
    version.__version__ = wanted.pop("APP_VERSION", version.__version__)
    django.VERSION = (*django.VERSION[:2], wanted.pop("DJANGO_PATCH", django.VERSION[2]), "final", 0)
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(folder, "db.sqlite3"))}}
    settings.configure(**wanted, DATABASES=databases, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
    django.setup()


def look(folder: str) -> dict[str, object]:
    """Look at the database the short way, the long way, and as a probe."""
    try:
        set_up(folder)
    except Exception as error:  # noqa: BLE001 # a project so broken that no command starts has no answers
        return {"known": False, "fingerprint": "", "quick": str(error), "long": str(error)}
    from django.db import connection

    from auto_migrate.databases import adapter_for
    from auto_migrate.history.store import History
    from auto_migrate.planning.comparison import compare
    from auto_migrate.planning.fingerprint import read_code
    from auto_migrate.planning.schema_state import quick_state, recorded_rows
    from auto_migrate.planning.targets import Goal

    code = read_code("default")
    fingerprint = str(code.fingerprint(recorded_rows(connection))) if code else ""
    return {
        "known": bool(fingerprint) and History().last_answer(but=uuid.uuid4()).fingerprint == fingerprint,
        "fingerprint": fingerprint,
        "quick": told(lambda: quick_state().state),
        "long": told(lambda: compare(adapter_for("default"), Goal()).state),
    }


def told(question: Any) -> str:
    """Return the answer as text, or what stood in its way."""
    from auto_migrate.exceptions import HistoryDiverged

    try:
        return str(question())
    except HistoryDiverged:
        return "diverged"
    except Exception as error:  # noqa: BLE001 # a broken project may fail in any way
        return f"{type(error).__name__}: {error}"


def run(folder: str) -> dict[str, object]:
    """Run `auto_migrate`, and see by the deploy lock which way it went."""
    set_up(folder)
    from django.core.management.base import OutputWrapper

    from auto_migrate.events import Context, Event, LockAcquired
    from auto_migrate.exceptions import AutoMigrateError
    from auto_migrate.pipeline import migrate
    from auto_migrate.reporting.console import Console

    seen: list[type[Event]] = []

    def listener(event: Event, context: Context) -> None:
        seen.append(type(event))

    log, code = io.StringIO(), 0
    try:
        migrate(listeners=[listener, Console(OutputWrapper(log))])
    except AutoMigrateError as error:
        code = int(error.exit_code)
    imported = sorted(name for name in sys.modules if ".migrations.0" in name)
    return {"log": log.getvalue(), "code": code, "short": LockAcquired not in seen, "imported": imported}


def migrate(folder: str) -> dict[str, object]:
    """Run the `migrate` command."""
    set_up(folder)
    from django.core.management import call_command

    call_command("migrate", *json.loads(os.environ["ARGUMENTS"]), verbosity=0)
    return {}


if __name__ == "__main__":
    json.dump({"look": look, "run": run, "migrate": migrate}[sys.argv[1]](sys.argv[2]), sys.stdout)

"""A shop in several releases, each a folder of code as a deploy brings it, with its commands as real processes."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from tests.manage import ROOT, environment
from tests.programs import finish, start

SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "shop", "stock"]
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("", include("auto_migrate.urls"))]
"""
MIGRATION = """
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = {dependencies}
    {attributes}
    operations = [{operations}]
"""
INITIAL = """migrations.CreateModel("Order", [
    ("id", models.BigAutoField(primary_key=True)),
    ("note", models.TextField(null=True)),
    ("total", models.IntegerField(null=True)),
])"""
ADD_COLOUR = 'migrations.AddField("Order", "colour", models.TextField(null=True))'
ADD_SIZE = 'migrations.AddField("Order", "size", models.IntegerField(null=True))'
DROP_NOTE = 'migrations.RemoveField("Order", "note")'
RENAME_TOTAL = 'migrations.RenameField("Order", "total", "amount")'

# Applies what was left for after the deploy, and says what came of it.
APPLY = """
from auto_migrate.postponed import Waiting, apply_postponed
try:
    result = apply_postponed(requested_by="a test")
    print("applied", result.applied if result else None)
except Waiting as waiting:
    print("waits:", waiting)
"""
AT_ONCE = {"AUTO_MIGRATE_POST_DEPLOY_DELAY": "0"}


@dataclasses.dataclass(frozen=True)
class Migration:
    """One migration: its operations as code, names of what it depends on, and more attributes of its class."""

    operations: str
    after: str = ""
    attributes: str = ""

    def code(self, app: str) -> str:
        """Write the module; what comes after a migration of another app names it."""
        parts = [after.rpartition(".") for after in self.after.split()]
        dependencies = [(other or app, name) for other, _dot, name in parts]
        return MIGRATION.format(
            dependencies=dependencies, attributes=self.attributes or "atomic = True", operations=self.operations
        )


FIRST = {"0001_initial": Migration(INITIAL)}
# What is for before its deploy, and what is for after it.
SECOND = {
    **FIRST,
    "0002_colour": Migration(ADD_COLOUR, "0001_initial"),
    "0003_drop_note": Migration(DROP_NOTE, "0002_colour"),
}
THIRD = {**SECOND, "0004_size": Migration(ADD_SIZE, "0003_drop_note")}


class Release:
    """One release of the shop, deployed to one database."""

    def __init__(self, folder: Path, url: str, migrations: dict[str, Migration], stock: dict[str, Migration]) -> None:
        self.folder = folder
        self.url = url
        for app, its in (("shop", migrations), ("stock", stock)):
            package = folder / app / "migrations"
            package.mkdir(parents=True)
            # Signals are sent for apps with models; which they are does not matter here.
            for module in (package.parent / "__init__.py", package.parent / "models.py", package / "__init__.py"):
                module.touch()
            for name, migration in its.items():
                (package / f"{name}.py").write_text(migration.code(app))
        (folder / "settings.py").write_text(SETTINGS)
        (folder / "urls.py").write_text(URLS)

    @property
    def name(self) -> str:
        """The release's name."""
        return self.folder.name

    def environment(self, **env: str) -> dict[str, str]:
        """Return the environment of the release's processes; phases are on."""
        given = {
            "DATABASE_URL": self.url,
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
            "AUTO_MIGRATE_PHASES": "true",
            "AUTO_MIGRATE_RELEASE": self.name,
        }
        return environment({**given, **env}, settings="settings")

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Django to its end."""
        command = [sys.executable, "-m", "django", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return finish(start(command, env=self.environment(**env), cwd=self.folder, **pipes))

    def migrated(self, *arguments: str, **env: str) -> str:
        """Run `auto_migrate`, which must end well, and return what it printed."""
        done = self.run("auto_migrate", *arguments, **env)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    def told(self, *arguments: str, **env: str) -> list[dict[str, Any]]:
        """Run a command with `--format json` to its end, however it ends, and return its events."""
        return list(map(json.loads, self.run(*arguments, "--format", "json", **env).stdout.splitlines()))

    def python(self, code: str, **env: str) -> str:
        """Run code in a process of the release, which must end well, and return what it printed."""
        done = self.run("shell", "--no-imports", "-c", code, **env)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout


class Shop:
    """The shop's database, and the releases that are deployed to it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def release(
        self, name: str, migrations: dict[str, Migration], *, stock: dict[str, Migration] | None = None, url: str = ""
    ) -> Release:
        """Build a release from the migrations of the shop and of its stock."""
        return Release(self.folder / name, url or self.url, migrations, stock or {})

    def query(self, statement: str) -> list[Any]:
        """Ask the database on a connection of its own."""
        with psycopg.connect(self.url, autocommit=True) as server:
            cursor = server.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def recorded(self) -> list[str]:
        """Return the recorded migrations, those of the stock with their app."""
        rows = self.query("SELECT app, name FROM django_migrations WHERE app IN ('shop', 'stock') ORDER BY id")
        return [name if app == "shop" else f"{app}.{name}" for app, name in rows]

    def runs(self) -> list[tuple[Any, ...]]:
        """Return phase, release, end and what was left for each run, oldest first."""
        return self.query("SELECT phase, release, status, deferred FROM auto_migrate_run ORDER BY requested_at")

"""A project of one app, whose migrations a test writes and edits."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import psycopg

from tests.manage import ROOT, run_manage, start_manage

SETTINGS = "tiny.settings"
HEADER = """
from django.db import migrations, models

def inc(apps, editor):
    apps.get_model("app", "T").objects.update(n=models.F("n") + 1)

def boom(apps, editor):
    raise ValueError("boom")

def a(name):
    return migrations.AddField("t", name, models.IntegerField(null=True))
"""
FIRST = """
class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("T", [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField())]),
        migrations.RunSQL("INSERT INTO app_t (n) VALUES (0)"),
    ]
"""


class Tiny:
    """The project's files, and one database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.package = folder / "tiny"
        self.folder = folder
        self.url = url
        migrations = self.package / "app" / "migrations"
        migrations.mkdir(parents=True)
        for place in (self.package, migrations.parent, migrations):
            (place / "__init__.py").touch()
        (self.package / "settings.py").write_text(
            'from tests.projects.base_settings import *\nINSTALLED_APPS = ["auto_migrate", "tiny.app"]\n'
        )
        self.write("0001_initial", FIRST)

    def write(self, name: str, text: str) -> None:
        """Write a migration, after what all of them can use."""
        (self.package / "app" / "migrations" / f"{name}.py").write_text(HEADER + text)

    def second(self, operations: str, *, atomic: bool = False, name: str = "0002_pay") -> None:
        """Write the migration after the first."""
        body = f'    atomic = {atomic}\n    dependencies = [("app", "0001_initial")]\n    operations = [{operations}]\n'
        self.write(name, f"class Migration(migrations.Migration):\n{body}")

    def _options(self, env: dict[str, str]) -> dict[str, Any]:
        path = {"PYTHONPATH": f"{self.folder}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        quick = {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}
        return {"database_url": self.url, "settings": SETTINGS, "env": {**path, **quick, **env}}

    def run(self, *arguments: str, expect: int = 0, **env: str) -> str:
        """Run a command to its end, demand its exit code and give all that it wrote."""
        done = run_manage(*arguments, **self._options(env))
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a command."""
        return start_manage(*arguments, **self._options(env))

    def query(self, statement: str) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def n(self) -> int:
        """How often the change was carried out."""
        return int(self.query("SELECT n FROM app_t")[0][0])

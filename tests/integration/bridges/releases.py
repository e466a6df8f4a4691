"""Several releases of one small shop: each has its own models and migrations, and forks commands from one process."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.forks import Forked, Nursery
from tests.manage import ROOT
from tests.servers import PostgreSQL
from tests.snapshot import Snapshot, snapshot

ID = '("id", models.BigAutoField(primary_key=True))'
# Nobody waits in a test for a deploy to be over.
AT_ONCE = {"AUTO_MIGRATE_POST_DEPLOY_DELAY": "0"}
PHASED = {"AUTO_MIGRATE_PHASES": "true", "AUTO_MIGRATE_SMALL_TABLE": "0"}
# What fills NULL in, as long as it is there.
LEFT = "SELECT proname FROM pg_proc WHERE proname LIKE 'auto_migrate%'"
SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "tests.projects.counting", "shop"]
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
AUTO_MIGRATE = {"TOKEN": "a-token-of-this-test-only", "RETRY_DELAY": 0.2}
"""
URLS = "from django.urls import include, path\n\nurlpatterns = [path('', include('auto_migrate.urls'))]\n"
MIGRATION = """
{before}
from django.db import migrations, models


class Migration(migrations.Migration):
    {head}
    dependencies = {dependencies}
    operations = [{operations}]
"""
ASK = """
from django.test import Client
headers = {"authorization": "Bearer a-token-of-this-test-only", "accept": "application/json"}
print(Client(headers=headers).get("/%s/").content.decode())
"""


class Release:
    """One release: its models, and its migrations, each as operations and, after a bar, more of its class."""

    def __init__(self, folder: Path, url: str, models: str, migrations: Mapping[str, str], *, before: str = "") -> None:
        self.url = url
        package = folder / "shop" / "migrations"
        package.mkdir(parents=True)
        for module in (package.parent / "__init__.py", package / "__init__.py"):
            module.touch()
        (package.parent / "models.py").write_text(f"from django.db import models\n{models}")
        after = ""
        for name, text in migrations.items():
            operations, _bar, head = text.partition(" | ")
            dependencies = f'[("shop", "{after}")]' if after else "[]"
            head = head or "initial = False"
            code = MIGRATION.format(before=before, head=head, dependencies=dependencies, operations=operations)
            (package / f"{name}.py").write_text(code)
            after = name
        (folder / "shop_settings.py").write_text(SETTINGS)
        (folder / "urls.py").write_text(URLS)
        self.nursery = Nursery("shop_settings", url, {"PYTHONPATH": f"{folder}:{ROOT}"})

    def on(self, url: str) -> Release:
        """Return the same release on another database."""
        other = object.__new__(Release)
        other.url, other.nursery = url, self.nursery
        return other

    def run(self, *arguments: str, expect: int = 0, **env: str) -> str:
        """Run a command to its end, demand its exit code, and return what it wrote."""
        done = self.start(*arguments, **env)
        assert done.wait() == expect, done.output
        return done.output

    def start(self, *arguments: str, **env: str) -> Forked:
        """Start a command."""
        return self.nursery.start(*arguments, database_url=self.url, env=env)

    def migrated(self, release: str, *arguments: str, **env: str) -> str:
        """Run `auto_migrate` under the name of a release to a good end."""
        return self.run("auto_migrate", *arguments, expect=0, AUTO_MIGRATE_RELEASE=release, **env)

    def events(self, release: str, *arguments: str, **env: str) -> list[dict[str, Any]]:
        """Run `auto_migrate` however it ends, and return its events."""
        done = self.start("auto_migrate", *arguments, "--format", "json", **{"AUTO_MIGRATE_RELEASE": release, **env})
        done.wait()
        return [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]

    def code(self, text: str, *, expect: int = 0, **env: str) -> str:
        """Carry out code of this release, as its processes do."""
        return self.run("shell", "--no-imports", "-c", f"from shop.models import *\n{text}", expect=expect, **env)

    def get(self, path: str) -> dict[str, Any]:
        """Ask a URL as an operator does."""
        return dict(json.loads(self.code(ASK % path)))

    @property
    def bridges(self) -> list[tuple[Any, ...]]:
        """The bridges that stand; the first of them makes the table."""
        if self.query("SELECT to_regclass('auto_migrate_bridge') IS NULL") == [(True,)]:
            return []
        return self.query("SELECT kind, table_name, column_name FROM auto_migrate_bridge ORDER BY id")

    def query(self, statement: str) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@dataclasses.dataclass(frozen=True)
class Twins:
    """Two empty databases of one server: one for `auto_migrate`, and one for Django's own `migrate`."""

    server: PostgreSQL
    ours: str
    djangos: str

    @classmethod
    @contextmanager
    def made(cls, server: PostgreSQL) -> Iterator[Self]:
        """Make them, and drop them at the end."""
        names = [f"bridged_{uuid.uuid4().hex[:12]}" for _ in range(2)]
        try:
            yield cls(server, *map(server.create_database, names))
        finally:
            for name in names:
                server.drop_database(name)

    def ends(self) -> tuple[Snapshot, Snapshot]:
        """Look at both."""
        ours, djangos = (snapshot(self.server, url.rpartition("/")[2]) for url in (self.ours, self.djangos))
        return ours, djangos

    def difference(self) -> str:
        """Say in a few words what differs, or nothing."""
        ours, djangos = self.ends()
        return ours.difference(djangos)


@contextmanager
def releases(*several: Release) -> Iterator[tuple[Release, ...]]:
    """End the processes of some releases at the end."""
    try:
        yield several
    finally:
        for release in several:
            release.nursery.__exit__()

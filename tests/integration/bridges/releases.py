"""Several releases of one small shop on one database: each has its own models, and runs its own commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from tests.integration.fallback.project import ID, Done, Project

# Nobody waits in a test for a deploy to be over.
AT_ONCE = {"AUTO_MIGRATE_POST_DEPLOY_DELAY": "0"}
FIRST = f"""migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50))])"""


class Release:
    """One release: its models, and its migrations, of which each follows the one before."""

    def __init__(
        self,
        folder: Path,
        url: str,
        name: str,
        models: str,
        migrations: dict[str, str],
        *,
        before: str = "",
        **env: str,
    ) -> None:
        folder.mkdir(parents=True)
        self.project = Project(folder, url)
        self.project.app("shop", models)
        self.folder = folder
        self.url = url
        self.env = {"AUTO_MIGRATE_RELEASE": name, **env}
        after = ""
        for migration, text in migrations.items():
            operations, _bar, head = text.partition(" | ")
            self.project.migration(
                "shop", migration, operations, after=after, before=before, head=head or "initial = False"
            )
            after = migration

    def run(self, *arguments: str, expect: int = 0, **env: str) -> Done:
        """Run a command to its end and demand its exit code."""
        done: Done = self.project.run(*arguments, **{**self.env, **env})
        assert done.code == expect, done.text
        return done

    def migrated(self, *arguments: str, **env: str) -> str:
        """Run `auto_migrate` to a good end."""
        return self.run("auto_migrate", *arguments, expect=0, **env).output

    def events(self, *arguments: str, **env: str) -> list[dict[str, Any]]:
        """Run `auto_migrate` however it ends, and return its events."""
        done = self.project.run("auto_migrate", *arguments, "--format", "json", **{**self.env, **env})
        return list(map(json.loads, done.output.splitlines()))

    def code(self, text: str, *, expect: int = 0) -> Done:
        """Carry out code of this release, as its processes do."""
        return self.run("shell", "--no-imports", "-c", f"from shop.models import *\n{text}", expect=expect)


def query(url: str, statement: str) -> list[Any]:
    """Ask the database."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def bridges(url: str) -> list[tuple[Any, ...]]:
    """Return the bridges that stand."""
    return query(url, "SELECT kind, table_name, column_name FROM auto_migrate_bridge ORDER BY id")

"""Where a rehearsal begins: at what the database recorded, or at what the files say comes before what was named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands.conftest import name_of
from tests.manage import run_manage
from tests.repository import Repository
from tests.servers import PostgreSQL

SWEEP = "tests.projects.sweep.settings"
SQUASH = "0001_squashed_0002_book"
SHOP = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "shop"]
"""
INITIAL = """
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True))])]
"""
NEXT = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "{after}")]
    operations = [migrations.AddField("order", "{field}", models.IntegerField(null=True))]
"""

CONTRIB = """
from django.contrib.postgres import constraints, fields, indexes, operations
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        operations.BtreeGistExtension(),
        operations.CITextExtension(),
        operations.HStoreExtension(),
        operations.TrigramExtension(),
        migrations.AddField("order", "customer", models.CharField(max_length=200, default="")),
        migrations.AddField("order", "marks", fields.HStoreField(default=dict)),
        migrations.AddField("order", "days", fields.DateRangeField(null=True)),
        migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN email citext"),
        migrations.AddIndex(
            "order", indexes.GinIndex(fields=["customer"], name="by_customer", opclasses=["gin_trgm_ops"])
        ),
        migrations.AddConstraint(
            "order",
            constraints.ExclusionConstraint(name="one_a_day", expressions=[("customer", "="), ("days", "&&")]),
        ),
    ]
"""


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rehearsed(*arguments: str, url: str) -> dict[str, Any]:
    """Return how a rehearsal of the sweep's project began."""
    done = run_manage("rehearse_migrations", "--format=json", *arguments, database_url=url, settings=SWEEP)
    [started] = [event for event in events(done) if event["event"] == "rehearsal_started"]
    return started


@pytest.fixture
def url(database_url: str) -> str:
    """Return a database that is at the squash of the library."""
    done = run_manage("auto_migrate", "library", SQUASH, database_url=database_url, settings=SWEEP)
    assert done.returncode == 0, done.stderr
    return database_url


@pytest.mark.parametrize(
    "record",
    [
        "SELECT 1",
        # Only what was squashed is recorded, and its files are still there.
        f"DELETE FROM django_migrations WHERE name = '{SQUASH}'",
        # A row of a file that was removed long ago.
        "INSERT INTO django_migrations (id, app, name, applied) VALUES (0, 'library', '0000_gone', now())",
    ],
)
def test_a_squash_and_rows_without_files_begin_where_the_release_step_would(
    postgresql: PostgreSQL, url: str, record: str
) -> None:
    postgresql.execute(record, database=name_of(url))
    started = rehearsed(url=url)
    assert started["base"] == 1
    library = [name for name in started["migrations"] if name.startswith("library.")]
    assert library == ["library.0003_first_works", "library.0004_once"]


def test_a_database_that_is_ahead_is_told(postgresql: PostgreSQL, url: str) -> None:
    newer = "INSERT INTO django_migrations (app, name, applied) VALUES ('library', '0999_newer', now())"
    postgresql.execute(newer, database=name_of(url))
    done = run_manage("rehearse_migrations", "--skip-python", database_url=url, settings=SWEEP)
    assert done.returncode == 0
    assert "ahead of this release: it also has library.0999_newer" in done.stdout


def test_a_history_that_diverged_is_not_rehearsed(postgresql: PostgreSQL, url: str) -> None:
    postgresql.execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0002_number', now())",
        database=name_of(url),
    )
    assert run_manage("rehearse_migrations", database_url=url, settings=SWEEP).returncode == 7


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """Return a repository with one migration on its main branch and another on a branch."""
    repository = Repository(tmp_path / "repository")
    repository.write("shop_settings.py", SHOP)
    repository.write("shop/__init__.py", "")
    repository.write("shop/migrations/__init__.py", "")
    repository.write("shop/migrations/0001_initial.py", INITIAL)
    repository.commit("first")
    repository.git("switch", "--quiet", "--create", "topic")
    repository.write("shop/migrations/0002_price.py", NEXT.format(after="0001_initial", field="price"))
    repository.commit("second")
    repository.write("shop/migrations/0003_weight.py", NEXT.format(after="0002_price", field="weight"))
    return repository


@pytest.mark.parametrize(
    ("arguments", "base", "plan"),
    [
        (["--since=main"], 1, ["shop.0002_price", "shop.0003_weight"]),
        (["--since=topic"], 2, ["shop.0003_weight"]),
        (["shop.0002"], 1, ["shop.0002_price"]),
        (["shop"], 0, ["shop.0001_initial", "shop.0002_price", "shop.0003_weight"]),
    ],
)
def test_what_is_new_or_named_is_rehearsed_with_no_database(
    shop: Repository, arguments: list[str], base: int, plan: list[str]
) -> None:
    done = run_in(shop, *arguments)
    [started] = [event for event in events(done) if event["event"] == "rehearsal_started"]
    assert (started["base"], started["migrations"]) == (base, plan)


def test_a_commit_that_nobody_knows_is_refused(shop: Repository) -> None:
    done = run_in(shop, "--since=nowhere")
    assert done.returncode == 2
    assert "Git knows no commit 'nowhere' here." in done.stderr


def test_the_server_of_its_own_has_the_extensions_of_contrib(shop: Repository) -> None:
    shop.write("shop_settings.py", SHOP.replace('"shop"', '"django.contrib.postgres", "shop"'))
    shop.write("shop/migrations/0002_price.py", CONTRIB)
    told = events(run_in(shop, "shop.0002", "--rows=20"))
    [filled] = [event for event in told if event["event"] == "tables_filled"]
    assert (filled["rows"], filled["unfilled"]) == (20, [])
    assert told[-1]["event"] == "rehearsal_finished"


def run_in(shop: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_manage(
        "rehearse_migrations",
        "--embedded",
        "--format=json",
        *arguments,
        database_url="postgresql://nobody@127.0.0.1:1/nothing",
        settings="shop_settings",
        cwd=shop.folder,
        env={"PYTHONPATH": f"{shop.folder}:{Path(__file__).resolve().parents[3]}"},
    )

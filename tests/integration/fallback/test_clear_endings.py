"""What cannot work is told with an exit code of its own, and never with a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integration.fallback.project import ID, Project

ITEM = f'migrations.CreateModel("Item", [{ID}, ("n", models.IntegerField(default=0))])'
APPS = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

def boom(**_):
    raise ValueError("boom")

class Shop(AppConfig):
    name = "shop"
    def ready(self):
        {signal}.connect(boom)
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project with one migration, not applied."""
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    return project


@pytest.mark.parametrize("engine", ["nowhere.backend", "django.db.backends.oracle"])
def test_an_engine_that_cannot_be_used_is_named(shop: Project, engine: str) -> None:
    shop.settings(ENGINES={"default": {"ENGINE": engine}})
    for command in (["auto_migrate"], ["auto_migrate", "--check"], ["wait_for_db"]):
        said = shop.run(*command)
        assert said.code == 2, said.text
        assert f"The ENGINE '{engine}' of DATABASES['default'] cannot be used" in said.errors
        assert "Traceback" not in said.text


OTHER = """
from django.db.backends.sqlite3 import base

class DatabaseWrapper(base.DatabaseWrapper):
    vendor = "other"
"""


def test_a_plan_that_loses_data_is_refused_on_a_vendor_that_nobody_knows(shop: Project) -> None:
    shop.file("other/__init__.py")
    shop.file("other/base.py", OTHER)
    shop.settings(AUTO_MIGRATE={"LOCK": "none"}, ENGINES={"default": {"ENGINE": "other"}})
    assert shop.run("auto_migrate").code == 0
    shop.migration("shop", "0002_drop", 'migrations.RemoveField("item", "n")', after="0001_initial")
    for command in (["auto_migrate", "--plan"], ["auto_migrate"]):
        said = shop.run(*command)
        assert said.code == 6, said.text
        assert "AM301:shop.0002_drop" in said.errors


def test_a_database_that_commits_nothing_is_not_migrated(anywhere: Project) -> None:
    anywhere.app("shop")
    anywhere.migration("shop", "0001_initial", ITEM, head="initial = True")
    anywhere.settings(ENGINES={"default": {"AUTOCOMMIT": False}})
    said = anywhere.run("auto_migrate")
    assert said.code == 2
    assert "DATABASES['default'] has AUTOCOMMIT off" in said.errors
    assert "Traceback" not in said.text


@pytest.mark.parametrize("value", [True, False])
def test_a_driver_that_takes_commits_away_from_django_is_refused(tmp_path: Path, value: bool) -> None:
    project = Project(tmp_path)
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    project.settings(ENGINES={"default": {"OPTIONS": {"autocommit": value}}})
    said = project.run("auto_migrate")
    assert said.code == 2, said.text
    # Before Python 3.12 the driver does not know the option.
    told = f"set autocommit to {value}" if sys.version_info >= (3, 12) else "autocommit"
    assert told in said.errors
    assert "Traceback" not in said.text


@pytest.mark.parametrize(
    ("signal", "told"),
    [("pre_migrate", "Nothing of the plan was carried out."), ("post_migrate", "All of the plan is applied")],
)
def test_a_receiver_that_raises_is_told_with_its_place(shop: Project, signal: str, told: str) -> None:
    shop.file("shop/apps.py", APPS.format(signal=signal))
    said = shop.run("auto_migrate")
    assert said.code == 1
    assert f"A receiver of {signal} failed: ValueError: boom" in said.errors
    assert "code/shop/apps.py:6" in said.errors
    assert told in said.errors
    assert "Traceback" not in said.text
    assert shop.query("SELECT count(*) FROM sqlite_master WHERE name = 'shop_item'") == [(int("post" in signal),)]


@pytest.mark.parametrize(
    ("signal", "left"),
    [
        ("pre_migrate", "transaction.atomic().__enter__()"),
        ("pre_migrate", "connection.set_autocommit(False)"),
        ("post_migrate", "connection.cursor().execute('BEGIN')"),
    ],
)
def test_a_receiver_that_leaves_a_transaction_open_does_not_pass_for_a_deploy(
    shop: Project, signal: str, left: str
) -> None:
    receiver = APPS.format(signal=signal).replace('raise ValueError("boom")', left)
    shop.file("shop/apps.py", f"from django.db import connection, transaction\n{receiver}")
    said = shop.run("auto_migrate")
    assert said.code == 1, said.text
    assert f"A receiver of {signal} has left a transaction open" in said.errors
    assert shop.query("SELECT count(*) FROM sqlite_master WHERE name = 'shop_item'") == [(int("post" in signal),)]
    assert shop.query("SELECT status FROM auto_migrate_run") == [("failed",)]


def test_what_a_receiver_sets_in_its_session_hides_nothing_of_the_outcome(on_postgresql: Project) -> None:
    on_postgresql.app("shop")
    on_postgresql.migration("shop", "0001_initial", ITEM, head="initial = True")
    # As in every script of pg_dump.
    script = "connection.cursor().execute(\"SELECT pg_catalog.set_config('search_path', '', false)\")"
    receiver = APPS.format(signal="post_migrate").replace('raise ValueError("boom")', script)
    on_postgresql.file("shop/apps.py", f"from django.db import connection\n{receiver}")
    said = on_postgresql.run("auto_migrate")
    assert said.code == 0, said.text


def test_a_failed_migration_says_which_other_databases_it_has_used(shop: Project) -> None:
    shop.databases["other"] = f"sqlite:///{shop.folder}/other.sqlite3"
    assert shop.run("auto_migrate").code == 0
    write = (
        "def write(apps, editor):\n"
        "    from django.db import connections\n"
        "    connections['other'].cursor().execute('CREATE TABLE kept (n integer)')\n"
        "    raise ValueError('boom')\n"
    )
    shop.migration("shop", "0002_write", "migrations.RunPython(write)", after="0001_initial", before=write)
    said = shop.run("auto_migrate")
    assert said.code == 1
    assert "It has also used other: what it wrote there may have been kept." in said.errors
    assert shop.query("SELECT count(*) FROM kept", database="other") == [(0,)]


@pytest.mark.parametrize(
    "command", [["auto_migrate"], ["auto_migrate", "--check"], ["wait_for_migrations", "--timeout=0"]]
)
def test_a_table_of_somebody_else_in_the_place_of_djangos_is_told(anywhere: Project, command: list[str]) -> None:
    anywhere.app("shop")
    anywhere.migration("shop", "0001_initial", ITEM, head="initial = True")
    anywhere.query("CREATE TABLE django_migrations (id integer)")
    said = anywhere.run(*command)
    assert said.code == 1, said.text
    assert "outside of any migration" in said.errors
    assert "may be somebody else's" in said.errors
    assert "Traceback" not in said.text


LATE = """
from django.db import transaction

def late(apps, editor):
    apps.get_model("shop", "Item").objects.create()
    transaction.on_commit(boom)

def boom():
    raise ValueError("boom")
"""


def test_what_an_operation_had_put_off_is_told_apart_from_the_operation(shop: Project) -> None:
    operations = "migrations.RunPython(late, atomic=True), migrations.RunSQL('UPDATE shop_item SET n = n + 1')"
    shop.migration("shop", "0002_late", operations, after="0001_initial", before=LATE, head="atomic = False")
    said = shop.run("auto_migrate")
    assert said.code == 1
    assert "The operation itself is done and was kept." in said.errors
    assert shop.run("auto_migrate").code == 0
    assert shop.query("SELECT n FROM shop_item") == [(1,)]


def test_djangos_command_records_a_migration_whose_afterthought_failed_as_applied(shop: Project) -> None:
    shop.migration("shop", "0002_late", "migrations.RunPython(late)", after="0001_initial", before=LATE)
    assert shop.run("migrate").code == 1
    assert "shop.0002_late" in shop.recorded
    assert shop.query("SELECT status FROM auto_migrate_step WHERE name = '0002_late'") == [("applied",)]


def test_a_plan_is_shown_without_credentials_and_carried_out_with_them(shop: Project) -> None:
    statement = "UPDATE shop_item SET n = 1 WHERE 'password=hunter2' <> ''"
    shop.migration("shop", "0002_user", f'migrations.RunSQL("{statement}")', after="0001_initial")
    for command in (["auto_migrate", "--plan"], ["auto_migrate", "--plan", "--format=json"]):
        said = shop.run(*command)
        assert "password=" in said.output
        assert "hunter2" not in said.text
    assert statement in shop.run("auto_migrate", "--sql").output


def test_what_is_asked_at_once_and_cannot_be_is_refused_with_what_to_type(project: Project) -> None:
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("Item", [{ID}])', head="initial = True")
    for arguments, words in {
        ("auto_migrate", "--check", "--plan"): "does not go with: --plan",
        ("auto_migrate", "--resolve", "shop.0001_initial=done"): "shop.0001_initial=done names no operation",
        ("backfills", "--tenant", "acme"): "Database 'default' has no tenants.",
    }.items():
        said = project.run(*arguments)
        assert said.code == 2, said.text
        assert words in said.errors
    assert "No backfill was to be carried out." in project.run("backfills", "run").output

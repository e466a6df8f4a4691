"""Several databases in one command: side by side, each by its own run, and no database worse off than one by one."""

from __future__ import annotations

import contextlib
import json
import signal
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from auto_migrate.databases.postgresql.deploy_lock import LOCK_KEY
from tests.integration.commands.depot import SETTINGS
from tests.integration.fallback.project import ID, Done, Project
from tests.manage import start_manage
from tests.servers import PostgreSQL
from tools.servers import wait_until

THREE = ("default", "orders", "reports")
ALL = ("auto_migrate", "--all-databases")
WORKERS = {"AUTO_MIGRATE_TENANT_WORKERS": "3"}
CREATED = f'migrations.CreateModel("Item", [{ID}]),'
# Notes in a file of the project who is in it.
ALONE = """
import os, pathlib, time

def alone(apps, schema_editor):
    inside = pathlib.Path("inside")
    inside.touch(exist_ok=False)
    time.sleep(0.1)
    inside.unlink()
"""
COPIED = """
from django.db import connections

def copy(apps, schema_editor):
    if schema_editor.connection.alias == "default":
        connections["default"].cursor().execute("INSERT INTO shop_item DEFAULT VALUES")
    else:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT count(price) FROM shop_item")
            assert cursor.fetchone() == (0,), "the first database is not up to date"
"""
COPYING = "SELECT 1 FROM auto_migrate_step WHERE name = '0002_copy' AND status = 'running'"
# As code does that takes what belongs elsewhere from a later database, before that lets it go.
MOVED = """
from django.db import connections

def move(apps, schema_editor):
    if schema_editor.connection.alias == "default":
        with connections["orders"].cursor() as cursor:
            columns = connections["orders"].introspection.get_table_description(cursor, "shop_item")
        assert [column.name for column in columns] == ["id"], "a later database was changed"
"""
# A receiver of the first database, which looks at the columns that another one has.
RECEIVING = """
    import pathlib
    from django.apps import AppConfig
    from django.db import connections
    from django.db.models.signals import post_migrate, pre_migrate

    def columns(alias):
        with connections[alias].cursor() as cursor:
            found = connections[alias].introspection.get_table_description(cursor, "shop_item")
            return [column.name for column in found]

    def receive(using, **_):
        if using == "default":
            {what}

    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            for signal in (pre_migrate, post_migrate):
                signal.connect(receive, sender=self)
"""
UNDER_WAY = """
            pathlib.Path("asks").touch()
            assert columns("orders") == ["id", "price"], "it is not as the release needs it"
"""
UNTOUCHED = """
            assert columns("reports") == ["id"], "a later database was changed"
            pathlib.Path("asks").touch()
"""
WAITING = """
    import pathlib

    def listen(event, context):
        if event.kind == "turn_awaited":
            assert (context.database, event.other) == ("reports", "default")
            pathlib.Path("waits").touch()
"""
PRICE = 'migrations.AddField("item", "price", models.IntegerField(null=True)),'


@pytest.fixture
def shop(tmp_path: Path, postgresql: PostgreSQL) -> Iterator[Project]:
    """Return a project with three databases of one server."""
    names = {alias: f"test_{uuid.uuid4().hex[:12]}" for alias in THREE}
    urls = {alias: postgresql.create_database(name) for alias, name in names.items()}
    project = Project(tmp_path, urls["default"])
    project.databases.update(urls)
    project.app("shop")
    project.migration("shop", "0001_initial", CREATED)
    yield project
    for name in names.values():
        postgresql.drop_database(name)


def second(project: Project, function: str, source: str) -> None:
    """Add a migration that is a function."""
    called = f"migrations.RunPython({function})"
    project.migration("shop", f"0002_{function}", called, after="0001_initial", before=source)


def failing(project: Project, alias: str) -> None:
    """Add a migration that fails in one database."""
    project.query("CREATE TABLE taken ()", database=alias)
    divided = "SELECT 1 / (count(*) - 1) FROM pg_tables WHERE tablename = 'taken'"
    project.migration("shop", "0002_fail", f'migrations.RunSQL("{divided}"),', after="0001_initial")


@pytest.fixture
def begun(shop: Project) -> Iterator[Callable[..., Future[Done]]]:
    """Return what runs a command meanwhile."""
    with ThreadPoolExecutor(1) as threads:
        yield lambda *arguments, **env: threads.submit(shop.run, *arguments, **{**WORKERS, **env})


@contextlib.contextmanager
def held(project: Project, alias: str) -> Iterator[None]:
    """Hold the deploy lock of a database as another runner would."""
    with psycopg.connect(project.databases[alias]) as connection:
        connection.execute(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
        yield


def is_migrated(project: Project, alias: str) -> bool:
    """Return whether the table is there."""
    return bool(project.query("SELECT 1 FROM pg_tables WHERE tablename = 'shop_item'", database=alias))


def until(condition: Callable[[], Any]) -> None:
    """Wait for something that is to come."""
    wait_until(lambda: bool(condition()), timeout=60, message=lambda: "It did not come to pass.")


def test_a_database_whose_turn_has_not_come_holds_no_other_up(
    shop: Project, begun: Callable[..., Future[Done]]
) -> None:
    with held(shop, "default"):
        done = begun(*ALL)
        until(lambda: is_migrated(shop, "orders") and is_migrated(shop, "reports"))
        assert not is_migrated(shop, "default")
    assert done.result().code == 0, done.result().text
    assert is_migrated(shop, "default")


def test_each_line_says_of_which_database_it_is(shop: Project) -> None:
    done = shop.run(*ALL, **WORKERS)
    assert done.code == 0, done.text
    lines = done.output.splitlines()
    for alias in THREE:
        own = [line.removeprefix(f"[{alias}] ") for line in lines if line.startswith(f"[{alias}] ")]
        assert own[0] == "📊 Running the database migrations with retry..."
        assert own[-4] == "  Applying shop.0001_initial..."
        assert own[-3].startswith("  Applying shop.0001_initial... OK (")
        assert own[-1] == "✅ Migrations carried out successfully!"
    assert all(line.startswith("[") for line in lines)


def test_the_first_in_order_that_failed_gives_the_exit_code_and_all_are_named(
    shop: Project, begun: Callable[..., Future[Done]]
) -> None:
    failing(shop, "reports")
    with held(shop, "orders"):
        done = begun(*ALL, "--lock-wait=3").result()
    assert done.code == 5, done.text
    lines = done.errors.splitlines()
    assert lines[0] == "CommandError: 2 databases of 3 failed: orders, reports."
    assert lines[1].startswith("orders: The deploy lock was not had in 3s;")
    assert any(line.startswith("reports: Migration shop.0002_fail failed at operation 1 of 1") for line in lines)
    assert is_migrated(shop, "default")


def test_those_under_way_end_well_and_no_other_is_begun_after_a_failure(
    shop: Project, begun: Callable[..., Future[Done]]
) -> None:
    failing(shop, "orders")
    with held(shop, "default"):
        done = begun(*ALL, AUTO_MIGRATE_TENANT_WORKERS="2")
        until(lambda: is_migrated(shop, "orders"))
        until(lambda: shop.query("SELECT 1 FROM auto_migrate_run WHERE status = 'failed'", database="orders"))
    assert done.result().code == 1, done.result().text
    assert done.result().errors.startswith("CommandError: 1 database of 3 failed: orders.\norders: Migration shop.0002")
    assert done.result().errors.splitlines()[-1] == "Not begun: reports."
    assert (is_migrated(shop, "default"), is_migrated(shop, "reports")) == (True, False)


def test_code_of_migrations_runs_in_one_database_at_a_time(shop: Project) -> None:
    second(shop, "alone", ALONE)
    done = shop.run(*ALL, **WORKERS)
    assert done.code == 0, done.text


def test_code_finds_the_databases_before_its_own_up_to_date(shop: Project, begun: Callable[..., Future[Done]]) -> None:
    second(shop, "copy", COPIED)
    assert shop.run("auto_migrate").code == 0
    shop.migration("shop", "0003_price", PRICE, after="0002_copy")
    with held(shop, "default"):
        done = begun(*ALL)
        until(lambda: is_migrated(shop, "orders") and shop.query(COPYING, database="orders"))
    assert done.result().code == 0, done.result().text


def test_code_finds_the_databases_after_its_own_untouched(shop: Project, begun: Callable[..., Future[Done]]) -> None:
    assert shop.run(*ALL, **WORKERS).code == 0
    shop.migration("shop", "0002_price", PRICE, after="0001_initial")
    shop.migration("shop", "0003_move", "migrations.RunPython(move)", after="0002_price", before=MOVED)
    with held(shop, "default"):
        done = begun(*ALL)
        others = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        until(lambda: shop.query(others, database="orders"))
    assert done.result().code == 0, done.result().text


def receiving(project: Project, what: str) -> None:
    """Bring all databases up to date; then add a column, and a receiver."""
    assert project.run(*ALL, **WORKERS).code == 0
    project.migration("shop", "0002_price", PRICE, after="0001_initial")
    project.file("shop/apps.py", RECEIVING.replace("{what}", what.strip()))


def test_a_receiver_that_asks_a_later_database_under_way_waits_for_it(
    shop: Project, begun: Callable[..., Future[Done]]
) -> None:
    receiving(shop, UNDER_WAY)
    with held(shop, "orders"):
        done = begun(*ALL)
        until((shop.folder / "asks").exists)
    assert done.result().code == 0, done.result().text


def test_one_that_a_receiver_has_asked_begins_after_it_and_says_for_whom_it_waits(
    shop: Project, begun: Callable[..., Future[Done]]
) -> None:
    receiving(shop, UNTOUCHED)
    shop.file("waiting.py", WAITING)
    shop.settings(AUTO_MIGRATE={**shop.read_settings()["AUTO_MIGRATE"], "LISTENERS": ["waiting.listen"]})
    with psycopg.connect(shop.url) as user:
        user.execute("SELECT FROM shop_item")
        with held(shop, "orders"):
            # The third is begun when the second is done.
            future = begun(*ALL, AUTO_MIGRATE_TENANT_WORKERS="2")
            until((shop.folder / "asks").exists)
        until((shop.folder / "waits").exists)
    done = future.result()
    assert done.code == 0, done.text
    assert done.output.count("[reports] ⏳ Waiting for the database default (") == 1


def test_two_whose_code_waits_for_each_other_end_with_what_to_type(
    shop: Project, begun: Callable[..., Future[Done]]
) -> None:
    second(shop, "copy", COPIED)
    assert shop.run("auto_migrate").code == 0
    shop.migration("shop", "0003_price", PRICE, after="0002_copy")
    shop.file("shop/apps.py", RECEIVING.replace("{what}", UNDER_WAY.strip()))
    with held(shop, "default"):
        done = begun(*ALL)
        until(lambda: is_migrated(shop, "orders") and shop.query(COPYING, database="orders"))
    assert done.result().code == 1, done.result().text
    assert "--database default && manage.py auto_migrate --database orders" in done.result().errors


def test_code_that_uses_a_database_that_failed_fails_as_well(shop: Project) -> None:
    second(shop, "copy", COPIED)
    assert shop.run("auto_migrate").code == 0
    shop.migration("shop", "0003_price", PRICE, after="0002_copy")
    with held(shop, "default"):
        done = shop.run(*ALL, "--lock-wait=1", **WORKERS)
    assert done.code == 5, done.text
    assert "Database 'default', which comes before this one, was not brought up to date." in done.errors
    assert is_migrated(shop, "orders")


def test_aliases_of_one_database_take_turns_in_their_order(shop: Project) -> None:
    twin = shop.url.replace("127.0.0.1", "localhost")
    shop.databases = {"default": shop.url, "twin": twin, "orders": shop.databases["orders"]}
    done = shop.run(*ALL, "--format=json", **WORKERS)
    assert done.code == 0, done.text
    lines = [json.loads(line) for line in done.output.splitlines()]
    ended = [line["database"] for line in lines if line["event"] == "run_succeeded"]
    assert [alias for alias in ended if alias != "orders"] == ["default", "twin"]
    assert not [line for line in lines if line["event"] == "lock_awaited"]


def test_one_signal_ends_all_of_them(shop: Project) -> None:
    others = {"OTHER_DATABASE_URL": shop.databases["orders"], **WORKERS}
    with held(shop, "default"), held(shop, "orders"):
        runner = start_manage(*ALL, "--format=json", database_url=shop.url, settings=SETTINGS, env=others)
        assert runner.stdout
        waiting = set[str]()
        while len(waiting) < 2:
            line = json.loads(runner.stdout.readline())
            # The second one waits for its turn, which comes after the functions of the first.
            awaited = {"default": "lock_awaited", "other": "state_compared"}[line["database"]]
            waiting.update([line["database"]] if line["event"] == awaited else [])
        runner.send_signal(signal.SIGTERM)
        output, errors = runner.communicate(timeout=60)
    assert runner.returncode == 8, errors
    ends = [json.loads(line) for line in output.splitlines() if "run_stopped" in line]
    assert {line["database"] for line in ends} == waiting == {"default", "other"}
    assert "CommandError: The run was asked to stop.\n" in errors

"""What the package ships for the tests of projects: used by pytest as a project would, and in this process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from auto_migrate import Goal, RunRequest, migrate
from auto_migrate.conf import get_settings
from auto_migrate.databases.postgresql.deploy_lock import LOCK_KEY
from auto_migrate.exceptions import DeployLockTimeout, UsageError
from auto_migrate.testing import Migrator, assert_no_hazards, no_deploy_lock
from tests.entries import each_entry
from tests.examples import blocks
from tests.manage import ROOT, environment
from tests.repository import Repository

SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "shop"]
"""
MODELS = """
from django.db import models


class Order(models.Model):
    net = models.IntegerField()
    tax = models.IntegerField(default=0)
    total = models.IntegerField()
"""
HEAD = """
import auto_migrate
from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("shop", "Order").objects.update(total=models.F("net") + models.F("tax"))


"""
INITIAL = """
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("net", models.IntegerField()),
                ("tax", models.IntegerField(default=0)),
                ("note", models.TextField(default="")),
            ],
        ),
    ]
"""
LATER = """
class Migration(migrations.Migration):
    dependencies = [("shop", "{after}")]
    operations = [{operation}]
"""
# name → its operation; the one that drops a column is the only error among them.
MIGRATIONS = {
    "0002_order_total": 'migrations.AddField("order", "total", models.IntegerField(null=True))',
    "0003_fill_total": "migrations.RunPython(fill, migrations.RunPython.noop)",
    "0004_drop_note": 'migrations.RemoveField("order", "note")',
    "0005_total_not_null": 'migrations.AlterField("order", "total", models.IntegerField())',
}
TESTS = """
import pytest
from django.db import connection

from auto_migrate import testing
from auto_migrate.conf import get_settings


def test_the_newest_hurts(assert_no_hazards):
    assert assert_no_hazards is testing.assert_no_hazards
    with pytest.raises(AssertionError, match="AM404:shop.0005_total_not_null"):
        assert_no_hazards("shop", after="0004")


def test_no_lock(no_deploy_lock):
    assert get_settings().LOCK == "none"


def test_the_lock_is_back():
    assert get_settings().LOCK == "auto"


# After the example, which runs before it only if both empty the tables.
@pytest.mark.django_db(transaction=True)
def test_the_database_is_back_at_the_newest():
    with connection.cursor() as cursor:
        columns = {column.name for column in connection.introspection.get_table_description(cursor, "shop_order")}
        cursor.execute("SELECT count(*) FROM shop_order")
        assert cursor.fetchone() == (0,)
    assert columns == {"id", "net", "tax", "total"}
"""
UNITTEST = """
from django.test import TransactionTestCase

from auto_migrate.testing import Migrator


class TotalsTest(TransactionTestCase):
    def test_backwards_and_forwards(self):
        migrator = Migrator()
        self.addCleanup(migrator.finish)
        apps = migrator.migrate_to("shop", "0001")
        order = apps.get_model("shop", "Order")
        assert {field.name for field in order._meta.fields} == {"id", "net", "tax", "note"}
        order.objects.create(net=1)
        later = migrator.migrate_to("shop", "0003").get_model("shop", "Order")
        assert later.objects.get().total == 1
        # No such row fits what comes later.
        later.objects.create(net=2, total=None)
"""


class Shop(Repository):
    """A project with tests of its own, whose first two migrations are on `main` already."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.write("own_settings.py", SETTINGS)
        self.write("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = own_settings\nfilterwarnings = error\n")
        self.write("shop/__init__.py", "")
        self.write("shop/models.py", MODELS)
        self.write("shop/migrations/__init__.py", "")
        self.write("shop/migrations/0001_initial.py", HEAD + INITIAL)
        after = "0001_initial"
        for name, operation in MIGRATIONS.items():
            self.write(f"shop/migrations/{name}.py", HEAD + LATER.format(after=after, operation=operation))
            after = name
            if name.startswith("0002"):
                self.commit("first")
                self.git("switch", "--quiet", "--create", "topic")

    def python(self, *arguments: str, **more: str) -> str:
        """Run a module as the project's developers do, which must end well, and return what it writes."""
        env = {**more, "PYTHONPATH": f"{self.folder}:{ROOT}", "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}"}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            check=False,
            cwd=self.folder,
            env=environment(env, settings="own_settings"),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "repository")


def test_a_project_finds_the_fixtures_without_saying_a_word(shop: Shop) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [(name, module)] = project["entry-points"]["pytest11"].items()
    # What pip leaves of the package, for those who look for plugins.
    shop.write("auto_migrate-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n")
    shop.write("auto_migrate-1.dist-info/entry_points.txt", f"[pytest11]\n{name} = {module}\n")
    [example] = [text for text in blocks("testing.md", "python") if "def test_totals_are_filled" in text]
    shop.write("test_shop.py", f"{example}\n{TESTS}")
    assert re.search(r"\b5 passed\b", shop.python("pytest", "-p", "no:cacheprovider"))


ROWS = """
import pytest
from django.core.management import call_command
from shop.models import Order


@pytest.mark.django_db
def test_tables_are_made_of_the_models():
    assert Order.objects.create(net=1, total=1).pk
    call_command("migrate", verbosity=0)
    call_command("auto_migrate", verbosity=0)
"""


def test_a_project_may_do_without_migrations_in_its_tests(shop: Shop) -> None:
    """pytest-django puts a `migrate` of its own in the place of Django's."""
    shop.write("test_rows.py", ROWS)
    assert "1 passed" in shop.python("pytest", "-p", "no:cacheprovider", "--no-migrations", "test_rows.py")


def test_djangos_own_runner_needs_no_pytest(shop: Shop) -> None:
    shop.write("shop/test_totals.py", UNITTEST)
    # As on a machine that has none.
    shop.write("pytest.py", "raise ImportError('there is no pytest here')\n")
    assert "Ran 1 test" in shop.python("django", "test")


# What is asked, and what is found at the level asked for.
CALLS = {
    'assert_no_hazards("shop")': ["AM301:shop.0004", "AM404:shop.0005"],
    'assert_no_hazards("shop", after="0004")': ["AM404:shop.0005"],
    'assert_no_hazards("shop", after="0005_total_not_null")': [],
    'assert_no_hazards("shop", migrations=["0004"])': ["AM301:shop.0004"],
    # Where the plan makes the table, nobody uses it yet.
    'assert_no_hazards("shop", migrations=["0001", "0004"])': [],
    'assert_no_hazards("shop", since="main")': ["AM301:shop.0004", "AM404:shop.0005"],
    'assert_no_hazards("shop", after="0002", level="warning")': [
        "AM502:shop.0003",
        "AM301:shop.0004",
        "AM404:shop.0005",
    ],
    # There it is held back until the old code is gone.
    'assert_no_hazards("shop", after="0004", vendor="postgresql")': [],
}
SCRIPT = """
import json
import sys

import django

django.setup()

from auto_migrate.testing import assert_no_hazards


def said(call):
    try:
        eval(call)
    except AssertionError as error:
        return str(error)
    return ""


print(json.dumps([said(call) for call in sys.argv[1:]]))
"""


def test_each_way_to_say_which_migrations(shop: Shop) -> None:
    shop.write("script.py", SCRIPT)
    told = dict(zip(CALLS, json.loads(shop.python("script", *CALLS)), strict=True))
    found = {call: re.findall(r"AM\d+:shop\.\d+", text.partition("\n")[0]) for call, text in told.items()}
    assert found == CALLS
    text = told['assert_no_hazards("shop", migrations=["0004"])']
    assert text.startswith("1 finding that nobody has acknowledged: AM301:shop.0004_drop_note.\n  ✖ AM301 ")
    assert "Instead:" in text
    assert text.endswith('acknowledged = auto_migrate.acknowledge("AM301", reason="…")')


def test_what_is_acknowledged_passes_by_the_migration_and_by_the_settings(shop: Shop) -> None:
    shop.write("script.py", SCRIPT)
    drop = LATER.format(after="0003_fill_total", operation=MIGRATIONS["0004_drop_note"])
    wanted = '    wanted = auto_migrate.acknowledge("AM301", reason="nobody reads it")\n'
    shop.write("shop/migrations/0004_drop_note.py", f"{HEAD}{drop}{wanted}")
    told = shop.python("script", 'assert_no_hazards("shop")', AUTO_MIGRATE_ACKNOWLEDGE="AM404:shop.0005*=a quiet table")
    assert json.loads(told) == [""]


def test_what_contradicts_itself_or_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="contradict"):
        assert_no_hazards("webhooks", after="0001", since="main")
    with pytest.raises(UsageError, match="No migration of 'webhooks' begins with '0404'"):
        assert_no_hazards("webhooks", after="0404")
    with pytest.raises(UsageError, match="no_such_app"):
        assert_no_hazards("no_such_app")


BAD = [
    (("",), {}, "No installed app"),
    ((None,), {}, "No installed app"),
    (("webhooks",), {"migrations": "0404"}, "begins with '0404'"),
    (("webhooks",), {"level": "bogus"}, "'bogus' is no level"),
    (("webhooks",), {"database": "elsewhere"}, "There is no database 'elsewhere'"),
    (("webhooks",), {"vendor": "postgres"}, "What postgres does"),
    (("webhooks",), {"vendor": "postgresql", "server_version": 99999}, "'99999' is not a version"),
]


@each_entry("bad", BAD)
def test_what_makes_no_sense_is_a_usage_error(bad: tuple[tuple[Any, ...], dict[str, Any], str]) -> None:
    labels, options, told = bad
    with pytest.raises(UsageError, match=told):
        assert_no_hazards(*labels, **options)


@pytest.mark.django_db
def test_in_a_transaction_nothing_is_migrated() -> None:
    with pytest.raises(UsageError, match="runs in a transaction") as refused:
        Migrator().migrate_to("webhooks", "zero")
    assert "transaction=True" in refused.value.hint


@pytest.fixture
def another_runner() -> Iterator[None]:
    """Hold the deploy lock of the test database."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
    yield
    other.rollback()
    other.close()


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_nobody_is_waited_for(another_runner: None) -> None:
    with no_deploy_lock():
        call_command("migrate", "sessions", verbosity=0)
        migrate(request=RunRequest(goal=Goal("sessions"), lock_wait=0))
    with pytest.raises(DeployLockTimeout):
        migrate(request=RunRequest(goal=Goal("sessions"), lock_wait=0))


@pytest.mark.parametrize("before", [None, "auto"])
def test_what_was_set_is_set_again_whatever_happens(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if before:
        monkeypatch.setenv("AUTO_MIGRATE_LOCK", before)
    with pytest.raises(UsageError), no_deploy_lock(), no_deploy_lock():
        migrate("no_such_database")
    assert os.environ.get("AUTO_MIGRATE_LOCK") == before
    assert get_settings().LOCK == "auto"

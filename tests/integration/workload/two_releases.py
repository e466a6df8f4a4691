"""A shop in two releases: the old one's code has tests, whose statements are recorded; the new one brings migrations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from tests.manage import ROOT, environment, run_manage

SETTINGS = """
import os
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "shop"]
TEST_RUNNER = "shop.runner.Runner"
AUTO_MIGRATE = {"PHASES": os.environ.get("PHASES") == "true"}
"""
RUNNER = """
from django.test.runner import DiscoverRunner

from auto_migrate.testing import RecordStatementsMixin


class Runner(RecordStatementsMixin, DiscoverRunner):
    pass
"""
MODELS = """
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=100)
    nick = models.CharField(max_length=50, null=True)


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)
    note = models.TextField(default="")
    city = models.CharField(max_length=100)
    total = models.IntegerField()
"""
INITIAL = """
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            "Customer",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=100)),
                ("nick", models.CharField(max_length=50, null=True)),
            ],
        ),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("customer", models.ForeignKey("shop.customer", django.db.models.deletion.CASCADE)),
                ("note", models.TextField(default="")),
                ("city", models.CharField(max_length=100)),
                ("total", models.IntegerField()),
            ],
        ),
        # A column that a model had once, and no code knows any more.
        migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN legacy text"),
    ]
"""
TESTS = """
from django.db import connection
from django.test import TestCase

from shop.models import Customer, Order

SECRET = "s3cr3t-of-a-customer"


class OrderTest(TestCase):
    def setUp(self):
        self.ana = Customer.objects.create(name=SECRET)

    def test_orders_are_listed(self):
        Order.objects.create(customer=self.ana, note=SECRET, city="Belém", total=42)
        Order.objects.bulk_create([Order(customer=self.ana, city="Acre", total=n) for n in range(3)])
        assert len(Order.objects.filter(city="Belém", customer__name=SECRET)) == 1
        assert Order.objects.filter(id__in=[1, 2, 3]).count() >= 0

    def test_an_order_is_changed(self):
        order = Order.objects.create(customer=self.ana, city="Acre", total=1)
        order.city = "Amapá"
        order.save(update_fields=["city"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shop_order WHERE city = 'Amapá' -- s3cr3t")
"""
PYTEST = "[pytest]\nDJANGO_SETTINGS_MODULE = own_settings\npython_files = tests.py\n"
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "{after}")]
    operations = [{operation}]
"""
# What the new release brings: an operation, and the column that is told (empty where nothing is).
CHANGES = {
    "rename": ('migrations.RenameField("order", "city", "town")', "city"),
    "drop": ('migrations.RemoveField("order", "note")', "note"),
    "required": ('migrations.AddField("order", "state", models.CharField(max_length=2, default="PA"))', "state"),
    "narrow": ('migrations.AlterField("order", "city", models.CharField(max_length=10))', "city"),
    "harmless": ('migrations.AddField("order", "paid_at", models.DateTimeField(null=True))', ""),
}


class TwoReleases:
    """The project's files, and one database at the old release."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.write("own_settings.py", SETTINGS)
        self.write("pytest.ini", PYTEST)
        self.write("shop/__init__.py", "")
        self.write("shop/runner.py", RUNNER)
        self.write("shop/models.py", MODELS)
        self.write("shop/tests.py", TESTS)
        self.write("shop/migrations/__init__.py", "")
        self.write("shop/migrations/0001_initial.py", INITIAL)

    def write(self, path: str, content: str) -> None:
        """Write a file."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(content)

    def release(self, operation: str, *, name: str = "0002_change", after: str = "0001_initial") -> None:
        """Write the migration that the new release brings."""
        self.write(f"shop/migrations/{name}.py", MIGRATION.format(after=after, operation=operation))

    def test(self, *command: str, **env: str) -> str:
        """Run the tests of the old release, which must pass, and return what that wrote."""
        done = subprocess.run(
            [sys.executable, *command],
            check=False,
            cwd=self.folder,
            env=environment(self._env(env), settings="own_settings"),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def run(self, *arguments: str, expect: int = 0, **env: str) -> str:
        """Run a command to its end, demand its exit code and return what it wrote."""
        done = run_manage(*arguments, database_url=self.url, settings="own_settings", env=self._env(env))
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    def events(self, *arguments: str, expect: int = 0, **env: str) -> list[dict[str, Any]]:
        """Run a command and return what it tells machines."""
        output = self.run(*arguments, "--format=json", expect=expect, **env)
        return [json.loads(line) for line in output.splitlines()]

    def query(self, statement: str) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        return {"PYTHONPATH": f"{self.folder}:{ROOT}", "DATABASE_URL": self.url, "PYTHONDONTWRITEBYTECODE": "1", **more}


def statements(path: Path) -> list[str]:
    """Return the statements of a recorded file."""
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [entry["statement"] for entry in entries if "statement" in entry]

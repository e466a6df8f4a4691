"""A shop in two releases: the old one has tests whose statements are recorded, the new one brings a migration."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.fallback.project import Done, Project
from tests.manage import ROOT, environment

# What `manage.py test` and pytest of the project's developers read; commands run without it.
SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "shop"]
TEST_RUNNER = "shop.runner.Runner"
"""
RUNNER = """
from django.test.runner import DiscoverRunner

from auto_migrate.testing import RecordStatementsMixin


class Runner(RecordStatementsMixin, DiscoverRunner):
    pass
"""
MODELS = """
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
        ("customer", models.ForeignKey("shop.customer", models.CASCADE)),
        ("note", models.TextField(default="")),
        ("city", models.CharField(max_length=100)),
        ("total", models.IntegerField()),
    ],
),
# A column that a model had once, and no code knows any more.
migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN legacy text"),
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
        assert not Order.objects.filter(total__gt=100).exists()

    def test_an_order_is_changed(self):
        order = Order.objects.create(customer=self.ana, city="Acre", total=1)
        order.city = "Amapá"
        order.save(update_fields=["city"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shop_order WHERE city = 'Amapá' -- s3cr3t")
"""
PYTEST = "[pytest]\nDJANGO_SETTINGS_MODULE = own_settings\npython_files = tests.py\n"
# What the new release brings: an operation, and the column that is told (empty where nothing is).
CHANGES = {
    "rename": ('migrations.RenameField("order", "city", "town")', "city"),
    "drop": ('migrations.RemoveField("order", "note")', "note"),
    "required": ('migrations.AddField("order", "state", models.CharField(max_length=2, default="PA"))', "state"),
    "narrow": ('migrations.AlterField("order", "city", models.CharField(max_length=10))', "city"),
    "harmless": ('migrations.AddField("order", "paid_at", models.DateTimeField(null=True))', ""),
}


class TwoReleases(Project):
    """The project's files, and one database."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        self.app("shop", MODELS)
        self.file("shop/runner.py", RUNNER)
        self.file("shop/tests.py", TESTS)
        self.file("own_settings.py", SETTINGS)
        self.file("pytest.ini", PYTEST)
        self.migration("shop", "0001_initial", INITIAL)
        self.settings(TEST_RUNNER="shop.runner.Runner")

    def release(
        self, operation: str, *, name: str = "0002_change", after: str = "0001_initial", head: str = "pass"
    ) -> None:
        """Write the migration that the new release brings."""
        self.migration("shop", name, operation, after=after, head=head)

    def test(self, *command: str, **env: str) -> str:
        """Run the tests of the old release as its developers do, which must pass; return what that wrote."""
        more = {"PYTHONPATH": f"{self.folder / 'code'}:{ROOT}", "DATABASE_URL": self.url, **env}
        done = subprocess.run(
            [sys.executable, *command],
            check=False,
            cwd=self.folder / "code",
            env=environment(more, settings="own_settings"),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def done(self, *arguments: str, expect: int = 0, **env: str) -> Done:
        """Run a command and demand its exit code."""
        done = self.run(*arguments, **env)
        assert done.code == expect, done.text
        return done

    def events(self, *arguments: str, expect: int = 0, **env: str) -> list[dict[str, Any]]:
        """Run a command and return what it tells machines."""
        output = self.done(*arguments, "--format=json", expect=expect, **env).output
        return [json.loads(line) for line in output.splitlines()]

    def refused(self, *arguments: str, **env: str) -> list[dict[str, Any]]:
        """Rehearse, and return the statements that could not go on."""
        done = self.run("rehearse_migrations", *arguments, "--format=json", **env)
        assert done.code == 0, done.text
        events = [json.loads(line) for line in done.output.splitlines()]
        return [event for event in events if event["event"] == "statement_refused"]


def statements(path: Path) -> list[str]:
    """Return the statements of a recorded file."""
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [entry["statement"] for entry in entries if "statement" in entry]

"""The models of the release that is running, from git, as evidence in a pull request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.manage import ROOT, run_manage
from tests.repository import Repository

SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "shop"]
"""
MODELS = """
from django.db import models


class Noted(models.Model):
    note = models.TextField(db_column="remark")

    class Meta:
        abstract = True


class Order(Noted):
    total = models.IntegerField()
"""
INITIAL = """
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Order", [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.TextField(db_column="remark")),
            ("total", models.IntegerField()),
        ]),
        migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN legacy text"),
    ]
"""
DROPS = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN remark"),
        migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN legacy"),
    ]
"""


class Shop(Repository):
    """A repository whose branch drops a column that the old code's models have, and one that they do not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.write("src/shop_settings.py", SETTINGS)
        self.write("src/shop/__init__.py", "")
        self.write("src/shop/migrations/__init__.py", "")
        self.write("src/shop/models.py", MODELS)
        self.write("src/shop/migrations/0001_initial.py", INITIAL)

    def branch(self) -> None:
        """Leave `main` as it is, and write what the branch brings."""
        self.commit("first")
        self.git("switch", "--quiet", "--create", "topic")
        self.write("src/shop/models.py", "from django.db import models\n")
        self.write("src/shop/migrations/0002_drops.py", DROPS)

    def judged(self) -> tuple[dict[int, str], str]:
        """Return what statements say of each operation, and what is written on standard error."""
        env = {"PYTHONPATH": f"{self.folder / 'src'}:{ROOT}", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        arguments = ("assess_migrations", "--since", "main", "--format", "json")
        done = run_manage(*arguments, cwd=self.folder / "src", env=env, settings="shop_settings")
        assert done.returncode == 6, done.stderr
        [migration] = json.loads(done.stdout)["migrations"]
        found: list[dict[str, Any]] = [one for one in migration["findings"] if one["code"] == "AM301"]
        return {one["operation"]: heard(one) for one in found}, done.stderr


def heard(found: dict[str, Any]) -> str:
    return "\n".join(evidence["text"] for evidence in found["evidence"] if evidence["basis"] == "statements")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "repository")


def test_what_the_old_code_has_is_told_and_the_rest_proves_nothing(shop: Shop) -> None:
    shop.branch()
    said, _errors = shop.judged()
    assert '"shop_order"."remark"' in said[1]
    assert "reads this column" in said[1]
    assert "writes this column" in said[1]
    assert "which proves nothing: SQL that code writes by itself is in no model" in said[2]
    # The old code was looked at elsewhere.
    assert shop.git("status", "--porcelain").split("\n")[0].endswith("src/shop/models.py")


def test_old_code_that_cannot_be_loaded_is_told_and_stops_nothing(shop: Shop) -> None:
    shop.write("src/shop/models.py", "raise RuntimeError('not today')\n")
    shop.branch()
    said, errors = shop.judged()
    assert said == {1: "", 2: ""}
    assert "The models of the running release cannot be looked at: RuntimeError: not today." in errors

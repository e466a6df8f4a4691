"""What the judging of a plan does with migrations that do not fit, cannot be looked at, or only compute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.applying.tiny import Tiny


@pytest.fixture
def tiny(tmp_path: Path, database_url: str) -> Tiny:
    """Give a project with its first migration applied."""
    project = Tiny(tmp_path, database_url)
    project.run("auto_migrate")
    return project


@pytest.mark.parametrize("arguments", [("auto_migrate",), ("auto_migrate", "--plan")])
def test_a_migration_that_does_not_fit_is_named(tiny: Tiny, arguments: tuple[str, ...]) -> None:
    tiny.second('migrations.RemoveField("t", "nme")', atomic=True)
    output = tiny.run(*arguments, expect=1)
    assert "app.0002_pay does not fit those before it, at operation 1 of 1, Remove field nme from t" in output


def test_one_that_does_not_fit_leaves_readiness_with_what_is_pending(tiny: Tiny) -> None:
    tiny.second('migrations.RemoveField("t", "nme")', atomic=True)
    ask = "from auto_migrate.planning.state import quick_state; print(quick_state())"
    assert "BEHIND" in tiny.run("shell", "-c", ask, AUTO_MIGRATE_PHASES="true")


def test_an_operation_that_cannot_be_looked_at_is_told_and_stops_nobody(tiny: Tiny) -> None:
    odd = """
from django.db.migrations.operations.base import Operation

class Odd(Operation):
    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, editor, before, after):
        if editor.collect_sql:
            raise RuntimeError("not to be looked at")

    def describe(self):
        return "Do something odd"

class Migration(migrations.Migration):
    dependencies = [("app", "0001_initial")]
    operations = [Odd()]
"""
    tiny.write("0002_odd", odd)
    assert "AM507" in tiny.run("auto_migrate")


def test_a_function_is_judged_by_the_table_that_it_goes_through(tiny: Tiny) -> None:
    loop = """
def loop(apps, editor):
    for row in apps.get_model("app", "T").objects.all():
        row.save()

class Migration(migrations.Migration):
    dependencies = [("app", "0001_initial")]
    operations = [migrations.RunPython(loop, loop)]
"""
    tiny.write("0002_loop", loop)
    lines = [json.loads(line) for line in tiny.run("auto_migrate", "--plan", "--format", "json").splitlines()]
    [assessed] = [line for line in lines if line["event"] == "plan_assessed"]
    [finding] = assessed["findings"]
    assert (finding["code"], finding["table"], finding["level"]) == ("AM502", "app_t", "notice")

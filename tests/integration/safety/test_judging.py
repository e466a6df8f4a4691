"""What the judging of a plan does with migrations that do not fit, cannot be looked at, or only compute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.applying.tiny import Tiny


@pytest.fixture
def tiny(tmp_path: Path, database_url: str) -> Tiny:
    """Return a project with its first migration applied."""
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
    ask = "from auto_migrate.planning.schema_state import quick_state; print(quick_state())"
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


def test_tables_of_which_nothing_is_recorded_are_judged(tiny: Tiny) -> None:
    tiny.query("TRUNCATE django_migrations")
    truncate = "migrations.RunSQL('TRUNCATE app_t')"
    tiny.write("0001_initial", f"class Migration(migrations.Migration):\n    operations = [{truncate}]")
    assert "AM304" in tiny.run("auto_migrate", expect=6)


def test_an_index_on_a_renamed_table_is_judged_by_the_table_that_it_was(tiny: Tiny) -> None:
    tiny.second('migrations.RenameModel("t", "U")', atomic=True)
    tiny.write(
        "0003_index",
        "class Migration(migrations.Migration):\n    dependencies = [('app', '0002_pay')]\n"
        "    operations = [migrations.AddIndex('u', models.Index(fields=['-n'], name='by_n'))]",
    )
    lines = [json.loads(line) for line in tiny.run("auto_migrate", "--plan", "--format", "json").splitlines()]
    [assessed] = [line for line in lines if line["event"] == "plan_assessed"]
    assert {finding["code"]: finding["level"] for finding in assessed["findings"]}["AM109"] == "notice"


def test_code_of_the_projects_own_does_not_run_when_a_plan_is_only_shown(tiny: Tiny) -> None:
    own = """
from django.db import connection
from django.db.migrations.operations.base import Operation

class Once(Operation):
    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, editor, before, after):
        connection.copy().cursor().execute("INSERT INTO app_t (n) VALUES (7)")

class Migration(migrations.Migration):
    dependencies = [("app", "0001_initial")]
    operations = [Once()]
"""
    tiny.write("0002_once", own)
    for arguments in [("auto_migrate", "--plan"), ("auto_migrate", "--sql"), ("auto_migrate", "--check")]:
        tiny.run(*arguments, expect=9 if "--check" in arguments else 0, AUTO_MIGRATE_PHASES="true")
    assert tiny.query("SELECT count(*) FROM app_t") == [(1,)]
    tiny.run("auto_migrate")
    assert tiny.query("SELECT count(*) FROM app_t") == [(2,)]

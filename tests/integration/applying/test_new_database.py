"""The first run on a new database: nothing of it is judged, however often it has to begin, and nobody waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.applying.tiny import Tiny
from tests.manage import run_manage

DROP = """
class Migration(migrations.Migration):
    dependencies = [("app", "0002_pay")]
    operations = [migrations.RemoveField("t", "n")]
"""
SECOND = """
import os, pathlib, threading
import psycopg

def cut(apps, editor):
    # The first time, the session ends here: what comes next is the second attempt.
    flag = pathlib.Path(os.environ["FLAG"])
    if not flag.exists():
        flag.touch()
        editor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

def read(apps, editor):
    # Somebody looks into the new table while the plan goes on, for longer than any attempt may queue.
    reader = psycopg.connect(os.environ["DATABASE_URL"])
    reader.execute("SELECT n FROM app_t")
    threading.Timer(3, reader.close).start()

class Migration(migrations.Migration):
    dependencies = [("app", "0001_initial")]
    operations = [migrations.RunPython({function})]
"""
FAILS = """
    operations.append(migrations.RunSQL("SELECT 1 / 0"))
"""
SQUASH = """
class Migration(migrations.Migration):
    initial = True
    replaces = [("app", "0001_initial"), ("app", "0002_pay")]
    operations = [
        migrations.CreateModel("T", [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField())]),
        migrations.RunSQL("INSERT INTO app_t (n) VALUES (0)"),
    ]
"""


@pytest.fixture
def tiny(tmp_path: Path, database_url: str) -> Tiny:
    """Return a project whose plan loses a column with data in it, as the histories of old projects do."""
    project = Tiny(tmp_path, database_url)
    project.write("0003_drop", DROP)
    return project


def test_a_second_attempt_is_not_judged_for_what_the_first_has_made(tiny: Tiny) -> None:
    tiny.write("0002_pay", SECOND.format(function="cut"))
    output = tiny.run("auto_migrate", FLAG=str(tiny.folder / "flag"))
    assert "Attempt 2/5" in output
    assert "Applying app.0003_drop... OK" in output


def test_nor_is_the_next_run_for_what_a_squash_has_made(tiny: Tiny) -> None:
    tiny.second("migrations.RunPython(inc)")
    tiny.write("0001_squashed_0002_pay", SQUASH)
    tiny.write("0003_drop", DROP + FAILS)
    tiny.run("auto_migrate", expect=1)
    tiny.write("0003_drop", DROP)
    assert "Applying app.0003_drop... OK" in tiny.run("auto_migrate")


def test_a_reader_of_a_new_table_is_waited_for_and_nobody_queues_behind(tiny: Tiny) -> None:
    tiny.write("0002_pay", SECOND.format(function="read"))
    output = tiny.run("auto_migrate")
    assert "app.0003_drop waits for its tables" in output
    assert "Attempt 2/5" not in output
    assert "Applying app.0003_drop... OK" in output


def test_what_only_tables_in_use_need_is_not_imported(database_url: str) -> None:
    ask = (
        "import sys; from django.core.management import call_command; call_command('auto_migrate', verbosity=0);"
        "print(*(name for name in sys.modules if name.startswith('auto_migrate.')), sep='\\n')"
    )
    # A warm interpreter has imported most rooms already.
    settings = "tests.projects.counter.settings"
    done = run_manage("shell", "-c", ask, database_url=database_url, settings=settings, fresh=True)
    imported = set(done.stdout.splitlines())
    assert "auto_migrate.applying.executor" in imported
    rooms = (
        "changes.change",
        "findings",
        "safety.assessment",
        "inspection",
        "backfills.outlook",
        "backfills.background",
    )
    watches = ("online.planner", "bridges.editor_watch", "bridges.loosening", "table_alterations")
    needless = {*(f"auto_migrate.{room}" for room in rooms), *(f"auto_migrate.applying.{name}" for name in watches)}
    assert not imported & needless

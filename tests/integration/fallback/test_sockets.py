"""Whatever is plugged in goes wrong in its own name: a listener stops nothing, and a hazard lets nothing pass."""

from __future__ import annotations

import json

import pytest

from tests.integration.fallback.project import ID, Project

ITEM = f'migrations.CreateModel("Item", [{ID}, ("n", models.IntegerField(default=0))])'
MORE = 'migrations.AddField("item", "more", models.IntegerField(null=True))'
IMPORTS = """
import asyncio, os, sys
from django.core.management import call_command
from django.db import connection, connections, transaction

class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no")

"""
# What a listener does at every event but the one that comes within a migration's transaction.
DEEDS = {
    "ends the process": "sys.exit(0)",
    "cancels": "raise asyncio.CancelledError",
    "cannot be printed": "raise Unprintable",
    "closes the connection": "connections.close_all()",
    "migrates": "call_command('auto_migrate', verbosity=0)",
    "migrates all": "call_command('auto_migrate', all_databases=True, verbosity=0)",
    "forks": "os.fork() or sys.exit(0)",
    "leaves a transaction open": "connection.cursor().execute('BEGIN')",
    "leaves a block open": "transaction.atomic().__enter__()",
    "takes commits away": "connection.set_autocommit(False)",
}


def plug(project: Project, setting: str, name: str, code: str) -> None:
    """Let a project have two migrations, a module, and a setting that names something in it."""
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    project.migration("shop", "0002_more", MORE, after="0001_initial")
    project.file("plugged.py")
    (project.folder / "code/plugged.py").write_text(IMPORTS + code)
    project.settings(AUTO_MIGRATE={"RETRY_DELAY": 0.1, setting: [f"plugged.{name}"]})


@pytest.mark.parametrize("deed", DEEDS)
def test_a_listener_stops_nothing(on_postgresql: Project, deed: str) -> None:
    plug(on_postgresql, "LISTENERS", "tell", f"def tell(event, context):\n    {DEEDS[deed]}\n")
    done = on_postgresql.run("auto_migrate")
    assert done.code == 0, done.text + done.notes
    assert "Traceback" not in done.text
    assert on_postgresql.recorded == ["shop.0001_initial", "shop.0002_more"]
    assert on_postgresql.query("SELECT more FROM shop_item") == []
    [(status, applied)] = on_postgresql.query(
        "SELECT run.status, count(*) FROM auto_migrate_run run JOIN auto_migrate_step step ON step.run_id = run.id "
        "WHERE step.status = 'applied' GROUP BY run.id"
    )
    assert (status, applied) == ("succeeded", 2)


def test_a_listener_cannot_turn_a_failed_run_into_a_good_one(project: Project) -> None:
    plug(project, "LISTENERS", "tell", "def tell(event, context):\n    sys.exit(0)\n")
    project.migration("shop", "0002_more", 'migrations.RunSQL("nonsense")', after="0001_initial")
    done = project.run("auto_migrate")
    assert done.code == 1
    assert "nonsense" in done.errors


COMMANDS = (["check"], ["auto_migrate"], ["auto_migrate", "--check"], ["auto_migrate", "--plan"], ["wait_for_db"])


@pytest.mark.parametrize("code", ["sys.exit(0)", "raise Unprintable", "raise asyncio.CancelledError"])
def test_a_module_that_cannot_be_imported_is_never_taken_for_a_good_end(project: Project, code: str) -> None:
    plug(project, "LISTENERS", "tell", code)
    for command in COMMANDS:
        done = project.run(*command)
        assert (done.code, "Traceback" in done.text) == (1 if command == ["check"] else 2, False), done.text
        assert "AUTO_MIGRATE['LISTENERS']: plugged.tell cannot be used: " in done.errors


HAZARD = """
from auto_migrate.hazards import EVERYWHERE, Found, Harm, Hazard

class Mine(Hazard):
    code, title, page, harm, vendors = "SHOP001", "A title", "docs/page.md", Harm.RISKS, EVERYWHERE

    def found(self, change, site):
        {}
"""


@pytest.mark.parametrize(
    "code", ["sys.exit(0)", "raise asyncio.CancelledError", "return ()\n\n    look = lambda *_: ['a text']"]
)
def test_a_hazard_that_goes_wrong_is_never_taken_for_a_harmless_plan(project: Project, code: str) -> None:
    plug(project, "HAZARDS", "Mine", HAZARD.format(code))
    assert project.run("auto_migrate", "shop", "0001", AUTO_MIGRATE_HAZARDS=" ,").code == 0
    for command in (
        ["auto_migrate", "--plan"],
        ["assess_migrations", "shop.0002", "--format", "sarif"],
        ["auto_migrate"],
    ):
        done = project.run(*command)
        assert (done.code, "Traceback" in done.text) == (2, False), done.text
        assert "The hazard SHOP001 (plugged.Mine) failed at shop.0002_more: " in done.errors
    assert project.recorded == ["shop.0001_initial"]


def test_a_hazard_changes_nothing_of_the_plan_that_it_looks_at(project: Project) -> None:
    plug(project, "HAZARDS", "Mine", HAZARD.format("site.migration.migration.operations.clear(); return ()"))
    # What is new is in use by nobody, and not judged.
    assert project.run("auto_migrate", "shop", "0001", AUTO_MIGRATE_HAZARDS=" ,").code == 0
    assert project.run("auto_migrate").code == 0
    assert project.query("SELECT more FROM shop_item") == []


def test_what_a_hazard_says_cannot_steer_a_terminal_nor_break_a_format(project: Project) -> None:
    plug(project, "HAZARDS", "Mine", HAZARD.format(r"print('noise'); yield Found(change.table, '\x1b[2J \ud800')"))
    for wanted in ("text", "markdown", "github", "json", "sarif"):
        done = project.run("assess_migrations", "shop.0002", "--format", wanted)
        assert done.code == 0, done.text
        assert "\x1b" not in done.output
        assert "noise" not in done.output
        if wanted in {"json", "sarif"}:
            assert r"\x1b[2J \ud800" in str(json.loads(done.output)).replace("\\\\", "\\")

"""The next release of the service, judged before it is deployed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.manage import ROOT, run_manage

LAST = max(path.stem for path in (ROOT / "webhooks" / "migrations").glob("0*.py"))
NEXT = f"""
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "{LAST}")]
    operations = [
        migrations.AddField("payment", "currency", models.CharField(max_length=3, default="BRL")),
        migrations.RemoveField("payment", "customer_email"),
        migrations.AddIndex("payment", models.Index(fields=["paid_at"], name="payment_paid_at")),
    ]
"""
SETTINGS = """
from sms_sender.settings import *

MIGRATION_MODULES = {"webhooks": "next_webhooks"}
"""
PAYMENTS = """
    INSERT INTO webhooks_payment (gateway, gateway_id, external_id, status, method, amount, customer_name,
        customer_phone, customer_email, pix_code, created_at, updated_at)
    SELECT 'test', n, '', 'waiting', 'pix', 100, '', '', 'a@b.c', '', now(), now() FROM generate_series(1, 50) AS n
"""


class NextRelease:
    """The service with one more migration, in front of a database that has the release before it and 50 payments."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.folder = folder
        shutil.copytree(ROOT / "webhooks" / "migrations", folder / "next_webhooks")
        (folder / "next_webhooks" / "9999_next.py").write_text(NEXT)
        (folder / "next_settings.py").write_text(SETTINGS)

    def run(self, *arguments: str, settings: str = "next_settings", expect: int = 0, **env: str) -> str:
        """Run a command to its end and return what it wrote to standard output."""
        path = {"PYTHONPATH": f"{self.folder}:{ROOT}", "LANGUAGE_CODE": "en", **env}
        done = run_manage(*arguments, database_url=self.url, settings=settings, env=path)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout if expect == 0 else done.stdout + done.stderr

    def query(self, statement: str) -> list[Any]:
        """Ask the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def release(tmp_path: Path, migrated_url: str) -> NextRelease:
    found = NextRelease(tmp_path, migrated_url)
    found.query(PAYMENTS)
    return found


def findings(output: str) -> dict[str, dict[str, Any]]:
    """Return the findings of a run told in JSON, by their code."""
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    [assessed] = [event for event in events if event["event"] == "plan_assessed"]
    assert len({finding["code"] for finding in assessed["findings"]}) == len(assessed["findings"])
    return {finding["code"]: finding for finding in assessed["findings"]}


def test_the_plan_has_three_findings_each_with_the_code_to_write_instead(release: NextRelease) -> None:
    found = findings(release.run("auto_migrate", "--plan", "--format", "json", expect=6))
    assert found.keys() == {"AM403", "AM301", "AM109"}
    assert "db_default" in found["AM403"]["instead"]
    assert "customer_email" in found["AM301"]["instead"]
    assert "AddIndexConcurrently" in found["AM109"]["instead"]


def test_on_fifty_rows_only_lost_data_stops_the_release(release: NextRelease) -> None:
    found = findings(release.run("auto_migrate", "--plan", "--format", "json", expect=6))
    assert {code: finding["level"] for code, finding in found.items()} == {
        "AM403": "warning",
        "AM301": "error",
        "AM109": "notice",
    }
    assert any("50 rows" in evidence["text"] for evidence in found["AM109"]["evidence"])


LARGE = {"AUTO_MIGRATE_SMALL_TABLE": "49", "AUTO_MIGRATE_LOCK_BUDGET": "0"}


def test_on_a_large_table_all_of_them_stop_it(release: NextRelease) -> None:
    output = release.run("auto_migrate", "--plan", "--format", "json", expect=6, **LARGE)
    assert {finding["level"] for finding in findings(output).values()} == {"error"}


def test_the_release_step_refuses_it_and_changes_nothing(release: NextRelease) -> None:
    output = release.run("auto_migrate", expect=6)
    assert "--acknowledge AM301:webhooks.9999_next" in output
    assert "customer_email" in output
    assert release.query("SELECT count(*) FROM django_migrations WHERE name = '9999_next'") == [(0,)]
    assert release.query("SELECT exit_code FROM auto_migrate_run ORDER BY requested_at DESC LIMIT 1") == [(6,)]


def test_acknowledged_it_runs_and_the_reason_is_kept(release: NextRelease) -> None:
    release.run("auto_migrate", "--acknowledge", "AM301:webhooks.9999_next=Nobody reads it since May.")
    assert release.query("SELECT count(*) FROM django_migrations WHERE name = '9999_next'") == [(1,)]
    [(kept,)] = release.query("SELECT findings FROM auto_migrate_run ORDER BY requested_at DESC LIMIT 1")
    reasons = {finding["code"]: finding["acknowledged"] for finding in kept}
    assert reasons == {"AM403": None, "AM301": "Nobody reads it since May.", "AM109": None}


def test_an_acknowledgement_that_matches_nothing_is_reported(release: NextRelease) -> None:
    acknowledged = ("--acknowledge", "AM302:webhooks.9999_next", "--acknowledge", "AM301:webhooks.9999_next")
    assert "AM302:webhooks.9999_next is acknowledged" in release.run("auto_migrate", *acknowledged)


def test_block_decides_what_stops_a_release(release: NextRelease) -> None:
    assert "Nothing stops this plan" in release.run("auto_migrate", "--plan", AUTO_MIGRATE_BLOCK="never")
    acknowledged = ("--acknowledge", "AM301:webhooks.9999_next")
    settings = {"AUTO_MIGRATE_BLOCK": "warning", "AUTO_MIGRATE_BRIDGES": "false"}
    assert "AM403" in release.run("auto_migrate", *acknowledged, expect=6, **settings)


def test_with_nothing_to_do_the_plan_says_so(release: NextRelease) -> None:
    assert "No migrations are pending" in release.run("auto_migrate", "--plan", settings="sms_sender.settings")


def test_sql_gives_a_script(release: NextRelease) -> None:
    output = release.run("auto_migrate", "--sql", AUTO_MIGRATE_BLOCK="never")
    assert 'ALTER TABLE "webhooks_payment" DROP COLUMN "customer_email"' in output
    assert output.startswith("-- webhooks.9999_next\nBEGIN;")

"""`--format json`: what a deploy pipeline reads from standard output, and nothing else on it."""

from __future__ import annotations

import io
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class

from tests.manage import ROOT, run_manage
from tests.servers import free_port

NOISY = "tests.projects.noisy.settings"


def parsed(stdout: str) -> list[dict[str, Any]]:
    assert stdout.isascii()
    return [json.loads(line) for line in stdout.splitlines()]


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


def test_a_run_is_told_from_start_to_end_whatever_its_migrations_print(database_url: str, gate: Path) -> None:
    gate.touch()
    done = run_manage(
        "auto_migrate", "--format=json", "-v2", database_url=database_url, settings=NOISY, env={"GATE": str(gate)}
    )
    assert done.returncode == 0, done.stderr
    lines = parsed(done.stdout)
    assert kinds(lines) == [
        "run_started",
        "attempt_started",
        "state_compared",
        "lock_acquired",
        "migrating_started",
        "plan_made",
        *["migration_started", "migration_finished"] * 3,
        "verify_started",
        "run_succeeded",
    ]
    assert {line["database"] for line in lines} == {"default"}
    assert len({line["run_id"] for line in lines}) == 1
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert [line["migration"] for line in lines if line["event"] == "migration_finished"] == [
        "parcels.0001_initial",
        "parcels.0002_talk",
        "parcels.0003_wait",
    ]
    for noise in ("printed", "logged", "echoed", "Running post-migrate handlers"):
        assert noise in done.stderr


def test_a_failed_run_ends_with_its_exit_code_and_reason(database_url: str, gate: Path) -> None:
    gate.write_text("fail")
    done = run_manage(
        "auto_migrate", "--format=json", database_url=database_url, settings=NOISY, env={"GATE": str(gate)}
    )
    assert done.returncode == 1
    *_, stopped, failed = parsed(done.stdout)
    assert (stopped["event"], stopped["migration"]) == ("migration_stopped", "parcels.0003_wait")
    assert (failed["event"], failed["exit_code"]) == ("run_failed", 1)
    assert "the gate says no" in failed["error"] + failed["hint"]
    assert "CommandError" in done.stderr


def test_a_check_of_a_database_that_is_behind(database_url: str) -> None:
    done = run_manage("auto_migrate", "--check", "--format=json", database_url=database_url)
    assert done.returncode == 9
    compared, failed = parsed(done.stdout)
    assert (compared["event"], compared["state"]) == ("state_compared", "behind")
    assert "webhooks.0001_initial" in compared["pending"]
    assert (failed["event"], failed["exit_code"]) == ("run_failed", 9)
    assert "auto_migrate" in failed["hint"]


def test_a_check_of_a_database_that_is_up_to_date(migrated_url: str) -> None:
    done = run_manage("auto_migrate", "--check", "--format=json", database_url=migrated_url)
    assert (done.returncode, done.stderr) == (0, "")
    compared, found = parsed(done.stdout)
    assert (compared["state"], compared["pending"]) == ("up_to_date", [])
    assert (found["event"], found["state"]) == ("nothing_pending", "up_to_date")


def test_a_check_of_a_history_that_has_diverged(diverged_url: str) -> None:
    done = run_manage("auto_migrate", "--check", "--format=json", database_url=diverged_url)
    assert done.returncode == 7
    compared, failed = parsed(done.stdout)
    assert compared["state"] == "diverged"
    assert failed["exit_code"] == 7
    assert "auth.0001_initial" in failed["error"]


def test_a_check_names_what_is_pending_to_people_too(database_url: str) -> None:
    done = run_manage("auto_migrate", "--check", database_url=database_url)
    assert done.returncode == 9
    assert "  webhooks.0001_initial" in done.stdout.splitlines()
    assert "manage.py auto_migrate" in done.stderr


def test_a_check_warns_people_of_what_only_the_database_has(ahead_url: str) -> None:
    done = run_manage("auto_migrate", "--check", database_url=ahead_url)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "⚠️  The database is ahead of this release: it also has webhooks.0999_newer",
        "    If their files were deleted, and no newer release has them: manage.py migrate webhooks --prune",
        "✅ No migrations are pending: this release is older than the database.",
    ]


def test_waiting_for_the_database_is_told_as_well(migrated_url: str) -> None:
    done = run_manage("wait_for_db", "--format=json", database_url=migrated_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert kinds(parsed(done.stdout)) == ["wait_started", "database_ready"]


def test_a_database_that_never_comes_is_told_attempt_by_attempt() -> None:
    url = f"postgresql://shop:a-secret-word@127.0.0.1:{free_port()}/shop"
    done = run_manage("wait_for_db", "--format=json", "--max-attempts=2", "--retry-delay=0", database_url=url)
    assert done.returncode == 3
    lines = parsed(done.stdout)
    assert kinds(lines) == ["wait_started", "attempt_failed", "retry_scheduled", "attempt_failed", "run_failed"]
    assert lines[-1]["exit_code"] == 3
    assert "a-secret-word" not in done.stdout + done.stderr


@pytest.mark.django_db
def test_a_caller_within_python_gets_the_lines_on_the_stream_it_gave(capfd: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    call_command("auto_migrate", "--check", format="json", stdout=stream)
    assert kinds(parsed(stream.getvalue())) == ["state_compared", "nothing_pending"]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("package", ["auto_migrate", "webhooks"])
def test_every_command_has_it_but_those_of_others(package: str) -> None:
    names = [module.name for module in pkgutil.iter_modules([str(ROOT / package / "management/commands")])]
    assert names
    for name in set(names) - {"migrate", "migrate_schemas", "migrateschema"}:
        parser = load_command_class(package, name).create_parser("manage.py", name)
        [option] = [action for action in parser._actions if "--format" in action.option_strings]
        assert {"text", "json"} <= set(option.choices or ())


@pytest.mark.django_db
def test_standard_output_is_given_back_after_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError):
        call_command("auto_migrate", "--check", format="json", all_databases=True, databases=["default"])
    call_command("auto_migrate", "--check", format="json")
    print("after")  # noqa: T201 # this is what is tested
    *lines, last = capfd.readouterr().out.splitlines()
    assert kinds(parsed("\n".join(lines))) == ["state_compared", "nothing_pending"]
    assert last == "after"

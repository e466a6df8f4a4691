"""`wait_for_migrations` as a real process: it ends when nothing is pending that this code needs."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.scripts import read_until
from tests.integration.commands.processes import running
from tests.manage import run_manage
from tests.servers import PostgreSQL, Proxy, free_port

NOISY = "tests.projects.noisy.settings"


def test_it_returns_at_once_when_nothing_is_pending(migrated_url: str) -> None:
    done = run_manage("wait_for_migrations", database_url=migrated_url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "✅ No migrations are pending.\n", "")


def test_an_older_release_need_not_wait(ahead_url: str) -> None:
    done = run_manage("wait_for_migrations", database_url=ahead_url)
    assert done.returncode == 0
    assert done.stdout == "✅ No migrations are pending: this release is older than the database.\n"


def test_it_waits_until_another_process_has_migrated(database_url: str) -> None:
    with running("wait_for_migrations", database_url=database_url) as process:
        printed = read_until(process, "⏳")
        assert "nobody migrates" in printed
        assert run_manage("auto_migrate", database_url=database_url).returncode == 0
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert rest.endswith("✅ No migrations are pending.\n")


def test_it_says_who_migrates_and_which_migration_is_under_way(database_url: str, gate: Path) -> None:
    project: dict[str, Any] = {"settings": NOISY, "database_url": database_url, "env": {"GATE": str(gate)}}
    with running("auto_migrate", **project) as runner:
        read_until(runner, "Applying parcels.0002_talk")
        with running("wait_for_migrations", "--format=json", **project) as process:
            while (line := json.loads(read_until(process, "\n")))["pending"] != 1:
                pass
            assert line["event"] == "migrations_awaited"
            assert f":{runner.pid} " in line["holder"]["description"]
            assert line["holder"]["migration"] == "parcels.0003_wait"
            gate.touch()
            rest, _ = process.communicate(timeout=60)
        runner.communicate(timeout=60)
    assert (process.returncode, runner.returncode) == (0, 0)
    assert json.loads(rest.splitlines()[-1])["event"] == "nothing_pending"


def test_a_database_still_behind_after_the_timeout_is_exit_code_9(database_url: str) -> None:
    done = run_manage("wait_for_migrations", "--timeout=0", database_url=database_url)
    assert done.returncode == 9
    assert "⏳" in done.stdout
    assert "manage.py auto_migrate" in done.stderr


def test_a_database_still_away_after_the_timeout_is_exit_code_3() -> None:
    url = f"postgresql://shop:a-secret-word@127.0.0.1:{free_port()}/shop"
    done = run_manage("wait_for_migrations", "--timeout=0", database_url=url)
    assert done.returncode == 3
    assert "a-secret-word" not in done.stdout + done.stderr


def test_a_database_that_is_away_is_waited_for(postgresql: PostgreSQL, migrated_url: str) -> None:
    with Proxy(postgresql) as proxy:
        proxy.refuse()
        with running("wait_for_migrations", database_url=proxy.url(migrated_url)) as process:
            read_until(process, "⏳ Waiting for the database")
            proxy.accept()
            rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert rest.endswith("✅ No migrations are pending.\n")


def test_connections_cut_while_it_waits_are_made_again(postgresql: PostgreSQL, database_url: str) -> None:
    with (
        Proxy(postgresql) as proxy,
        running("wait_for_migrations", database_url=proxy.url(database_url)) as process,
    ):
        read_until(process, "⏳ Waiting for migrations")
        proxy.refuse()
        proxy.cut()
        read_until(process, "⏳ Waiting for the database")
        proxy.accept()
        read_until(process, "⏳ Waiting for migrations")
        assert run_manage("auto_migrate", database_url=database_url).returncode == 0
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_refused_password_ends_it_at_once(postgresql: PostgreSQL) -> None:
    done = run_manage("wait_for_migrations", database_url=postgresql.url(password="wrong-secret"))
    assert done.returncode == 4
    assert "⏳" not in done.stdout
    assert "wrong-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("phases", ["false", "true"])
def test_a_history_that_nobody_can_migrate_ends_it_at_once(diverged_url: str, phases: str) -> None:
    done = run_manage("wait_for_migrations", database_url=diverged_url, env={"AUTO_MIGRATE_PHASES": phases})
    assert done.returncode == 7
    assert "auth.0001_initial" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_code_8(database_url: str, number: signal.Signals) -> None:
    with running("wait_for_migrations", "--format=json", database_url=database_url) as process:
        read_until(process, "migrations_awaited")
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 8
    last = json.loads(rest.splitlines()[-1])
    assert (last["event"], last["waiting"]) == ("run_stopped", True)
    # There is nothing to go on with.
    assert "Run it again" not in errors


@pytest.mark.parametrize("timeout", ["-1", "nan", "soon"])
def test_a_timeout_that_means_nothing_is_a_usage_error(timeout: str) -> None:
    done = run_manage("wait_for_migrations", f"--timeout={timeout}", database_url="sqlite:////nowhere/db.sqlite3")
    assert done.returncode == 2
    assert timeout in done.stderr

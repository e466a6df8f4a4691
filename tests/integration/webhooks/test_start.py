"""Settings that would only fail once an SMS is due are refused by whichever process starts first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.manage import ROOT, environment, run_manage
from tests.programs import finish, start

REFUSED = {"SMS_TEMPLATE": "{nome}", "SMS_HOURS": "9-21"}
TOLD = [
    "SMS_TEMPLATE='{nome}' cannot be filled in",
    "Use {name}, {amount}, {link}",
    "SMS_HOURS='9-21'",
    "SMS_HOURS=09:00-21:00",
]
COMMANDS = {
    "pre_start": ["./pre_start.sh"],
    "web": [sys.executable, "-m", "gunicorn", "sms_sender.wsgi", "--no-control-socket"],
    "worker": [sys.executable, "-m", "celery", "-A", "sms_sender", "worker"],
    "beat": [sys.executable, "-m", "celery", "-A", "sms_sender", "beat"],
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_process_starts_with_settings_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    # A database that is there, without a table: what is refused is refused before anything is migrated.
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    env = environment(
        {"DATABASE_URL": url, "GUNICORN_CMD_ARGS": f"--bind unix:{tmp_path}/web", "WEB_CONCURRENCY": "1", **REFUSED}
    )
    done = finish(start(COMMANDS[name], env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    assert done.returncode == (3 if name == "web" else 2), done.stderr
    for told in TOLD:
        assert told in done.stderr
    assert "SystemExit" not in done.stderr
    assert (tmp_path / "db.sqlite3").stat().st_size == 0 if name == "pre_start" else True


def test_other_commands_are_not_in_the_way_of_mending_it(tmp_path: Path) -> None:
    done = run_manage(
        "makemigrations", "--check", "--skip-checks", database_url=f"sqlite:///{tmp_path}/db", env=REFUSED
    )
    assert done.returncode == 0, done.stderr

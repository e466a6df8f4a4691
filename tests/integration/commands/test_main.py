"""`python -m auto_migrate` as a real process: the commands of manage.py, without what a command does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.manage import environment, run_manage
from tests.programs import finish, start
from tests.servers import PostgreSQL, free_port

SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "heavy"]
LANGUAGE_CODE = "pt-br"
"""


def run_module(
    *arguments: str, database_url: str, cwd: Path, settings: str = "sms_sender.settings"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "auto_migrate", *arguments]
    env = environment({"DATABASE_URL": database_url}, settings=settings)
    return finish(start(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE))


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """Return the folder of a project that tells when its models are loaded."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").touch()
    (tmp_path / "heavy" / "models.py").write_text("raise SystemExit('the models were loaded')\n")
    (tmp_path / "heavy_settings.py").write_text(SETTINGS)
    return tmp_path


@pytest.mark.parametrize("database", ["there", "closed", "refusing"])
def test_wait_for_db_says_and_ends_as_with_manage(postgresql: PostgreSQL, tmp_path: Path, database: str) -> None:
    url = {
        "there": postgresql.url(),
        "closed": f"postgresql://postgres@127.0.0.1:{free_port()}/postgres",
        "refusing": postgresql.url(password="wrong"),
    }[database]
    options = ["wait_for_db", "--max-attempts=2", "--retry-delay=0"]
    ours = run_module(*options, database_url=url, cwd=tmp_path)
    theirs = run_manage(*options, database_url=url)
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert ours.returncode == {"there": 0, "closed": 3, "refusing": 4}[database]


def test_wait_for_db_loads_no_models_and_speaks_the_language_of_the_project(
    heavy: Path, postgresql: PostgreSQL
) -> None:
    done = run_module("wait_for_db", database_url=postgresql.url(), cwd=heavy, settings="heavy_settings")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("✅ Banco de dados está pronto!\n")
    done = run_module("auto_migrate", "--check", database_url=postgresql.url(), cwd=heavy, settings="heavy_settings")
    assert "the models were loaded" in done.stderr


def test_options_for_the_settings_are_heeded(heavy: Path, postgresql: PostgreSQL, tmp_path: Path) -> None:
    options = ["--settings=heavy_settings", f"--pythonpath={heavy}"]
    done = run_module("wait_for_db", *options, database_url=postgresql.url(), cwd=tmp_path.parent, settings="none")
    assert (done.returncode, done.stdout.count("✅")) == (0, 1)


def test_a_wrong_option_is_usage(postgresql: PostgreSQL, tmp_path: Path) -> None:
    done = run_module("wait_for_db", "--max-attempts=none", database_url=postgresql.url(), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m auto_migrate wait_for_db")


def test_other_commands_are_those_of_manage(postgresql: PostgreSQL, tmp_path: Path) -> None:
    done = run_module("showmigrations", "--list", database_url=postgresql.url(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "0001_initial" in done.stdout

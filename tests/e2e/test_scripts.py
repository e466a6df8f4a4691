"""`pre_start.sh` and `wait_for_db.sh` as real processes against real servers."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.scripts import read_until, run, started
from tests.manage import ROOT, run_manage, start_manage
from tests.requirements import GIT
from tests.servers import PostgreSQL

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = pytest.mark.parametrize("language", ["pt-br", "en"])
SCRIPTS = ["build.sh", "pre_start.sh", "wait_for_db.sh"]


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgreSQL]:
    """Serve a PostgreSQL of this module's own that is up to date."""
    with PostgreSQL() as server:
        assert run_manage("auto_migrate", database_url=server.url()).returncode == 0
        yield server


@pytest.fixture
def late(own_server: PostgreSQL) -> PostgreSQL:
    """Return a server that is up to date and does not run."""
    own_server.stop()
    return own_server


@LANGUAGES
def test_an_up_to_date_database_gives_the_success_log(migrated_url: str, language: str, tmp_path: Path) -> None:
    done = run("pre_start.sh", database_url=migrated_url, language=language, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (GOLDEN / f"success.{language}.txt").read_text("utf-8")


@LANGUAGES
def test_a_database_that_comes_after_the_first_attempt_gives_the_retry_log(late: PostgreSQL, language: str) -> None:
    options = ["auto_migrate", "--max-retries=5", "--retry-delay=3"]
    with start_manage(*options, database_url=late.url(), env={"LANGUAGE_CODE": language}) as process:
        printed = read_until(process, "⏳")
        late.start()
        rest, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert printed + rest == (GOLDEN / f"retry.{language}.txt").read_text("utf-8")


def test_pre_start_waits_for_a_late_database_and_succeeds(late: PostgreSQL, tmp_path: Path) -> None:
    with started("pre_start.sh", database_url=late.url(), cwd=tmp_path) as process:
        read_until(process, "⏳")
        late.start()
        rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "✅ Banco de dados está pronto!" in rest
    assert rest.endswith("🚀 Migrações concluídas! Aplicação pronta para iniciar...\n")


def test_a_database_that_never_comes_is_exit_code_3_after_all_tries(late: PostgreSQL, tmp_path: Path) -> None:
    done = run("wait_for_db.sh", "--max-attempts=3", "--retry-delay=0.1", database_url=late.url(), cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout.count("⚠️") == 3
    assert "✅" not in done.stdout
    assert f"127.0.0.1:{late.port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_password_is_exit_code_4_naming_role_and_host(postgresql: PostgreSQL, tmp_path: Path) -> None:
    done = run("wait_for_db.sh", database_url=postgresql.url(password="wrong-secret"), language="en", cwd=tmp_path)
    assert done.returncode == 4
    assert f"role postgres at 127.0.0.1:{postgresql.port}" in done.stderr
    assert "pg_hba.conf" in done.stderr
    assert "wrong-secret" not in done.stdout + done.stderr


def test_pre_start_stops_at_a_failed_wait_with_its_exit_code(postgresql: PostgreSQL, tmp_path: Path) -> None:
    done = run("pre_start.sh", database_url=postgresql.url(password="wrong"), cwd=tmp_path)
    assert done.returncode == 4
    assert done.stdout.splitlines() == [
        "🔄 Iniciando processo de migração automática...",
        "🔍 Verificando se o banco de dados está pronto...",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_pre_start_reaches_the_step_and_ends_it(
    late: PostgreSQL, tmp_path: Path, number: signal.Signals
) -> None:
    with started("pre_start.sh", database_url=late.url(), cwd=tmp_path) as process:
        read_until(process, "⏳")
        [step] = psutil.Process(process.pid).children()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=120)
    assert process.returncode == 8, errors
    assert not step.is_running()
    assert "🚀" not in rest


def test_the_scripts_are_executable_in_git() -> None:
    listing = [GIT.path("git"), "ls-files", "-s", *SCRIPTS]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["100755"] * len(SCRIPTS)
    assert all(os.access(ROOT / script, os.X_OK) for script in SCRIPTS)


def test_the_procfile_is_the_one_of_the_spec() -> None:
    assert (ROOT / "Procfile").read_text().splitlines() == [
        "release: ./pre_start.sh",
        "web: gunicorn sms_sender.wsgi --log-file -",
        "worker: celery -A sms_sender worker --loglevel=info",
        "beat: celery -A sms_sender beat --loglevel=info",
    ]

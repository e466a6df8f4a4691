"""`manage.py wait_for_db`: what it prints and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.commands.depot import depot
from tests.servers import PostgreSQL, free_port

SECRET = "a-password-nobody-may-see"
READY = "🔍 Checking whether the database is ready...\n✅ The database is ready!\n"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path}/depot.sqlite3"


@pytest.fixture(params=["database_url", "sqlite_url"])
def url(request: pytest.FixtureRequest) -> str:
    """Return an empty database of each vendor."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def closed_url() -> str:
    """Return the URL of a database where nobody listens."""
    return f"postgresql://ana:{SECRET}@127.0.0.1:{free_port()}/shop"


def test_a_database_that_is_there_is_found_at_once(url: str) -> None:
    done = depot("wait_for_db", url=url)
    assert (done.returncode, done.stdout, done.stderr) == (0, READY, "")


def test_each_database_is_waited_for_once(url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.sqlite3"
    names = ["--database=default", "--database=other", "--database=default"]
    done = depot("wait_for_db", *names, url=url, OTHER_DATABASE_URL=other)
    assert (done.returncode, done.stdout, done.stderr) == (0, READY * 2, "")


def test_it_says_so_in_the_language_of_the_project(url: str) -> None:
    done = depot("wait_for_db", url=url, language="pt-br")
    assert done.stdout == "🔍 Verificando se o banco de dados está pronto...\n✅ Banco de dados está pronto!\n"


def test_a_database_that_stays_away_is_exit_code_3_after_all_attempts(closed_url: str) -> None:
    done = depot("wait_for_db", "--max-attempts=3", "--retry-delay=0.1", url=closed_url)
    assert done.returncode == 3
    failed = "⚠️  Attempt {} failed: could not connect to server\n"
    pause = "⏳ Waiting 0.1s before the next attempt...\n"
    assert done.stdout == (
        "🔍 Checking whether the database is ready...\n"
        + failed.format(1) + pause + failed.format(2) + pause + failed.format(3)
    )  # fmt: skip
    address = closed_url.rpartition("@")[2].partition("/")[0]
    lines = done.stderr.splitlines()
    assert lines[0] == f"CommandError: could not connect to server (shop at {address})."
    assert lines[-1].startswith(f"Check that the database runs and that {address} is its address: DATABASES['default']")
    assert SECRET not in done.stdout + done.stderr


def test_verbosity_two_also_tells_what_the_driver_said(closed_url: str) -> None:
    done = depot("wait_for_db", "--max-attempts=1", "--verbosity=2", url=closed_url)
    assert done.returncode == 3
    assert "refused" in done.stdout.splitlines()[2]
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"password": SECRET}, "the credentials are refused"),
        ({"database": "nowhere"}, "the database does not exist"),
    ],
)
def test_a_database_that_refuses_for_good_is_exit_code_4_at_the_first_attempt(
    change: dict[str, str], reason: str, postgresql: PostgreSQL
) -> None:
    done = depot("wait_for_db", url=postgresql.url(**change))
    assert done.returncode == 4
    assert done.stdout == "🔍 Checking whether the database is ready...\n"
    assert done.stderr.startswith(f"CommandError: The database refuses for good: {reason} (role postgres at 127.0.0.1:")
    assert SECRET not in done.stderr


def test_a_file_whose_folder_is_missing_is_exit_code_4(tmp_path: Path) -> None:
    done = depot("wait_for_db", url=f"sqlite:///{tmp_path}/nowhere/depot.sqlite3")
    assert done.returncode == 4
    assert f"Make the folder of {tmp_path}/nowhere/depot.sqlite3" in done.stderr


def test_a_database_that_is_only_read_is_not_ready(database_url: str) -> None:
    done = depot(
        "wait_for_db", "--max-attempts=1",
        url=f"{database_url}?options=-c%20default_transaction_read_only%3Don",
    )  # fmt: skip
    assert done.returncode == 3
    assert "⚠️  Attempt 1 failed: the database is read-only" in done.stdout


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--max-attempts=0", "'0' is not allowed: a number of at least 1 is needed."),
        ("--max-attempts=many", "'many' is not a number."),
        ("--retry-delay=-1", "'-1' is not allowed: a number of at least 0 is needed."),
        ("--retry-delay=inf", "'inf' is not allowed: a number of at least 0 is needed."),
        ("--stable-for=1e300", "'1e300' is not allowed: a number of at most 1000000000 is needed."),
        ("--stable-for=-1", "'-1' is not allowed: a number of at least 0 is needed."),
        ("--stable-for=nan", "'nan' is not allowed: a number of at least 0 is needed."),
        ("--database=nowhere", "invalid choice: 'nowhere' (choose from 'default')"),
        ("--max-retries=3", "unrecognized arguments: --max-retries=3"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2(option: str, reason: str, sqlite_url: str) -> None:
    done = depot("wait_for_db", option, url=sqlite_url)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stdout == ""

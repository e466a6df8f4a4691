"""Django's `migrate`: unchanged, but under the deploy lock and in the history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.commands.depot import (
    GOODS,
    PLAN,
    deploy_lock,
    depot,
    migrated,
    query,
    recorded,
    runs,
    steps,
)
from tests.servers import PostgreSQL, free_port
from tests.snapshot import snapshot

SECRET = "a-password-nobody-may-see"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path}/depot.sqlite3"


@pytest.fixture(params=["database_url", "sqlite_url"])
def url(request: pytest.FixtureRequest) -> str:
    """Return an empty database of each vendor."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def stock_url(url: str, postgresql: PostgreSQL, tmp_path: Path) -> Iterator[str]:
    """Return another empty database of the same vendor, for Django's own command."""
    if url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/stock.sqlite3"
        return
    name = f"{url.rpartition('/')[2]}_stock"
    yield postgresql.create_database(name)
    postgresql.drop_database(name)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["goods"],
        ["goods", "0002"],
        ["--fake"],
        ["--plan"],
        ["--check"],
        ["--verbosity=0"],
        ["goods", "00"],
        ["crates"],
        ["goods", "0099"],
    ],
    ids=" ".join,
)
def test_it_prints_ends_and_records_as_djangos_own_does(arguments: list[str], url: str, stock_url: str) -> None:
    ours = depot("migrate", *arguments, url=url)
    stock = depot("migrate", *arguments, url=stock_url, STOCK="true")
    assert (ours.returncode, ours.stdout) == (stock.returncode, stock.stdout)
    assert ours.stderr == stock.stderr
    if stock.returncode == 0 and "--plan" not in arguments:
        assert recorded(url) == recorded(stock_url)


def test_it_leaves_the_schema_that_djangos_own_leaves(database_url: str, postgresql: PostgreSQL) -> None:
    name = database_url.rpartition("/")[2]
    stock = f"{name}_stock"
    try:
        assert depot("migrate", url=postgresql.create_database(stock), STOCK="true").returncode == 0
        assert depot("migrate", url=database_url).returncode == 0
        assert snapshot(postgresql, name).difference(snapshot(postgresql, stock)) == ""
    finally:
        postgresql.drop_database(stock)


def test_it_leaves_its_run_in_the_history(url: str) -> None:
    assert depot("migrate", url=url).returncode == 0
    assert runs(url) == [("migrate", "succeeded", 0, 6)]
    assert steps(url) == [(name, "applied") for name in PLAN]
    assert all(seconds > 0 for (seconds,) in query(url, "SELECT duration FROM auto_migrate_step"))


def test_going_back_is_in_the_history_too(url: str) -> None:
    assert depot("migrate", url=url).returncode == 0
    assert depot("migrate", "goods", "0002", url=url).returncode == 0
    assert runs(url)[1:] == [("migrate", "succeeded", 0, 2)]
    assert steps(url) == [(GOODS[3], "unapplied"), (GOODS[2], "unapplied")]


def test_what_is_faked_is_recorded_without_being_done(url: str) -> None:
    assert depot("migrate", "--fake", url=url).returncode == 0
    assert recorded(url) == GOODS
    assert steps(url) == [(name, "applied") for name in PLAN]
    tables = "information_schema.tables WHERE table_name" if url.startswith("postgres") else "sqlite_master WHERE name"
    assert query(url, f"SELECT * FROM {tables} = 'goods_crate'") == []


@pytest.mark.parametrize("question", ["--plan", "--check"])
def test_a_question_needs_no_lock_and_leaves_no_history(question: str, database_url: str) -> None:
    with deploy_lock(database_url):
        done = depot("migrate", question, url=database_url)
    assert done.returncode == (0 if question == "--plan" else 1)
    assert query(database_url, "SELECT tablename FROM pg_tables WHERE tablename LIKE 'auto_migrate%'") == []


def test_pruned_rows_are_gone_and_nothing_else_happened(url: str) -> None:
    migrated(url=url)
    query(url, "INSERT INTO django_migrations (app, name, applied) VALUES ('goods', '0000_gone', '2026-01-01')")
    history = runs(url)
    done = depot("migrate", "goods", "--prune", url=url)
    assert done.returncode == 0, done.stderr
    assert "Pruning goods.0000_gone OK" in done.stdout
    assert recorded(url) == GOODS
    assert runs(url) == history


@pytest.mark.parametrize("how", ["python", "sql"])
def test_a_migration_that_fails_is_in_the_history(how: str, url: str) -> None:
    done = depot("migrate", url=url, FAIL=how)
    assert done.returncode == 1
    assert ("no room for 3 crates" if how == "python" else "goods_missing") in done.stderr
    assert recorded(url) == GOODS[:3]
    assert runs(url) == [("migrate", "failed", 1, 6)]
    assert steps(url) == [*[(name, "applied") for name in PLAN[:-1]], (GOODS[3], "failed")]
    assert depot("migrate", url=url).returncode == 0
    assert runs(url)[1:] == [("migrate", "succeeded", 0, 1)]


def test_it_waits_for_another_runner_and_gives_up_in_time(database_url: str) -> None:
    with deploy_lock(database_url):
        done = depot("migrate", url=database_url, AUTO_MIGRATE_LOCK_WAIT="0")
    assert done.returncode == 5
    assert "CommandError: The deploy lock was not had in 0s; a runner (pid " in done.stderr
    assert query(database_url, "SELECT tablename FROM pg_tables WHERE tablename LIKE 'goods%'") == []


def test_an_alias_that_does_not_exist_is_exit_code_2(url: str) -> None:
    done = depot("migrate", "--database=nowhere", url=url)
    assert done.returncode == 2
    assert "nowhere" in done.stderr


def test_a_database_that_is_away_is_exit_code_3() -> None:
    done = depot("migrate", url=f"postgresql://ana:{SECRET}@127.0.0.1:{free_port()}/shop")
    assert done.returncode == 3
    assert "could not connect to server" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_no_migration_writes_a_translated_text(url: str) -> None:
    assert depot("migrate", url=url, language="pt-br").returncode == 0
    assert query(url, "SELECT label FROM goods_crate ORDER BY id") == [("Yes",), ("None",)]

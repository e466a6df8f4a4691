"""Whole runs on MariaDB, as processes: they take turns, survive each other's death, and give up at the right things."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.manage import run_manage, start_manage
from tests.requirements import MYSQLCLIENT, need
from tests.servers import MariaDB, Proxy, free_port
from tools.servers import wait_until

SETTINGS = "tests.projects.visits.settings"
TIMEOUT = 120


def start(url: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """Start a runner."""
    return start_manage("auto_migrate", *arguments, database_url=url, settings=SETTINGS, env=env)


def run(url: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run to the end, without a pause before the second attempt."""
    return run_manage("auto_migrate", "--retry-delay=0", *arguments, database_url=url, settings=SETTINGS, env=env)


def line(runner: subprocess.Popen[str], part: str) -> str:
    """Read what a runner prints up to a line that holds `part`."""
    assert runner.stdout
    seen = []
    for printed in runner.stdout:
        seen.append(printed)
        if part in printed:
            return printed
    raise AssertionError(f"{part!r} was never printed:\n{''.join(seen)}")


@contextlib.contextmanager
def finishing(runner: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Kill a runner that the block leaves running."""
    with runner:
        try:
            yield runner
        finally:
            if runner.poll() is None:
                runner.kill()


class Database:
    """One database, looked at from outside."""

    def __init__(self, server: MariaDB, url: str) -> None:
        self.server = server
        self.name = url.rpartition("/")[2]

    def ask(self, statement: str) -> list[list[str]]:
        return self.server.execute(statement, database=self.name)

    def counted(self) -> list[list[str]]:
        return self.ask("SELECT count FROM visits_counter")

    def recorded(self) -> int:
        return len(self.ask("SELECT id FROM django_migrations"))

    def sessions(self, statement: str) -> list[str]:
        """Return the numbers of the sessions at work on a statement that begins so."""
        where = f"db = '{self.name}' AND info LIKE '{statement}%'"
        return [number for (number,) in self.ask(f"SELECT id FROM information_schema.processlist WHERE {where}")]

    def kill(self, statement: str) -> None:
        """End the sessions at work on a statement that begins so."""
        for number in self.sessions(statement):
            self.server.execute(f"KILL {number}")

    def await_statement(self, statement: str) -> None:
        """Wait until a session is at work on it."""
        wait_until(lambda: bool(self.sessions(statement)), timeout=60, message=lambda: f"{statement} was not sent.")


@pytest.fixture
def database(mariadb: MariaDB, mariadb_url: str) -> Database:
    return Database(mariadb, mariadb_url)


HOLD = "SELECT SLEEP(600)"


def test_two_runners_at_once_apply_once(database: Database, mariadb_url: str) -> None:
    runners = [start(mariadb_url) for _ in range(2)]
    printed = [runner.communicate(timeout=TIMEOUT) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], printed
    assert sum("Applying visits.0002_count... OK" in stdout for stdout, _ in printed) == 1
    assert database.counted() == [["1"]]
    assert database.recorded() == 4
    again = run(mariadb_url)
    assert again.returncode == 0
    assert "No migrations to apply." in again.stdout


def test_a_waiter_says_who_holds_the_lock_and_gives_up_in_time(database: Database, mariadb_url: str) -> None:
    with finishing(start(mariadb_url, HOLD=HOLD)):
        database.await_statement(HOLD)
        waiter = run(mariadb_url, "--lock-wait=0")
    assert waiter.returncode == 5
    assert "held by tester@127.0.0.1" in waiter.stdout
    assert "on visits.0003_hold" in waiter.stdout


def test_a_killed_holder_frees_the_lock(database: Database, mariadb_url: str) -> None:
    with finishing(start(mariadb_url, HOLD=HOLD)) as holder:
        database.await_statement(HOLD)
        with finishing(start(mariadb_url)) as waiter:
            line(waiter, "Waiting for the deploy lock")
            holder.kill()
            stdout, stderr = waiter.communicate(timeout=TIMEOUT)
    assert waiter.returncode == 0, stderr
    assert "Applying visits.0003_hold... OK" in stdout
    assert "0002_count" not in stdout
    assert database.counted() == [["1"]]


@contextlib.contextmanager
def row_in_use(database: Database) -> Iterator[None]:
    """Keep the counter locked until the session is killed."""
    script = f"START TRANSACTION; SELECT * FROM visits_counter FOR UPDATE; {HOLD};"
    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(database.ask, script)
        database.await_statement(HOLD)
        try:
            yield
        finally:
            database.kill(HOLD)
            ended.exception()


def test_the_statement_that_a_killed_runner_left_behind_is_waited_for(database: Database, mariadb_url: str) -> None:
    """The server carries it to its end, and the deploy lock alone is free long before."""
    assert run(mariadb_url, "visits", "0002").returncode == 0
    work = "UPDATE visits_counter SET count = 7"
    with (
        row_in_use(database),
        finishing(start(mariadb_url, HOLD=work, AUTO_MIGRATE_LOCK_TIMEOUT_CEILING="600")) as dead,
    ):
        database.await_statement(work)
        dead.kill()
        dead.wait()
        with finishing(start(mariadb_url)) as following:
            told = line(following, "Waiting for the deploy lock")
            assert database.sessions(work)
            database.kill(HOLD)
            stdout, stderr = following.communicate(timeout=TIMEOUT)
    assert "a statement that a runner left behind" in told
    assert following.returncode == 0, stderr
    assert "Applying visits.0003_hold... OK" in stdout
    assert database.counted() == [["1"]]


def test_a_wrong_password_ends_the_run_at_once(mariadb_url: str) -> None:
    refused = run(mariadb_url.replace("tester:tester", "tester:wrong"))
    assert refused.returncode == 4
    assert "the credentials are refused" in refused.stderr
    assert "wrong" not in refused.stderr + refused.stdout
    assert "2/5" not in refused.stdout


def test_an_unknown_database_ends_the_run_at_once(mariadb: MariaDB) -> None:
    refused = run(mariadb.url("nowhere"))
    assert refused.returncode == 4
    assert "Create the database nowhere" in refused.stderr


def test_a_refused_connection_is_tried_again_to_the_last_attempt() -> None:
    need(MYSQLCLIENT)
    unreachable = run(f"mysql://tester:tester@127.0.0.1:{free_port()}/nowhere", "--max-retries=3")
    assert unreachable.returncode == 3
    assert "3/3" in unreachable.stdout
    assert "could not connect to server" in unreachable.stderr


def test_a_full_server_is_tried_again_until_it_has_room(database: Database, mariadb_url: str) -> None:
    # One connection is to migrate and one to hold the lock.
    database.server.create_user("guest", "guest", options="WITH MAX_USER_CONNECTIONS 1", owns=database.name)
    url = mariadb_url.replace("tester:tester", "guest:guest")
    with finishing(start(url, "--retry-delay=1", "--max-retries=60")) as runner:
        told = line(runner, "Attempt 1 failed")
        database.ask("ALTER USER guest@'127.0.0.1' WITH MAX_USER_CONNECTIONS 5")
        _, stderr = runner.communicate(timeout=TIMEOUT)
    database.ask("DROP USER guest@'127.0.0.1'")
    assert "no connection to spare" in told
    assert runner.returncode == 0, stderr
    assert database.counted() == [["1"]]


def test_a_connection_that_is_cut_starts_the_next_attempt(database: Database, mariadb_url: str) -> None:
    with (
        Proxy(database.server) as proxy,
        finishing(start(proxy.url(mariadb_url), "--retry-delay=0", HOLD="DO SLEEP(2)")) as runner,
    ):
        database.await_statement("DO SLEEP")
        proxy.cut()
        stdout, stderr = runner.communicate(timeout=TIMEOUT)
    assert runner.returncode == 0, stderr
    assert "Attempt 1 failed: the connection was lost" in stdout
    assert database.counted() == [["1"]]
    assert database.recorded() == 4


@pytest.mark.parametrize("options", [["visits", "0001"], ["visits", "zero"]])
def test_a_plan_runs_backwards_under_the_lock(database: Database, mariadb_url: str, options: list[str]) -> None:
    assert run(mariadb_url).returncode == 0
    losses = ["--acknowledge=AM301:visits.0004_note", "--acknowledge=AM302:visits.0001_initial"]
    assert run(mariadb_url, *options).returncode == 6
    back = run(mariadb_url, *options, *losses)
    assert back.returncode == 0, back.stderr
    assert database.recorded() == (1 if options[1] == "0001" else 0)


def test_django_s_migrate_takes_the_same_turn(database: Database, mariadb_url: str) -> None:
    options: dict[str, Any] = {"database_url": mariadb_url, "settings": SETTINGS}
    with finishing(start_manage("migrate", env={"HOLD": HOLD}, **options)):
        database.await_statement(HOLD)
        assert run(mariadb_url, "--lock-wait=0").returncode == 5

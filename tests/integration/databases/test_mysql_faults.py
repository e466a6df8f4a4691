"""What MariaDB says when something is wrong, as the driver passes it on, and what a deploy makes of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.transaction import atomic

from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.mysql.adapter import MySQL
from auto_migrate.exceptions import DatabaseRefused, TransientError
from tests.integration.databases.aliases import alias
from tests.servers import MariaDB, free_port


def refusal(url: str, **settings: Any) -> DatabaseRefused:
    """Try to connect, and return the refusal."""
    with alias("refused", url, **settings) as name, pytest.raises(DatabaseRefused) as refused:
        MySQL(name).prepare()
    return refused.value


def passing_fault(url: str, **settings: Any) -> TransientError:
    """Try to connect, and return what passes by itself."""
    with alias("passing", url, **settings) as name, pytest.raises(TransientError) as passing:
        MySQL(name).prepare()
    return passing.value


def test_a_wrong_password_is_refused_without_being_told(maria: MySQL, mariadb_url: str) -> None:
    refused = refusal(mariadb_url, PASSWORD="not-the-word")
    assert "the credentials are refused" in refused.message
    assert "(1045)" in refused.hint
    assert "not-the-word" not in str(refused)


def test_an_unknown_database_is_refused(maria: MySQL, mariadb: MariaDB) -> None:
    assert "the database does not exist" in refusal(mariadb.url("nowhere")).message


@pytest.mark.parametrize(
    ("account", "settings", "reason"),
    [
        ("ACCOUNT LOCK", {}, "the credentials are refused"),
        ("REQUIRE X509", {}, "the credentials are refused"),
        ("", {}, "the role lacks a permission"),
        ("", {"OPTIONS": {"ssl_mode": "VERIFY_CA", "ssl": {"ca": "/missing.pem"}}}, "the TLS settings"),
        ("", {"OPTIONS": {"ssl_mode": "MAYBE"}}, "make no sense"),
        ("", {"OPTIONS": {"colour": "blue"}}, "make no sense"),
        ("", {"OPTIONS": {"connect_timeout": "10"}}, "make no sense"),
        ("", {"OPTIONS": {"isolation_level": "high"}}, "make no sense"),
        ("", {"PORT": "mysql"}, "make no sense"),
    ],
)
def test_what_somebody_has_to_mend_is_refused(
    maria: MySQL, mariadb: MariaDB, account: str, settings: dict[str, Any], reason: str
) -> None:
    url = mariadb.url(maria.address.name)
    mariadb.create_user("stranger", "s", options=account)
    assert reason in refusal(url, USER="stranger", PASSWORD="s", **settings).message
    mariadb.execute("DROP USER stranger@'127.0.0.1'")


@pytest.mark.parametrize("settings", [{"PORT": free_port()}, {"HOST": "no-such-host.invalid"}, {"HOST": "/no.sock"}])
def test_a_server_that_is_not_there_may_come(maria: MySQL, mariadb_url: str, settings: dict[str, Any]) -> None:
    assert passing_fault(mariadb_url, **settings).reason == FaultKind.UNREACHABLE.value


def test_a_server_that_is_full_may_have_room_later(own_mariadb: MariaDB) -> None:
    url = own_mariadb.create_database("full")
    own_mariadb.create_user("plain", "p", owns="full")
    own_mariadb.execute("SET GLOBAL max_connections = 10")
    import MySQLdb

    plain = {"USER": "plain", "PASSWORD": "p"}
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            guest = MySQLdb.connect(host="127.0.0.1", port=own_mariadb.port, user="plain", password="p")
            stack.callback(guest.close)
        full = passing_fault(url, **plain)
    assert full.reason == FaultKind.TOO_MANY_CONNECTIONS.value
    assert "(1040)" in full.detail


def test_an_account_with_too_many_connections_may_have_room_later(
    maria: MySQL, mariadb: MariaDB, mariadb_url: str
) -> None:
    name = maria.address.name
    mariadb.create_user("narrow", "n", options="WITH MAX_USER_CONNECTIONS 1", owns=name)
    narrow = {"USER": "narrow", "PASSWORD": "n"}
    with alias("only", mariadb_url, **narrow) as only:
        MySQL(only).prepare()
        assert passing_fault(mariadb_url, **narrow).reason == FaultKind.TOO_MANY_CONNECTIONS.value
    mariadb.execute("DROP USER narrow@'127.0.0.1'")


def test_a_read_only_server_is_waited_for_even_by_who_could_write(own_mariadb: MariaDB) -> None:
    url = own_mariadb.create_database("standby")
    own_mariadb.create_user("plain", "p", owns="standby")
    own_mariadb.execute("SET GLOBAL read_only = ON")
    assert passing_fault(url).detail == "read_only"
    with alias("plain", url, USER="plain", PASSWORD="p") as name:
        assert kind_of(MySQL(name), "CREATE TABLE made (id INT)") is FaultKind.READ_ONLY
    own_mariadb.execute("SET GLOBAL read_only = OFF")
    with alias("plain", url) as name:
        MySQL(name).prepare()


def kind_of(database: MySQL, *statements: str) -> FaultKind | None:
    """Return what the error of the last statement means."""
    with database.connection.cursor() as cursor:
        for statement in statements[:-1]:
            cursor.execute(statement)
        with pytest.raises(OperationalError) as raised:
            cursor.execute(statements[-1])
    fault = database.fault_of(raised.value)
    return fault.kind if fault else None


def test_a_read_only_transaction_cannot_write(maria: MySQL) -> None:
    assert kind_of(maria, "SET SESSION TRANSACTION READ ONLY", "CREATE TABLE made (id INT)") is FaultKind.READ_ONLY


def test_a_statement_that_makes_no_sense_is_not_the_database_s_fault(maria: MySQL) -> None:
    assert kind_of(maria, "CREATE TABLE made (id INT)", "ALTER TABLE made DROP COLUMN other") is None


def test_a_killed_session_is_a_lost_connection(maria: MySQL, mariadb: MariaDB) -> None:
    with maria.connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        mariadb.execute(f"KILL {cursor.fetchone()[0]}")
    assert kind_of(maria, "SELECT 1") is FaultKind.CONNECTION_LOST
    maria.discard_connection()
    maria.prepare()


def test_a_stopped_server_is_a_lost_connection_and_then_unreachable(own_mariadb: MariaDB) -> None:
    url = own_mariadb.create_database("stopped")
    with alias("stopped", url) as name:
        database = MySQL(name)
        database.prepare()
        own_mariadb.stop()
        assert kind_of(database, "SELECT 1") is FaultKind.CONNECTION_LOST
        database.discard_connection()
        assert passing_fault(url).reason == FaultKind.UNREACHABLE.value
        own_mariadb.start()
        database.prepare()


@pytest.fixture
def rows(maria: MySQL, mariadb_url: str) -> Iterator[str]:
    """Return a second way to a table of two rows."""
    with maria.connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pairs (id INT PRIMARY KEY, n INT)")
        cursor.execute("INSERT INTO pairs VALUES (1, 0), (2, 0)")
    with alias("second", mariadb_url) as name:
        yield name


UPDATE = "UPDATE pairs SET n = n + 1 WHERE id = %s"


def test_a_row_that_is_locked_is_contention(maria: MySQL, rows: str) -> None:
    with atomic(using=rows), connections[rows].cursor() as cursor:
        cursor.execute(UPDATE, [1])
        assert kind_of(maria, "SET SESSION innodb_lock_wait_timeout = 1", UPDATE % 1) is FaultKind.LOCK_TIMEOUT


def test_a_deadlock_is_contention(maria: MySQL, rows: str, mariadb_url: str) -> None:
    """Each waits for the other's row; the server picks one of them."""
    found: list[FaultKind | None] = []

    def lock(database: MySQL, first: int, second: int, ready: threading.Barrier) -> None:
        try:
            with atomic(using=database.alias), database.connection.cursor() as cursor:
                cursor.execute(UPDATE, [first])
                ready.wait()
                cursor.execute(UPDATE, [second])
        except OperationalError as error:
            fault = database.fault_of(error)
            found.append(fault.kind if fault else None)

    def elsewhere() -> None:
        with alias("third", mariadb_url) as name:
            lock(MySQL(name), 2, 1, ready)

    ready = threading.Barrier(2)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    lock(maria, 1, 2, ready)
    thread.join()
    assert found == [FaultKind.DEADLOCK]

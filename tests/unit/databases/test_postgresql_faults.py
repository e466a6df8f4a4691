"""What PostgreSQL's errors mean for a run, told by SQLSTATE; libpq's words only for what never reached a server."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from django.db import Error, InterfaceError, OperationalError, ProgrammingError

from auto_migrate.databases import adapter_for
from auto_migrate.databases.faults import HINTS, PERMANENT, Fault, FaultKind, causes, first_line
from auto_migrate.databases.postgresql.sqlstates import KINDS
from auto_migrate.exceptions import DatabaseRefused, DatabaseUnreachable, MigrationFailed, TransientError

CODES = [
    ("08006", FaultKind.CONNECTION_LOST, True),
    ("08P01", FaultKind.CONNECTION_LOST, True),
    ("25006", FaultKind.READ_ONLY, True),
    ("25P03", FaultKind.CONNECTION_LOST, True),
    ("25P04", FaultKind.CONNECTION_LOST, True),
    ("28P01", FaultKind.CREDENTIALS, False),
    ("28000", FaultKind.CREDENTIALS, False),
    ("3D000", FaultKind.NO_DATABASE, False),
    ("40001", FaultKind.DEADLOCK, True),
    ("40P01", FaultKind.DEADLOCK, True),
    ("42501", FaultKind.NO_PERMISSION, False),
    ("53300", FaultKind.TOO_MANY_CONNECTIONS, True),
    ("55P03", FaultKind.LOCK_TIMEOUT, True),
    ("57P01", FaultKind.CONNECTION_LOST, True),
    ("57P02", FaultKind.CONNECTION_LOST, True),
    ("57P03", FaultKind.STARTING, True),
    ("57P05", FaultKind.CONNECTION_LOST, True),
]
# About the statement, not about the database.
STATEMENTS = ["22012", "23505", "25P02", "42P01", "42P07", "42703", "57014", "P0001", "XX000"]
WORDS = [
    ("server does not support SSL, but SSL was required", FaultKind.TLS),
    ('root certificate file "/nowhere" does not exist', FaultKind.TLS),
    ('invalid sslmode value: "sometimes"', FaultKind.TLS),
    ('invalid port number: "54321x"', FaultKind.BAD_ADDRESS),
    ('invalid integer value "soon" for connection option "connect_timeout"', FaultKind.BAD_ADDRESS),
    ('invalid connection option "hots"', FaultKind.BAD_ADDRESS),
    ('missing "=" after "shop" in connection info string', FaultKind.BAD_ADDRESS),
    ("password authentication of the role: no password supplied", FaultKind.CREDENTIALS),
    ('no pg_hba.conf entry for host "10.0.0.7"', FaultKind.CREDENTIALS),
    ('role "shop" does not exist', FaultKind.CREDENTIALS),
    ('role "shop" is not permitted to log in', FaultKind.CREDENTIALS),
    ('database "shop" does not exist', FaultKind.NO_DATABASE),
    ("the database system is starting up", FaultKind.STARTING),
    ("sorry, too many clients already", FaultKind.TOO_MANY_CONNECTIONS),
    ("remaining connection slots are reserved", FaultKind.TOO_MANY_CONNECTIONS),
    ("server closed the connection unexpectedly", FaultKind.CONNECTION_LOST),
    ("the connection is closed", FaultKind.CONNECTION_LOST),
    ("the connection is lost", FaultKind.CONNECTION_LOST),
    ("connection already closed", FaultKind.CONNECTION_LOST),
    ("could not receive data: Connection reset by peer", FaultKind.CONNECTION_LOST),
    ("Connection refused", FaultKind.UNREACHABLE),
    ('could not translate host name "db" to address: Name or service not known', FaultKind.UNREACHABLE),
    ("connection timeout expired", FaultKind.UNREACHABLE),
]


class Psycopg(psycopg.Error):
    """An error as psycopg 3 gives it."""

    def __init__(self, text: str = "", *, sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class Psycopg2(psycopg.Error):
    """An error that names its code as psycopg2 does."""

    def __init__(self, text: str = "", *, pgcode: str | None = None) -> None:
        super().__init__(text)
        self.pgcode = pgcode


def wrapped(driver: Exception, kind: type[Error] = OperationalError) -> Error:
    """Return the error that Django makes of a driver's."""
    try:
        raise kind(str(driver)) from driver
    except Error as error:
        return error


def fault(error: BaseException) -> Fault | None:
    return adapter_for("default").fault_of(error)


@pytest.mark.parametrize(("code", "kind", "passing"), CODES)
def test_a_sqlstate_tells_the_fault_whatever_the_driver_says(code: str, kind: FaultKind, passing: bool) -> None:
    for driver in (Psycopg("палата\n  номер 6", sqlstate=code), Psycopg2("палата\n  номер 6", pgcode=code)):
        assert fault(wrapped(driver)) == Fault(kind, "палата номер 6")
        assert fault(driver) == Fault(kind, "палата номер 6")
    assert kind.transient is passing


def test_every_code_is_tried_here() -> None:
    tried = {code for code, _kind, _passing in CODES}
    assert all(code in tried or any(other.startswith(code) for other in tried) for code in KINDS)


@pytest.mark.parametrize("code", STATEMENTS)
@pytest.mark.parametrize("kind", [OperationalError, ProgrammingError])
def test_other_codes_are_about_the_statement(code: str, kind: type[Error]) -> None:
    assert fault(wrapped(Psycopg("connection closed", sqlstate=code), kind)) is None


@pytest.mark.parametrize(("words", "kind"), WORDS)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_code_libpqs_words_tell_the_fault(words: str, kind: FaultKind, error: type[Error]) -> None:
    assert fault(wrapped(Psycopg(words), error)) == Fault(kind, words)


@pytest.mark.parametrize("error", [ProgrammingError("connection closed"), ValueError("connection closed")])
def test_an_error_that_is_no_operational_one_is_not_read_for_words(error: Exception) -> None:
    assert fault(error) is None


def test_the_outermost_code_counts() -> None:
    inner = Psycopg("lost", sqlstate="57P01")
    outer = Psycopg("no such table", sqlstate="42P01")
    outer.__context__ = inner
    assert fault(wrapped(outer)) is None


def test_an_error_that_is_its_own_cause_has_an_end() -> None:
    error = Psycopg("Connection refused")
    error.__cause__ = error
    assert list(causes(error)) == [error]
    assert fault(wrapped(error)) == Fault(FaultKind.UNREACHABLE, "Connection refused")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_an_error_of_another_database_says_nothing_of_this_one(error: type[Error]) -> None:
    assert fault(wrapped(sqlite3.OperationalError("no such table: prices"), error)) is None
    assert fault(error("connection already closed")) is None


def test_a_code_that_another_driver_gives_says_nothing_of_this_one() -> None:
    other = sqlite3.OperationalError("lost")
    other.sqlstate = "57P01"  # type: ignore[attr-defined] # as another driver may name it
    assert fault(wrapped(other)) is None


def test_a_suppressed_context_is_no_cause() -> None:
    error, before = ValueError("after"), ValueError("before")
    error.__context__ = before
    assert list(causes(error)) == [error, before]
    error.__suppress_context__ = True
    assert list(causes(error)) == [error]


def test_a_drivers_text_is_told_on_one_line() -> None:
    assert first_line(ValueError(" first\n\n\tsecond ")) == "first second"


def test_what_is_permanent_has_a_hint() -> None:
    assert set(HINTS) >= PERMANENT


@pytest.mark.parametrize("kind", FaultKind)
def test_a_fault_is_told_with_its_address_and_without_a_password(kind: FaultKind) -> None:
    database = adapter_for("default")
    address = database.address
    password = str(database.connection.settings_dict["PASSWORD"])
    told = database.explain(Fault(kind, "the driver's words"))
    if kind.transient:
        assert isinstance(told, TransientError)
        assert (told.reason, told.detail) == (kind.value, "the driver's words")
    else:
        assert isinstance(told, DatabaseRefused)
        assert kind.value in told.message
        assert f"{address.role} at {address.host}, database {address.name}" in told.message
        assert told.hint.endswith("\nthe driver's words")
        assert "{" not in str(told)
        assert f":{password}@" not in str(told)


def test_the_fault_of_the_last_attempt_ends_the_run() -> None:
    database = adapter_for("default")
    away = database.exhausted(TransientError("could not connect to server", detail="Connection refused"))
    assert isinstance(away, DatabaseUnreachable)
    assert away.message == f"could not connect to server ({database.address.name} at {database.address.host})."
    assert away.hint.startswith("Connection refused\nCheck that the database runs and that ")
    busy = database.exhausted(TransientError("a lock was not had in time", contention=True))
    assert isinstance(busy, MigrationFailed)
    assert busy.message == "The migration found no quiet moment: a lock was not had in time."

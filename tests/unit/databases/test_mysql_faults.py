"""What the driver's errors mean, by number; those of a real server are in tests/integration/databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.transaction import TransactionManagementError

from auto_migrate.databases.faults import Fault, FaultKind
from auto_migrate.databases.mysql.adapter import KINDS, MySQL, driver_fault
from tests.integration.databases.aliases import alias
from tests.requirements import MYSQLCLIENT, need


@pytest.fixture
def database() -> Iterator[MySQL]:
    need(MYSQLCLIENT)
    with alias("elsewhere", "mysql://role:secret@db.example:3306/shop") as name:
        yield MySQL(name)


@pytest.mark.parametrize("number", [1040, 1053, 1203, 1205, 1213, 1836, 1927, 2002, 2003, 2005, 2006, 2013, 4031])
def test_what_passes_by_itself_is_tried_again(number: int) -> None:
    assert KINDS[number].transient


@pytest.mark.parametrize("number", [1044, 1045, 1049, 1130, 1698, 2026, 2061, 3118, 3159, 4151])
def test_what_somebody_has_to_mend_is_not_tried_again(number: int) -> None:
    assert not KINDS[number].transient


def test_an_error_about_the_statement_is_no_fault_of_the_database(database: MySQL) -> None:
    assert database.fault_of(DatabaseError(1060, "Duplicate column name 'note'")) is None
    assert database.fault_of(ValueError(1045)) is None


@pytest.mark.parametrize(
    ("number", "text", "kind"),
    [
        (
            1290,
            "The MySQL server is running with the --super-read-only option so it cannot execute",
            FaultKind.READ_ONLY,
        ),
        (1290, "The MySQL server is running with the --secure-file-priv option so it cannot execute", None),
        (1047, "WSREP has not yet prepared node for application use", FaultKind.STARTING),
        (1047, "Unknown command", None),
        (2026, "TLS/SSL error: SSL is required, but the server does not support it", FaultKind.TLS),
        (2026, "TLS/SSL error: unexpected eof while reading", FaultKind.CONNECTION_LOST),
        (2026, "TLS/SSL error: Connection reset by peer (104)", FaultKind.CONNECTION_LOST),
    ],
)
def test_a_number_with_several_meanings_is_told_by_the_text(number: int, text: str, kind: FaultKind | None) -> None:
    fault = driver_fault(number, text)
    assert (fault and fault.kind) is kind


def test_the_driver_s_own_errors_are_understood_without_django_s_around_them(database: MySQL) -> None:
    import MySQLdb

    fault = database.fault_of(MySQLdb.OperationalError(2006, "Server has gone away"))
    assert fault == Fault(FaultKind.CONNECTION_LOST, "Server has gone away (2006)")


def test_a_connection_closed_before_is_a_lost_one(database: MySQL) -> None:
    fault = database.fault_of(InterfaceError(0, ""))
    assert fault is not None
    assert fault.kind is FaultKind.CONNECTION_LOST


def test_a_broken_transaction_means_what_broke_it(database: MySQL) -> None:
    """Django refuses further statements and names the error that came first as the cause."""
    broken = TransactionManagementError("You can't execute queries until the end of the 'atomic' block.")
    broken.__cause__ = OperationalError(1213, "Deadlock found when trying to get lock")
    fault = database.fault_of(broken)
    assert fault is not None
    assert fault.kind is FaultKind.DEADLOCK


def test_no_hint_names_the_password_or_the_tools_of_another_vendor(database: MySQL) -> None:
    hints = [database.hint(kind) for kind in FaultKind]
    assert not [hint for hint in hints if "secret" in hint or "psql" in hint or "sslmode" in hint]

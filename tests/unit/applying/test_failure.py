"""What is told of a migration that raised."""

from __future__ import annotations

import contextlib
import inspect
import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import DataError, OperationalError, connection
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration

from auto_migrate.applying.failure import MAX_STATEMENT, failure
from auto_migrate.applying.operation_loop import Progress
from auto_migrate.databases import adapter_for
from auto_migrate.exceptions import AutoMigrateError, DatabaseRefused, MigrationFailed, TransientError


class Refusal(psycopg.Error):
    """A driver's error, as psycopg gives it."""

    def __init__(self, text: str, sqlstate: str) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class Fill(Migration):
    """Two operations."""

    operations = [ops.RunSQL("SELECT 1"), ops.RunPython(ops.RunPython.noop)]


class FillInBatches(Fill):
    """The same outside of any transaction."""

    atomic = False


def progress(index: int = 2, *, kind: type[Migration] = Fill, statement: str = "") -> Progress:
    """Return the progress of a migration that has come to one of its operations."""
    return Progress(kind("0007_fill", "billing"), index=index, statement=statement)


def told(error: Exception, at: Progress) -> AutoMigrateError | TransientError:
    return failure(adapter_for("default"), error, at)


def raised(work: Callable[[], Any]) -> Exception:
    """Return what a function raises, with its traceback."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 # whatever it is
        return error
    raise AssertionError("nothing was raised")


def refused(text: str, sqlstate: str, kind: type[Exception] = DataError) -> Exception:
    """Return Django's error around a driver's."""
    error = kind(text)
    error.__cause__ = Refusal(text, sqlstate)
    return error


def divide() -> float:
    return 1 / 0


def test_the_operation_is_told_with_its_number_and_the_error_with_its_kind() -> None:
    ended = told(raised(divide), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.message == (
        "Migration billing.0007_fill failed at operation 2 of 2, Raw Python operation: "
        "ZeroDivisionError: division by zero"
    )


def test_before_the_first_operation_only_the_migration_is_told() -> None:
    ended = told(raised(divide), progress(index=0))
    assert isinstance(ended, MigrationFailed)
    assert ended.message == "Migration billing.0007_fill failed: ZeroDivisionError: division by zero"


def test_the_place_is_the_line_of_the_projects_own_code() -> None:
    first = inspect.getsourcelines(divide)[1]
    ended = told(raised(divide), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.hint.splitlines()[0] == f"Raised at {__file__}:{first + 1}."


def test_the_place_is_where_the_project_called_what_raised() -> None:
    """Django's own frames are no place that anybody could mend."""

    def work() -> None:
        connection.ops.quote_name(5)  # type: ignore[arg-type]

    first = inspect.getsourcelines(work)[1]
    ended = told(raised(work), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.hint.splitlines()[0] == f"Raised at {__file__}:{first + 1}."


def test_an_error_that_no_code_of_the_project_raised_has_no_place() -> None:
    ended = told(ValueError("made and never raised"), progress())
    assert isinstance(ended, MigrationFailed)
    assert "Raised at" not in ended.hint


@pytest.mark.parametrize(("length", "kept"), [(10, 10), (MAX_STATEMENT, MAX_STATEMENT), (100_000, MAX_STATEMENT)])
def test_a_long_statement_is_shortened(length: int, kept: int) -> None:
    ended = told(ValueError("no"), progress(statement="x" * length))
    assert isinstance(ended, MigrationFailed)
    assert f"Last statement: {'x' * kept}\n" in ended.hint


def test_without_a_statement_none_is_told() -> None:
    ended = told(ValueError("no"), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.hint.splitlines() == [
        "Nothing of it was kept; earlier migrations stay applied and recorded.",
        "Mend the migration and deploy again.",
    ]


def test_what_is_not_atomic_may_have_left_something() -> None:
    ended = told(ValueError("no"), progress(kind=FillInBatches))
    assert isinstance(ended, MigrationFailed)
    assert ended.hint.splitlines()[0] == "It is not atomic: what came before the failing operation was kept."


def test_an_error_of_many_lines_is_told_on_one() -> None:
    ended = told(ValueError("first\n  second\n"), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.message.endswith(": ValueError: first second")


def test_an_error_about_the_statement_is_a_failure() -> None:
    ended = told(refused('null value in column "total"', "23502"), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.message.endswith(': DataError: null value in column "total"')


def test_a_permission_that_lacks_is_a_failure_of_the_migration() -> None:
    ended = told(refused("permission denied for table invoice", "42501"), progress())
    assert isinstance(ended, MigrationFailed)
    assert ended.message.endswith(": DataError: permission denied for table invoice")


@pytest.mark.parametrize(
    ("sqlstate", "reason", "contention"),
    [
        ("40P01", "two transactions were in each other's way", True),
        ("55P03", "a lock was not had in time", True),
        ("57P01", "the connection was lost", False),
        ("25006", "the database is read-only (a standby, or a failover under way)", False),
    ],
)
def test_a_passing_fault_is_tried_again(sqlstate: str, reason: str, contention: bool) -> None:
    ended = told(refused("the driver's words", sqlstate, OperationalError), progress())
    assert isinstance(ended, TransientError)
    assert (ended.reason, ended.detail, ended.contention) == (reason, "the driver's words", contention)


@pytest.mark.parametrize("error", [TransientError("It rains."), DatabaseRefused("The door is shut.")])
def test_what_the_engine_raised_itself_is_passed_on(error: Exception) -> None:
    assert told(error, progress()) is error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused("canceling statement due to statement timeout", "57014"), "AUTO_MIGRATE_STATEMENT_TIMEOUT"),
        (refused("division by zero", "22012"), ""),
    ],
)
def test_a_known_error_is_told_with_what_to_look_at(error: Exception, words: str) -> None:
    ended = told(error, progress())
    assert isinstance(ended, MigrationFailed)
    advised = ended.hint.splitlines()[:-2]
    assert (len(advised) == 1 and words in advised[0]) if words else advised == []


@pytest.mark.parametrize(
    "error",
    [refused("could not extend file: No space left on device", "53100"), OperationalError(1114, "The table is full")],
)
def test_a_full_disk_is_no_fault_of_the_migration(error: Exception) -> None:
    ended = told(error, progress())
    assert isinstance(ended, MigrationFailed)
    assert "Make room there and deploy again." in ended.hint
    assert "Mend the migration" not in ended.hint


def test_what_is_there_already_is_told_with_what_records_it_on_every_server() -> None:
    errors: list[Exception] = [
        refused('relation "billing_invoice" already exists', "42P07"),
        refused('schema "billing" already exists', "42P06"),
        OperationalError(1050, "Table 'billing_invoice' already exists"),
    ]
    with contextlib.closing(sqlite3.connect(":memory:")) as lite:
        lite.execute("CREATE TABLE billing_invoice (id)")
        for again in ("CREATE TABLE billing_invoice (id)", "ALTER TABLE billing_invoice ADD COLUMN id"):
            with pytest.raises(sqlite3.OperationalError) as there:
                lite.execute(again)
            errors.append(there.value)
    for error in errors:
        ended = told(error, progress())
        assert isinstance(ended, MigrationFailed)
        adopt, fake, mend = ended.hint.splitlines()[-3:]
        assert adopt.endswith("manage.py auto_migrate --adopt --plan")
        assert fake.endswith("manage.py migrate --fake billing 0007_fill")
        assert mend == "Else mend the migration and deploy again."


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Refusal("lost", "08006")])
def test_what_is_no_error_of_the_database_is_a_failure_and_never_tried_again(error: BaseException) -> None:
    ended = failure(adapter_for("default"), error, progress(), left=isinstance(error, Refusal))
    assert isinstance(ended, MigrationFailed)
    assert type(error).__name__ in ended.message
    assert ("=redo" in ended.hint) is isinstance(error, Refusal)
    assert ("Nothing of it was kept" in ended.hint) is not isinstance(error, Refusal)


def test_the_statement_of_an_operation_before_is_not_told() -> None:
    at = progress(index=1)
    at.remember(lambda *_: None, "SELECT 1", None, False, {})
    at.enter(2)
    with at.aside():
        at.remember(lambda *_: None, "LOCK TABLE t", None, False, {})
    assert (at.statement, at.statements) == ("", 0)


def test_tidying_up_does_not_take_the_place_of_the_statement_that_raised() -> None:
    at = progress()
    at.remember(lambda *_: None, "SELECT 1", None, False, {})

    def work() -> None:
        with at.watched():
            at.remember(lambda *_: divide(), "SELECT 2", None, False, {})

    raised(work)
    at.remember(lambda *_: None, "SET foreign_keys", None, False, {})
    assert at.statement == "SELECT 2"


def test_what_a_project_catches_itself_is_not_the_end() -> None:
    at = progress()
    with at.watched():
        with contextlib.suppress(ZeroDivisionError):
            at.remember(lambda *_: divide(), "SELECT 1", None, False, {})
        at.remember(lambda *_: None, "SELECT 2", None, False, {})
    assert at.statement == "SELECT 2"

"""What a connected database adds to the reading of SQL, and that nothing depends on it."""

from __future__ import annotations

import contextlib

import pytest
from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.changes.change import (
    AddColumn,
    AlterType,
    Change,
    DataChange,
    Default,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropTable,
    OpaqueChange,
    Reindex,
    SetNotNull,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.statements import changes_of_sql

SCHEMA = """
    CREATE TABLE other (id integer PRIMARY KEY);
    CREATE TABLE t (
        code varchar(9) COLLATE "C" UNIQUE, note text, n integer NOT NULL DEFAULT 1,
        o integer CONSTRAINT t_o REFERENCES other, up integer REFERENCES t (code_number), code_number integer UNIQUE
    );
    CREATE INDEX t_note ON t (note);
    CREATE DOMAIN positive AS integer CHECK (value > 0);
    CREATE DOMAIN plain AS integer;
    CREATE FUNCTION steady() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1';
    CREATE FUNCTION busy() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
"""


@pytest.fixture
def live(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return a connection to a database with a few tables."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
    return connection


def read(live: BaseDatabaseWrapper, sql: str) -> Change:
    """Read a text that makes one change."""
    (change,) = changes_of_sql(sql, live, {"t": "shop.Thing"})
    return change


def test_an_index_is_told_with_its_table(live: BaseDatabaseWrapper) -> None:
    assert read(live, "DROP INDEX t_note") == DropIndex(table="t", model="shop.Thing", name="t_note")
    assert read(live, "REINDEX INDEX t_note") == Reindex(table="t", model="shop.Thing")


def test_a_column_is_told_as_it_was(live: BaseDatabaseWrapper) -> None:
    altered = read(live, "ALTER TABLE t ALTER code TYPE text")
    assert isinstance(altered, AlterType)
    assert (altered.old, altered.old_collation) == ("character varying(9)", '"C"')
    refused, dropped = (
        read(live, "ALTER TABLE t ALTER n SET NOT NULL"),
        read(live, "ALTER TABLE t ALTER n DROP DEFAULT"),
    )
    assert isinstance(refused, SetNotNull)
    assert refused.keeps_default
    assert isinstance(dropped, DropDefault)
    assert not dropped.null


def test_what_a_foreign_key_points_to_is_told(live: BaseDatabaseWrapper) -> None:
    table, column = read(live, "DROP TABLE t"), read(live, "ALTER TABLE t DROP o")
    assert isinstance(table, DropTable)
    assert table.references == ("other",)
    assert isinstance(column, DropColumn)
    assert column.references == "other"
    constraint = read(live, "ALTER TABLE t DROP CONSTRAINT t_o")
    assert isinstance(constraint, DropConstraint)
    assert (constraint.kind, constraint.columns) == (ConstraintKind.FOREIGN_KEY, ("o",))
    assert constraint.references == "other"


@pytest.mark.parametrize(
    ("written", "default", "constrained"),
    [
        ("integer DEFAULT steady()", Default.CONSTANT, False),
        ("integer DEFAULT busy()", Default.VOLATILE, False),
        ("positive", Default.NONE, True),
        ("plain", Default.NONE, False),
    ],
)
def test_a_new_column_is_judged_by_its_functions_and_its_domain(
    live: BaseDatabaseWrapper, written: str, default: Default, constrained: bool
) -> None:
    added = read(live, f"ALTER TABLE t ADD c {written}")
    assert isinstance(added, AddColumn)
    assert (added.default, added.constrained_domain) == (default, constrained)


def test_a_function_that_only_asks_is_nothing(live: BaseDatabaseWrapper) -> None:
    assert list(changes_of_sql("SELECT steady()", live, {})) == []
    assert isinstance(read(live, "SELECT busy()"), OpaqueChange)


@pytest.mark.parametrize(("condition", "bounded"), [("code = 'x'", True), ("note = 'x'", False)])
def test_a_condition_on_a_unique_column_is_a_bound(live: BaseDatabaseWrapper, condition: str, bounded: bool) -> None:
    written = read(live, f"UPDATE t SET n = 2 WHERE {condition}")
    assert isinstance(written, DataChange)
    assert written.bounded is bounded


def test_an_open_transaction_is_left_as_it_was(live: BaseDatabaseWrapper) -> None:
    with transaction.atomic(), live.cursor() as cursor:
        cursor.execute("INSERT INTO other VALUES (1)")
        assert read(live, "DROP INDEX t_note").table == "t"
        assert read(live, 'DROP INDEX "no.such.index.at.all"').table == ""
        cursor.execute("SELECT count(*) FROM other")
        assert cursor.fetchone() == (1,)


def test_a_transaction_that_failed_leaves_it_less_well_known(live: BaseDatabaseWrapper) -> None:
    with contextlib.suppress(DatabaseError), transaction.atomic():
        with contextlib.suppress(DatabaseError), live.cursor() as cursor:
            cursor.execute("SELECT nothing")
        assert read(live, "DROP INDEX t_note") == DropIndex(table="", name="t_note")

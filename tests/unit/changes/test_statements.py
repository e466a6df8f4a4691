"""What each statement is told to do, without any database to ask."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from auto_migrate.changes.change import (
    Change,
    DropTable,
    OpaqueChange,
)
from auto_migrate.changes.statements import changes_of_sql
from tests.unit.changes.sql_statements import (
    STATEMENTS,
    TABLES,
    T,
    read,
)


@pytest.mark.parametrize("sql", STATEMENTS)
def test_what_a_statement_does(sql: str) -> None:
    assert read(sql) == STATEMENTS[sql]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("ALTER TABLE t ADD", "syntax error"),
        ("SELECT 'a\0b'", "NUL"),
        ("SELECT '\ud800'", "surrogates"),
        ("DO $$ BEGIN nonsense; END $$", "syntax error"),
        ("DO $$ BEGIN EXECUTE format('DROP TABLE %I', 't'); END $$", "only when it runs"),
        ("DO LANGUAGE plpython3u $$ plpy.execute('DROP TABLE t') $$", "plpython3u"),
        ("SELECT create_hypertable('t', 'at')", "create_hypertable may do anything"),
        ("CALL tidy_up(1)", "tidy_up may do anything"),
        ("REASSIGN OWNED BY somebody TO shop", "ReassignOwnedStmt"),
        ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "nested too deep"),
    ],
)
def test_what_cannot_be_read_says_why(sql: str, reason: str) -> None:
    (change,) = read(sql)
    assert isinstance(change, OpaqueChange)
    assert reason in change.reason
    assert change.text
    assert len(change.text) <= 200


LONG = "a_name_that_is_longer_than_any_that_postgresql_keeps_as_it_was_written"


@pytest.mark.parametrize(
    ("sql", "attribute"),
    [
        (f"ALTER TABLE t ADD {LONG.upper()} integer", "column"),
        (f'CREATE INDEX "{LONG}" ON t (c)', "name"),
        (f"ALTER TABLE t RENAME TO {LONG}", "to"),
    ],
)
def test_a_name_is_told_as_it_was_written_although_the_parser_cuts_it(sql: str, attribute: str) -> None:
    (change,) = read(sql)
    assert getattr(change, attribute) == LONG


def test_one_bad_statement_hides_no_other() -> None:
    bad, good = read("SELEC 1; DROP TABLE t;")
    assert isinstance(bad, OpaqueChange)
    assert bad.text == "SELEC 1;"
    assert good == DropTable(**T)


@pytest.mark.parametrize("statement", ["CREATE INDEX CONCURRENTLY i ON t (c)", "VACUUM FULL t", "VACUUM t"])
def test_what_needs_no_transaction_is_marked_in_a_text_of_several(statement: str) -> None:
    (alone,) = read(statement)
    *_others, together = read(f"SET lock_timeout = 0; {statement}")
    assert (alone.together, together.together) == (False, True)


def test_without_the_parser_each_statement_is_one_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "pglast":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    changes = read("-- first\nDROP TABLE t; SELECT 1; -- last")
    assert [change.text for change in changes if isinstance(change, OpaqueChange) and "[sql]" in change.reason] == [
        "-- first DROP TABLE t;",
        "SELECT 1; -- last",
    ]
    assert read("-- nothing") == []


def test_the_sql_of_other_databases_is_not_read() -> None:
    from django.db.backends.sqlite3.base import DatabaseWrapper

    sqlite = DatabaseWrapper({**connections["default"].settings_dict, "NAME": ":memory:"})
    (change,) = changes_of_sql("DELETE FROM t", sqlite, TABLES)
    assert isinstance(change, OpaqueChange)
    assert "SQLite" in change.reason


WORDS = sorted({word for sql in STATEMENTS for word in sql.split()})


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
def test_no_text_makes_the_reader_fail(sql: str) -> None:
    assert all(isinstance(change, Change) for change in read(sql))


@given(st.sampled_from(sorted(STATEMENTS)), st.data())
def test_no_mutilated_statement_makes_the_reader_fail(sql: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sql)))
    end = data.draw(st.integers(start, len(sql)))
    put = data.draw(st.one_of(st.just(""), st.sampled_from(WORDS), st.text(max_size=3)))
    assert all(isinstance(change, Change) for change in read(sql[:start] + put + sql[end:]))


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER SYSTEM SET x = 'geheim'",
        "ALTER ROLE shop PASSWORD 'geheim' oops",
        "ALTER ROLE shop PASSWORD oops 'geheim'",
        "SELECT E'it\\'s', 'geheim' oops oops",
        "SELECT 'it''s geheim' oops oops",
        "-- it's\nSELECT 'geheim' oops oops",
        "SELECT $geheim$ geheim $geheim$ oops oops".replace("$geheim$", "$a$"),
        "SELECT 'geheim",
        "DO $$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', user, 'geheim'); END $$",
        "DO $$ BEGIN 'geheim' END $$",
        "DO LANGUAGE plpython3u 'geheim'",
    ],
)
def test_no_value_of_an_unread_statement_is_shown(sql: str) -> None:
    changes = read(sql)
    assert changes
    assert all(isinstance(change, OpaqueChange) for change in changes)
    assert "geheim" not in repr(changes)

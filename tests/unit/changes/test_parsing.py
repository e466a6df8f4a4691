"""Texts of any depth are read or said to be too deep, and end no process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auto_migrate.changes.change import OpaqueChange
from auto_migrate.changes.sql.parsing import DEEPEST, depth
from auto_migrate.workload.kinds import handed_over, is_of_release
from auto_migrate.workload.statement import RecordedStatement
from auto_migrate.workload.usage import usage_of
from tests.unit.changes.sql_statements import read

MANY = 4_000
DEEP = {
    "sum": "SELECT " + " + ".join(["1"] * MANY),
    "texts": "UPDATE t SET c = " + " || ".join(["'a'"] * MANY),
    "casts": "SELECT 1" + "::text" * MANY,
    "union": " UNION ALL ".join(["SELECT 1, 2"] * MANY),
    "joins": "SELECT 1 FROM t " + "CROSS JOIN t " * MANY,
    "within": "SELECT " + "(1 + " * MANY + "1" + ")" * MANY,
}


@pytest.mark.parametrize("sql", DEEP.values(), ids=DEEP)
def test_what_is_too_deep_is_said_to_be(sql: str) -> None:
    assert depth(sql) > DEEPEST
    [change] = read(sql)
    assert isinstance(change, OpaqueChange)
    assert change.reason == "it is nested too deep"
    assert usage_of(RecordedStatement(sql), lambda _table: None).guessed


def test_the_parser_by_itself_would_end_the_process() -> None:
    code = f"from pglast import parse_sql; parse_sql('SELECT ' + ' + '.join(['1'] * {MANY * 100}))"
    # From Python 3.14 on it ends in an error of its own.
    assert subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL).returncode != 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES " + ", ".join(["(-1, 'a' || 'b', 2 + 3)"] * MANY),
        "SELECT 1 WHERE " + " AND ".join(["c + 1 = 2"] * MANY),
        ";".join(["UPDATE t SET c = c + 1 WHERE id = 1"] * MANY),
        "SELECT '" + "1 + " * MANY + "'",
        "SELECT $$" + "1 + " * MANY + "$$",
    ],
)
def test_what_is_only_long_is_not_deep(sql: str) -> None:
    assert depth(sql) < 10


@pytest.mark.parametrize("text", ["DECLARE c " + "CURSOR " * MANY, "SELECT 1 " + "FROM ONLY a b WHERE " * MANY])
def test_no_text_takes_for_ever_to_be_looked_at(text: str) -> None:
    assert is_of_release(handed_over(text)) is text.startswith("SELECT")


def test_cursors_hand_their_queries_over() -> None:
    for options in ("CURSOR", "NO SCROLL CURSOR WITH HOLD", "BINARY INSENSITIVE SCROLL CURSOR WITHOUT HOLD"):
        assert handed_over(f'DECLARE "c" {options} FOR SELECT 1') == "SELECT 1"

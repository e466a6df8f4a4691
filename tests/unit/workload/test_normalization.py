"""Statements lose their values and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auto_migrate.workload.normalization import Normalized, normalized

# A statement, its parameters, and what is left.
CASES: list[tuple[str, Any, str]] = [
    ("SELECT a FROM t WHERE b = 'x''y' -- 'c'\n  LIMIT 21;", None, "SELECT a FROM t WHERE b = $1 LIMIT $2"),
    ("SELECT /* a /* b */ 'c' */ E'a\\'b', $q$ it's $q$, X'1F', 1.5e3", None, "SELECT $1, $2, $3, $4"),
    ("SELECT a FROM t WHERE b = %s AND c LIKE '50%%'", (1,), "SELECT a FROM t WHERE b = $1 AND c LIKE $2"),
    ("SELECT a % 2, 'b%' FROM t", None, "SELECT a % $1, $2 FROM t"),
    ("UPDATE t SET a = %(x)s, b = %(y)s, c = %(x)s", {"x": 1, "y": 2}, "UPDATE t SET a = $1, b = $2, c = $1"),
    ("SELECT a FROM t WHERE b IN (1, 2, 3) OR c = ANY(ARRAY['x', 'y'])", None,
     "SELECT a FROM t WHERE b IN ($1) OR c = ANY(ARRAY[$2])"),
    ("INSERT INTO t (a, b) VALUES (1, now()), (2, now()), (3, DEFAULT)", None,
     "INSERT INTO t (a, b) VALUES ($1, now()), ($2, DEFAULT)"),
    ('SELECT "a 1", "it\'s" FROM "t$" GROUP BY 1, 2 ORDER BY 2 DESC, 1', None,
     'SELECT "a 1", "it\'s" FROM "t$" GROUP BY 1, 2 ORDER BY 2 DESC, 1'),
    ("SELECT interval '1 day', date $1, x::interval '1'", None,
     "SELECT CAST($1 AS interval), CAST($2 AS date), x::interval $3"),
    ("SELECT char(4111111111111111), numeric(10, 41111111)", None, "SELECT char($1), numeric($2, $3)"),
    ("SELECT a::numeric(10, 2), CAST(b AS varchar(20))", None, "SELECT a::numeric(10, 2), CAST(b AS varchar(20))"),
    ("SELECT -1, a - 1, a - -1 FROM t1 WHERE b = -2", None, "SELECT $1, a - $2, a - $3 FROM t1 WHERE b = $4"),
    ("SELECT $2, $1, $2, 7", None, "SELECT $1, $2, $1, $3"),
    ("SELECT 'never closed; DROP TABLE t", None, "SELECT $1"),
    ("SELECT data -> 'key' ->> 0, a ? 'b' FROM t", None, "SELECT data -> $1 ->> $2, a ? $3 FROM t"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "parameters", "expected"), CASES)
def test_what_is_left_of_a_statement(sql: str, parameters: Any, expected: str) -> None:
    assert normalized(sql, parameters).text == expected


@pytest.mark.parametrize("expected", [expected for _sql, _parameters, expected in CASES])
def test_what_has_no_values_stays_as_it_is(expected: str) -> None:
    assert normalized(expected).text == expected


def test_strings_of_mysql_have_backslashes_and_double_quotes() -> None:
    sql = """SELECT `a` FROM t WHERE b = "sec\\"ret" AND c = 'sec\\'ret' -- secret"""
    assert normalized(sql, vendor="mysql").text == "SELECT `a` FROM t WHERE b = $1 AND c = $2"
    assert normalized("SELECT a # the password is 1\nFROM t", vendor="mysql").text == "SELECT a FROM t"


@pytest.mark.parametrize(
    ("sql", "parameters", "nulls"),
    [
        ("INSERT INTO t VALUES (%s, %s)", (1, None), {2}),
        ("INSERT INTO t VALUES (%s, %s), (%s, %s)", (1, 2, None, 3), {1}),
        ("INSERT INTO t SELECT * FROM UNNEST((%s)::int[], (%s)::text[])", ([1, 2], ["a", None]), {2}),
        ("UPDATE t SET a = %(a)s WHERE b = %(b)s", {"a": None, "b": 1}, {1}),
        ("SELECT a FROM t WHERE b IN (%s, %s)", (1, None), {1}),
    ],
)
def test_parameters_that_are_null_are_known(sql: str, parameters: Any, nulls: set[int]) -> None:
    assert normalized(sql, parameters).nulls == nulls


QUOTED = st.sampled_from(
    ["'{}'", "E'{}'", "'a''{}'", "$${}$$", "$x${}$x$", "/* {} */ 1", "-- {}\n1", "U&'{}'", "B'{}'"]
)


@given(st.lists(QUOTED, min_size=1, max_size=5), st.sampled_from(["=", "||", "<", ","]))
def test_no_value_is_left_wherever_it_stands(forms: list[str], operator: str) -> None:
    values = f" {operator} ".join(form.format("hunter2") for form in forms)
    assert "hunter2" not in normalized(f"SELECT a FROM t WHERE b = {values} AND c = 5").text


@given(st.text(max_size=60))
def test_any_text_can_be_read_and_read_again(text: str) -> None:
    once = normalized(text)
    assert isinstance(once, Normalized)
    assert normalized(once.text).text == normalized(normalized(once.text).text).text

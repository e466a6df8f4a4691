"""What statements use: told by the parser where there is one, and never called unused where that is not certain."""

from __future__ import annotations

import sys

import pytest

from auto_migrate.workload.statement import RecordedStatement
from auto_migrate.workload.usage import Usage, bare, guessed, usage_of

COLUMNS = {"a": frozenset({"id", "x", "y"}), "b": frozenset({"id", "a_id", "z"})}
# A statement, what it reads, and what it writes.
CASES: list[tuple[str, set[str], set[str]]] = [
    ("SELECT x, z FROM a JOIN b ON b.a_id = a.id", {"a.x", "b.z", "b.a_id", "a.id"}, set()),
    ("SELECT t.y FROM a AS t WHERE t.x = $1", {"a.y", "a.x"}, set()),
    ("SELECT * FROM a", {"a.*"}, set()),
    ("SELECT q.* FROM a AS q, b", {"a.*"}, set()),
    ("SELECT q FROM a AS q", {"a.*"}, set()),
    ("SELECT count(*) FROM a", set(), set()),
    ("SELECT 1 FROM a WHERE EXISTS (SELECT 1 FROM b WHERE a_id = a.id AND x = $1)", {"b.a_id", "a.id", "a.x"}, set()),
    ("WITH a AS (SELECT z AS x FROM b) SELECT x FROM a", {"b.z"}, set()),
    ("WITH RECURSIVE r AS (SELECT id FROM a UNION SELECT r.id FROM r) SELECT * FROM r", {"a.id"}, set()),
    ("SELECT s.x FROM (SELECT x FROM a) AS s", {"a.x"}, set()),
    ("SELECT id FROM a UNION SELECT a_id FROM b ORDER BY id", {"a.id", "b.a_id"}, set()),
    ("SELECT sum(x) AS z FROM a GROUP BY y ORDER BY z", {"a.x", "a.y"}, set()),
    ("SELECT id FROM a FOR UPDATE OF a", {"a.id"}, set()),
    ("SELECT * FROM a NATURAL JOIN b", {"a.*", "b.*"}, set()),
    ("SELECT 1 FROM a JOIN b USING (id)", {"a.id", "b.id"}, set()),
    ("SELECT a.x FROM public.a", {"a.x"}, set()),
    ("SELECT x FROM other.a", {"other.a.x"}, set()),
    ("SELECT v FROM unnest($1::int[]) AS v, a", set(), set()),
    ("INSERT INTO a (id, x) VALUES ($1, $2) RETURNING y", {"a.y"}, {"a.id", "a.x"}),
    ("INSERT INTO a VALUES ($1)", set(), {"a.*"}),
    ("INSERT INTO a DEFAULT VALUES", set(), set()),
    ("INSERT INTO a (x) SELECT z FROM b", {"b.z"}, {"a.x"}),
    ("INSERT INTO a (x) VALUES ($1) ON CONFLICT (id) DO UPDATE SET y = excluded.x", {"a.id"}, {"a.x", "a.y"}),
    ("UPDATE a SET x = b.z FROM b WHERE b.a_id = a.id RETURNING a.*", {"b.z", "b.a_id", "a.id", "a.*"}, {"a.x"}),
    ("UPDATE a SET (x, y) = (SELECT z, id FROM b)", {"b.z", "b.id"}, {"a.x", "a.y"}),
    ("DELETE FROM a USING b WHERE b.z = a.x", {"b.z", "a.x"}, set()),
    ("MERGE INTO a USING b ON a.id = a_id WHEN MATCHED THEN UPDATE SET x = z", {"a.id", "b.a_id", "b.z"}, {"a.x"}),
    ("COPY a (x) FROM STDIN", set(), {"a.x"}),
    ("COPY a TO STDOUT", {"a.*"}, set()),
    ("COPY (SELECT y FROM a) TO STDOUT", {"a.y"}, set()),
    ("SELECT row_number() OVER (PARTITION BY y ORDER BY x) FROM a", {"a.y", "a.x"}, set()),
    # Nobody knows whose it is, so it may be of either.
    ("SELECT q FROM c, d", {"c.q", "d.q"}, set()),
    ("SELECT x FROM c, a", {"a.x"}, set()),
]  # fmt: skip


def usage(sql: str) -> Usage:
    return usage_of(RecordedStatement(sql), COLUMNS.get)


def dotted(pairs: set[tuple[str, str]]) -> set[str]:
    return {f"{table}.{column}" for table, column in pairs}


@pytest.mark.parametrize(("sql", "reads", "writes"), CASES)
def test_columns_are_resolved(sql: str, reads: set[str], writes: set[str]) -> None:
    found = usage(sql)
    assert (dotted(found.reads), dotted(found.writes)) == (reads, writes)
    assert not found.guessed


@pytest.mark.parametrize(
    ("sql", "left_out"),
    [
        ("INSERT INTO a (id, x) VALUES ($1, $2)", {"y"}),
        ("INSERT INTO a DEFAULT VALUES", {"id", "x", "y"}),
        ("INSERT INTO a VALUES ($1, $2, $3)", set()),
        ("COPY a (x) FROM STDIN", {"id", "y"}),
        ("UPDATE a SET x = $1", set()),
        ("MERGE INTO a USING b ON a.id = z WHEN NOT MATCHED THEN INSERT (id) VALUES (b.id)", {"x", "y"}),
        ("WITH n AS (INSERT INTO a (x) VALUES ($1) RETURNING id) SELECT id FROM n", {"id", "y"}),
    ],
)
def test_what_an_insert_leaves_out(sql: str, left_out: set[str]) -> None:
    assert {column for column in COLUMNS["a"] if usage(sql).leaves_out("a", column)} == left_out


@pytest.mark.parametrize(
    ("sql", "nulls", "expected"),
    [
        ("INSERT INTO a (id, x) VALUES ($1, $2)", {2}, True),
        ("INSERT INTO a (id, x) VALUES ($1, $2)", {1}, False),
        ("INSERT INTO a (id, x) VALUES ($1, lower($2))", {1}, None),
        ("INSERT INTO a (id, x) SELECT * FROM UNNEST(($1)::int[], ($2)::text[])", {2}, True),
        ("UPDATE a SET x = $3::int", {3}, True),
        ("UPDATE a SET x = x + $1", set(), None),
        ("UPDATE a SET x = $1", None, None),
    ],
)
def test_whether_a_column_was_given_null(sql: str, nulls: set[int] | None, expected: bool | None) -> None:
    assert usage(sql).writes_null("a", "x", None if nulls is None else frozenset(nulls)) is expected


@pytest.mark.parametrize(
    "sql", ["SELEC x FROM a", "SELECT `x` FROM `a`", "SELECT x FROM a WHERE (" + "(" * 3000, "\0 a x"]
)
def test_what_no_parser_reads_counts_for_all_that_it_names(sql: str) -> None:
    found = usage(sql)
    assert found.guessed
    assert (found.names_column("a", "x"), found.names_column("a", "y")) == (True, False)


def test_without_the_parser_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pglast", None)
    found = usage('INSERT INTO "a" ("x") SELECT z FROM b')
    assert found.guessed
    assert found.touches("a")
    assert found.writes_column("a", "x")
    assert found.leaves_out("a", "y")
    assert not found.leaves_out("b", "id")
    assert not guessed("SELECT x FROM a").writes_column("a", "x")


@pytest.mark.parametrize(("name", "expected"), [('sales"."invoice', "sales.invoice"), ("public.a", "a"), ("a", "a")])
def test_tables_have_one_name(name: str, expected: str) -> None:
    assert bare(name) == expected

"""Keys as SQL compares them, on every database at hand, and as text."""

from __future__ import annotations

import datetime
import decimal
import itertools
import sqlite3
import uuid

import pytest

from auto_migrate.backfills.keys import Key, KeyRange, dumped, loaded

COLUMNS = ("a", "b", "c")
ROWS = list(itertools.product(range(4), repeat=3))


@pytest.mark.parametrize("row_values", [True, False])
@pytest.mark.parametrize("after", [None, (0, 0, 0), (1, 3, 2), (3, 3, 3), (2, 0, 9)])
@pytest.mark.parametrize("upto", [(0, 0, 0), (2, 1, 3), (3, 3, 3), (1, -1, 9)])
def test_a_range_finds_the_rows_between_two_keys(row_values: bool, after: Key | None, upto: Key) -> None:
    sql, params = KeyRange(after, upto).condition(COLUMNS, row_values=row_values)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        found = connection.execute(f"SELECT a, b, c FROM t WHERE {sql.replace('%s', '?')}", params).fetchall()
    connection.close()
    assert sorted(found) == [row for row in ROWS if (after is None or row > after) and row <= upto]


def test_what_mysql_is_asked_uses_its_index() -> None:
    sql, params = KeyRange((7, 3), (9, 4)).condition(("tenant", "id"), row_values=False)
    above = "(tenant >= %s AND (tenant > %s OR (id > %s)))"
    assert (sql, params) == (f"{above} AND (tenant <= %s AND (tenant < %s OR (id <= %s)))", [7, 7, 3, 9, 9, 4])
    assert KeyRange((7, 3), (9, 4)).condition(("tenant", "id"), row_values=True) == (
        "(tenant, id) > (%s, %s) AND (tenant, id) <= (%s, %s)",
        [7, 3, 9, 4],
    )


@pytest.mark.parametrize(
    "key",
    [
        (5,),
        (2**62, "naïve ' \\ \x00"),
        (uuid.UUID(int=9), -1),
        (decimal.Decimal("1.50"), 0.1),
        (datetime.datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=datetime.UTC), datetime.date(2026, 3, 1)),
        (datetime.time(1, 2), b"\x00\xff"),
        (True, ""),
        (datetime.timedelta(days=-2, microseconds=7), 1),
    ],
)
def test_a_key_comes_back_as_it_was_kept(key: Key) -> None:
    assert loaded(dumped(key)) == key
    assert [type(value) for value in loaded(dumped(key))] == [type(value) for value in key]


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="A key of range cannot be kept"):
        dumped((range(3),))

"""What databases say of their tables, and what follows for the level of a finding."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

import pytest
from django.db import connection

from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.statistics import PostgreSQLStatistics, Statistics, TableStatistics, Traffic
from auto_migrate.findings import Level
from auto_migrate.safety.effects.effect import Effect, locks
from auto_migrate.safety.hazard import Harm
from auto_migrate.safety.live import Live


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def statistics(transactional_db: None) -> Iterator[PostgreSQLStatistics]:
    execute("CREATE TABLE stock (id int)")
    execute("INSERT INTO stock SELECT generate_series(1, 100)")
    yield PostgreSQLStatistics(connection)
    execute("DROP TABLE IF EXISTS stock CASCADE")


def rows(statistics: PostgreSQLStatistics, limit: int, table: str = "stock") -> int:
    return statistics.of_tables([table], limit)[table].rows


def test_small_tables_are_counted_although_nobody_analyzed_them(statistics: PostgreSQLStatistics) -> None:
    assert rows(statistics, 1000) == 100
    execute("DELETE FROM stock")
    assert rows(statistics, 1000) == 0


def test_counting_ends_beyond_the_limit(statistics: PostgreSQLStatistics) -> None:
    assert rows(statistics, 10) == 11


def test_the_estimate_counts_where_there_is_one(statistics: PostgreSQLStatistics) -> None:
    execute("ANALYZE stock")
    assert rows(statistics, 50) == 100


def test_tables_in_schemas_partitions_and_those_that_are_not_there(statistics: PostgreSQLStatistics) -> None:
    execute("CREATE TABLE parts (id int) PARTITION BY RANGE (id)")
    execute("CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9)")
    execute("INSERT INTO parts VALUES (1), (2)")
    try:
        found = statistics.of_tables(["parts", "public.stock", "nowhere", 'odd"name'], 1000)
    finally:
        execute("DROP TABLE parts")
    assert {table: told.rows for table, told in found.items()} == {"parts": 2, "public.stock": 100}
    assert (found["parts"].bytes or 0) > 0


def test_rows_of_partitions_count_once(statistics: PostgreSQLStatistics) -> None:
    execute("CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    for low in (0, 500):
        execute(f"CREATE TABLE part{low} PARTITION OF parts FOR VALUES FROM ({low}) TO ({low + 500})")
    execute("INSERT INTO parts SELECT generate_series(0, 999)")
    execute("ANALYZE parts")
    try:
        found = statistics.of_tables(["parts"], 10)["parts"]
        sizes = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname IN ('part0', 'part500')"
        with connection.cursor() as cursor:
            cursor.execute(sizes)
            [expected] = cursor.fetchone()
    finally:
        execute("DROP TABLE parts")
    assert (found.rows, found.bytes) == (1000, expected)
    assert 0 < found.indexes < expected


def test_what_was_filled_just_now_has_no_rate(statistics: PostgreSQLStatistics) -> None:
    execute("SELECT pg_stat_reset()")
    execute("INSERT INTO stock SELECT generate_series(1, 100)")
    assert statistics.of_tables(["stock"], 1000)["stock"].traffic is None
    text = evidence(statistics.of_tables(["stock"], 1000)["stock"])
    assert "a second" not in text.replace("less than a second", "")


def test_a_locked_table_is_not_waited_for(statistics: PostgreSQLStatistics) -> None:
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE stock")
        found = statistics.of_tables(["stock"], 1000)["stock"]
        assert (found.rows, found.counted) == (1001, False)
    finally:
        other.rollback()
        other.close()


def test_a_locked_partition_is_not_waited_for_and_tells_nothing(statistics: PostgreSQLStatistics) -> None:
    execute("CREATE TABLE parts (id int) PARTITION BY RANGE (id)")
    execute("CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9)")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE part")
        assert statistics.of_tables(["parts"], 1000) == {}
    finally:
        other.rollback()
        other.close()
        execute("DROP TABLE parts")


def test_rows_that_a_policy_hides_are_not_taken_for_none(statistics: PostgreSQLStatistics) -> None:
    execute("ALTER TABLE stock ENABLE ROW LEVEL SECURITY")
    execute("ALTER TABLE stock FORCE ROW LEVEL SECURITY")
    execute("DROP ROLE IF EXISTS clerk")
    execute("CREATE ROLE clerk")
    execute("GRANT SELECT ON stock TO clerk")
    execute("SET ROLE clerk")
    try:
        found = statistics.of_tables(["stock"], 1000)["stock"]
    finally:
        execute("RESET ROLE")
        execute("DROP OWNED BY clerk")
        execute("DROP ROLE clerk")
    assert not found.counted


class Told(Statistics):
    """Tables of which somebody has told."""

    def __init__(self, tables: Mapping[str, TableStatistics]) -> None:
        super().__init__(connection)
        self.tables = tables

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        return {name: self.tables[name] for name in tables if name in self.tables}


def level(harm: Harm, table: TableStatistics | None, small: int = 10) -> Level:
    return live(table, small).level(harm, ["stock"])


def live(table: TableStatistics | None, small: int = 10, budget: float = 1.0) -> Live:
    return Live(Told({"stock": table} if table else {}), small, budget)


def evidence(table: TableStatistics) -> str:
    told = live(table).evidence("stock", [READING])
    assert told
    return told.text


READING = locks("stock", LockMode.SHARE, builds=True)
INSTANT = locks("stock", LockMode.ACCESS_EXCLUSIVE)
UNFELT = locks("stock", LockMode.SHARE_UPDATE_EXCLUSIVE, builds=True)


@pytest.mark.parametrize(
    ("table", "levels"),
    [
        (None, [Level.ERROR, Level.ERROR, Level.ERROR, Level.WARNING]),
        (TableStatistics(11), [Level.ERROR, Level.ERROR, Level.ERROR, Level.WARNING]),
        (TableStatistics(1, 1_000_000), [Level.ERROR, Level.ERROR, Level.ERROR, Level.WARNING]),
        (TableStatistics(10), [Level.ERROR, Level.NOTICE, Level.WARNING, Level.NOTICE]),
        (TableStatistics(0), [Level.NOTICE, Level.NOTICE, Level.WARNING, Level.NOTICE]),
        (TableStatistics(0, counted=False), [Level.ERROR, Level.NOTICE, Level.WARNING, Level.NOTICE]),
    ],
    ids=["unknown", "many rows", "wide rows", "small", "empty", "not counted"],
)
def test_the_level_follows_from_the_harm_and_the_table(table: TableStatistics | None, levels: list[Level]) -> None:
    harms = [Harm.LOSES_DATA, Harm.BLOCKS, Harm.BREAKS, Harm.RISKS]
    assert [level(harm, table) for harm in harms] == levels


def test_the_largest_table_counts() -> None:
    live = Live(Told({"small": TableStatistics(1), "large": TableStatistics(99)}), 10, 1.0)
    assert live.level(Harm.BLOCKS, ["small", "large"]) is Level.ERROR


SHORT = TableStatistics(80_000, 8_000_000)
LONG = TableStatistics(50_000_000, 5_000_000_000)


@pytest.mark.parametrize(
    ("table", "effect", "budget", "expected"),
    [
        (SHORT, READING, 1.0, Level.NOTICE),
        (SHORT, READING, 0.001, Level.ERROR),
        (LONG, READING, 1.0, Level.ERROR),
        (LONG, READING, 1000.0, Level.NOTICE),
        (dataclasses.replace(LONG, traffic=Traffic(9, 0, 7200)), READING, 1.0, Level.ERROR),
        (dataclasses.replace(LONG, traffic=Traffic(9, 0, 90_000)), READING, 1.0, Level.WARNING),
        (dataclasses.replace(LONG, traffic=Traffic(9, 1, 90_000)), READING, 1.0, Level.ERROR),
        (TableStatistics(11), READING, 1.0, Level.ERROR),
        (TableStatistics(9), READING, 1.0, Level.NOTICE),
        (LONG, UNFELT, 1.0, Level.ERROR),
        (SHORT, INSTANT, 1.0, Level.ERROR),
    ],
    ids=[
        "short", "over a small budget", "long", "within a large budget", "idle for an hour", "nobody writes", "busy",
        "size unknown, many rows", "size unknown, few rows", "by rows, nobody waits", "by rows, no work grows",
    ],
)  # fmt: skip
def test_what_blocks_goes_by_the_time_of_its_lock(
    table: TableStatistics, effect: Effect, budget: float, expected: Level
) -> None:
    assert live(table, budget=budget).level(Harm.BLOCKS, ["stock"], [effect]) is expected


def test_evidence_says_over_which_time_it_is_an_average() -> None:
    busy = dataclasses.replace(LONG, traffic=Traffic(12.5, 0.25, 5 * 86_400))
    assert "on average over the last 5 days 12 reads and 0.2 rows written a second" in evidence(busy)
    assert "over the last 25 hours" in evidence(dataclasses.replace(LONG, traffic=Traffic(1, 1, 90_000)))

"""What databases say of their tables, and what follows for the level of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pytest
from django.db import connection

from auto_migrate.databases.statistics import PostgreSQLStatistics, Statistics, TableStatistics
from auto_migrate.findings import Level
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
    return Live(Told({"stock": table} if table else {}), small).level(harm, ["stock"])


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
    live = Live(Told({"small": TableStatistics(1), "large": TableStatistics(99)}), 10)
    assert live.level(Harm.BLOCKS, ["small", "large"]) is Level.ERROR

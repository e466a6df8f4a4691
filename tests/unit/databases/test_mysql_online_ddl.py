"""Which statements say how they may be done, and how that is written."""

from __future__ import annotations

import pytest

from auto_migrate.databases.mysql.online_ddl import TableStatement, UnaskableStatement, read_statement

INSTANT, IN_PLACE = "ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE"
KEY = "ALTER TABLE `a` ADD COLUMN `b_id` {type} , ADD CONSTRAINT `k` FOREIGN KEY (`b_id`) REFERENCES `b`(`id`)"


LIGHTEST_FIRST = [
    ("ALTER TABLE `a` ADD COLUMN `x` int NULL;", "ALTER TABLE `a` {}, ADD COLUMN `x` int NULL"),
    ("alter table a add x int", "alter table a {}, add x int"),
    ("DROP INDEX `i` ON `a`", "ALTER TABLE `a` {}, DROP INDEX `i`"),
    ("DROP INDEX IF EXISTS i ON d.a", "ALTER TABLE `d`.`a` {}, DROP INDEX IF EXISTS i"),
    ("ALTER TABLE `a b` COMMENT = 'no LOCK; -- here'", "ALTER TABLE `a b` {}, COMMENT = 'no LOCK; -- here'"),
    ("ALTER TABLE d.`a` ADD x int", "ALTER TABLE d.`a` {}, ADD x int"),
    ("ALTER IGNORE TABLE a ADD x int -- why", "ALTER IGNORE TABLE a {}, ADD x int -- why"),
    ("ALTER TABLE IF EXISTS a WAIT 5 ADD x int", "ALTER TABLE IF EXISTS a WAIT 5 {}, ADD x int"),
    ("ALTER /* ; */ TABLE a # LOCK=NONE\n ADD x int", "ALTER /* ; */ TABLE a {}, # LOCK=NONE\n ADD x int"),
    ('ALTER TABLE "a" ADD "x" int', 'ALTER TABLE "a" {}, ADD "x" int'),
    ("ALTER TABLE a ADD `lock` int, ADD algorithm int", "ALTER TABLE a {}, ADD `lock` int, ADD algorithm int"),
    ("ALTER TABLE a ORDER BY x, y", "ALTER TABLE a {}, ORDER BY x, y"),
    ("ALTER TABLE a PARTITION BY HASH (x)", "ALTER TABLE a {} PARTITION BY HASH (x)"),
    ("ALTER TABLE a REMOVE PARTITIONING", "ALTER TABLE a {} REMOVE PARTITIONING"),
    ("ALTER TABLE a REBUILD PARTITION p", "ALTER TABLE a {}, REBUILD PARTITION p"),
]


@pytest.mark.parametrize(("sql", "asked"), LIGHTEST_FIRST)
def test_the_lightest_way_comes_first_and_then_in_place(sql: str, asked: str) -> None:
    statement = TableStatement.of(sql)
    assert statement is not None
    ways = [way.sql for way in statement.ways()]
    assert ways == [asked.format(INSTANT), asked.format(IN_PLACE)]
    # Without it MariaDB would copy for partitions and orders.
    first = next(statement.ways(is_mariadb=True))
    assert first.sql == asked.format("ALGORITHM=INSTANT, LOCK=NONE")
    assert [way.sql for way in statement.ways(copies_online=True)] == [asked.format("LOCK=NONE")]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX `i` ON `a` (`x`)",
        "CREATE FULLTEXT INDEX i ON d.a (x) WITH PARSER ngram",
        "CREATE OR REPLACE UNIQUE INDEX i USING BTREE ON a (x(3), y DESC)",
        "CREATE SPATIAL INDEX IF NOT EXISTS i ON a (x)",
    ],
)
@pytest.mark.parametrize("end", ["", ";", " -- why", " /* why */ ;"])
def test_an_index_is_asked_for_at_the_end_and_in_place(sql: str, end: str) -> None:
    statement = TableStatement.of(f"{sql}{end}")
    assert statement is not None
    [way] = statement.ways()
    assert way.sql == f"{sql} ALGORITHM=INPLACE LOCK=NONE"


@pytest.mark.parametrize(
    "sql", ["ALTER TABLE a ADD x int, ALGORITHM=INPLACE", "CREATE INDEX i ON a (x) ALGORITHM NOCOPY"]
)
def test_one_that_says_how_but_not_for_whom_is_asked_to_let_others_write(sql: str) -> None:
    statement = TableStatement.of(sql)
    assert statement is not None
    [way] = statement.ways()
    assert "LOCK=NONE" in way.sql
    assert "ALGORITHM=INPLACE," not in way.sql


def test_one_that_asks_for_an_instant_is_left_so_on_mysql_alone() -> None:
    statement = TableStatement.of("ALTER TABLE a ORDER BY x, ALGORITHM=INSTANT")
    assert statement is not None
    [way], [on_mariadb] = statement.ways(), statement.ways(is_mariadb=True)
    assert (way.sql, on_mariadb.sql) == (statement.sql, statement.sql.replace("a ", "a LOCK=NONE, ", 1))


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("ALTER TABLE a ADD x int, ALGORITHM=COPY", ["a"]),
        ("CREATE INDEX i ON a (x) LOCK = SHARED", ["a"]),
        ("ALTER TABLE a ADD x int, LOCK DEFAULT", ["a"]),
        ("ALTER TABLE a ADD x int /*!80000 , LOCK=NONE */", ["a"]),
        ("ALTER TABLE a ADD x int; ALTER TABLE d.b ADD y int", ["a", "d.b"]),
        ("BEGIN NOT ATOMIC ALTER TABLE a ADD x int; END", ["a"]),
        ("OPTIMIZE NO_WRITE_TO_BINLOG TABLE a, d.b", ["a", "d.b"]),
        ("REPAIR TABLE a QUICK", ["a"]),
        ("LOCK TABLES a AS x READ, b WRITE", ["a", "b"]),
    ],
)
def test_what_cannot_be_asked_tells_its_tables(sql: str, tables: list[str]) -> None:
    found = read_statement(sql)
    assert isinstance(found, UnaskableStatement)
    assert list(found.tables) == tables
    assert found.reason.endswith(".")


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD x int, LOCK=NONE",
        "ALTER TABLE a RENAME TO d.b",
        "ALTER ONLINE TABLE a ADD x int",
        "ALTER TABLE a DROP PARTITION p",
        "ALTER TABLE a ADD PARTITION (PARTITION p VALUES LESS THAN (9))",
        "RENAME TABLE a TO b",
        "CREATE TABLE a (x int)",
        "UPDATE a SET x = 1",
        "INSERT INTO a VALUES ('ALTER TABLE b ADD x int')",
        "CREATE PROCEDURE p() BEGIN ALTER TABLE a ADD x int; END",
    ],
)
def test_what_lets_others_write_or_carries_nothing_out_is_left_as_it_is(sql: str) -> None:
    assert read_statement(sql) is None


def test_where_a_string_ends_is_as_the_session_has_it() -> None:
    sql = "ALTER TABLE a COMMENT = 'C:\\'; ALTER TABLE b ADD x int, COMMENT = ''"
    assert isinstance(read_statement(sql), TableStatement)
    assert isinstance(read_statement(sql, escapes=False), UnaskableStatement)


@pytest.mark.parametrize("type_", ["bigint NULL", "integer UNSIGNED NULL", "bigint NULL UNIQUE"])
def test_a_key_that_is_empty_in_every_row_is_not_looked_up(type_: str) -> None:
    statement = TableStatement.of(KEY.format(type=type_))
    assert statement is not None
    assert statement.target == "b"
    [way] = statement.ways(checks_keys=False)
    assert (way.sql, way.checks_keys) == (statement.sql.replace("`a`", f"`a` {IN_PLACE},", 1), False)
    assert [way.checks_keys for way in statement.ways(copies_online=True, checks_keys=False)] == [False, True]


@pytest.mark.parametrize(
    "type_", ["bigint DEFAULT 7 NOT NULL", "bigint DEFAULT 7 NULL", "varchar(9) NULL", "bigint NOT NULL"]
)
def test_any_other_key_is(type_: str) -> None:
    statement = TableStatement.of(KEY.format(type=type_))
    assert statement is not None
    assert statement.target == ""

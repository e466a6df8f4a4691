"""Which statements say how they may be done, and how that is written."""

from __future__ import annotations

import pytest

from auto_migrate.databases.mysql.online_ddl import TableStatement

INSTANT, IN_PLACE = "ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE"
KEY = "ALTER TABLE `a` ADD COLUMN `b_id` {type} , ADD CONSTRAINT `k` FOREIGN KEY (`b_id`) REFERENCES `b`(`id`)"


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("ALTER TABLE `a` ADD COLUMN `x` int NULL;", [f"ALTER TABLE `a` ADD COLUMN `x` int NULL, {INSTANT}"]),
        ("alter table a add x int", [f"alter table a add x int, {INSTANT}"]),
        ("CREATE INDEX `i` ON `a` (`x`)", []),
        ("DROP INDEX `i` ON `a`", [f"ALTER TABLE `a` DROP INDEX `i`, {INSTANT}"]),
        (
            "ALTER TABLE `a b` COMMENT = 'no LOCK; -- here'",
            [f"ALTER TABLE `a b` COMMENT = 'no LOCK; -- here', {INSTANT}"],
        ),
    ],
)
def test_the_lightest_way_comes_first_and_then_in_place(sql: str, asked: list[str]) -> None:
    statement = TableStatement.of(sql)
    assert statement is not None
    *first, last = [way.sql for way in statement.ways(copies_online=False)]
    assert first == asked
    index = sql.startswith("CREATE")
    assert last == f"{statement.sql}{' ALGORITHM=INPLACE LOCK=NONE' if index else f', {IN_PLACE}'}"
    assert [way.sql for way in statement.ways(copies_online=True)] == [
        f"{statement.sql}{' ' if index else ', '}LOCK=NONE"
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD x int, ALGORITHM=COPY",
        "CREATE INDEX i ON a (x) LOCK = SHARED",
        "ALTER TABLE a ADD x int; ALTER TABLE a ADD y int",
        "ALTER TABLE a ADD x int -- why",
        "ALTER TABLE a /* which */ ADD x int",
        "RENAME TABLE a TO b",
        "CREATE TABLE a (x int)",
        "UPDATE a SET x = 1",
    ],
)
def test_what_says_so_itself_or_is_no_plain_change_of_a_table_is_left_as_it_is(sql: str) -> None:
    assert TableStatement.of(sql) is None


@pytest.mark.parametrize("type_", ["bigint NULL", "integer UNSIGNED NULL", "bigint NULL UNIQUE"])
def test_a_key_that_is_empty_in_every_row_is_not_looked_up(type_: str) -> None:
    statement = TableStatement.of(KEY.format(type=type_))
    assert statement is not None
    assert statement.target == "b"
    [way] = statement.ways(copies_online=False, checks_keys=False)
    assert (way.sql, way.checks_keys) == (f"{statement.sql}, {IN_PLACE}", False)
    assert [way.checks_keys for way in statement.ways(copies_online=True, checks_keys=False)] == [False, True]


@pytest.mark.parametrize(
    "type_", ["bigint DEFAULT 7 NOT NULL", "bigint DEFAULT 7 NULL", "varchar(9) NULL", "bigint NOT NULL"]
)
def test_any_other_key_is(type_: str) -> None:
    statement = TableStatement.of(KEY.format(type=type_))
    assert statement is not None
    assert statement.target == ""

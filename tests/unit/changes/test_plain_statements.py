"""The statements that hazards offer are read on every database, and nothing that only resembles them."""

from __future__ import annotations

import pytest

from auto_migrate.changes.change import DropColumn, DropTable
from auto_migrate.changes.plain_statements import change_of_plain

TABLES = {"shop_item": "shop.Item"}


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        ("ALTER TABLE shop_item DROP COLUMN note", "note"),
        ('alter table "shop_item" drop column "order";', "order"),
        ("ALTER TABLE `shop_item`\n  DROP COLUMN `a``b` ;\n", "a`b"),
    ],
)
def test_a_column_that_goes_is_read(statement: str, column: str) -> None:
    assert change_of_plain(statement, TABLES) == DropColumn(table="shop_item", model="shop.Item", column=column)


@pytest.mark.parametrize("statement", ["DROP TABLE shop_item", "drop table if exists `shop_item`;"])
def test_a_table_that_goes_is_read(statement: str) -> None:
    assert change_of_plain(statement, TABLES) == DropTable(table="shop_item", model="shop.Item")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE shop_item DROP COLUMN a, DROP COLUMN b",
        "ALTER TABLE shop_item DROP CONSTRAINT a",
        "ALTER TABLE shop_item DROP COLUMN a; DELETE FROM shop_item",
        "DROP TABLE shop_item, shop_order",
        "DROP TABLE other.shop_item",
        "DROP VIEW shop_item",
        "-- DROP TABLE shop_item",
    ],
)
def test_nothing_else_is(statement: str) -> None:
    assert change_of_plain(statement, TABLES) is None

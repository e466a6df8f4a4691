"""Rows that an online operation refuses: everything is put back as it was, and the rows are named."""

from __future__ import annotations

import pytest

from tests.integration.online.shop import Shop

UNIQUE = 'migrations.AddConstraint("item", models.UniqueConstraint(fields=["number"], name="item_number"))'
KEY = (
    'migrations.AlterField("item", "kind_number",'
    ' models.ForeignKey("Kind", models.CASCADE, null=True, db_column="kind_number"))'
)
CASES = {
    "duplicates": (
        "UPDATE shop_item SET number = 7 WHERE id IN (7, 8, 9)",
        UNIQUE,
        "number=7",
    ),
    "duplicates of an expression": (
        "UPDATE shop_item SET name = 'ITEM 5' WHERE id = 6",
        'migrations.AddConstraint("item", models.UniqueConstraint(models.functions.Lower("name"), name="item_lower"))',
        "lower(name::text)=item 5",
    ),
    "a row against a check": (
        "UPDATE shop_item SET number = -4 WHERE id = 12",
        'migrations.AddConstraint("item", models.CheckConstraint(condition=models.Q(number__gte=0), name="positive"))',
        "id=12",
    ),
    "a NULL": (
        "UPDATE shop_item SET number = NULL WHERE id = 31",
        'migrations.AlterField("item", "number", models.IntegerField())',
        "id=31",
    ),
    "a key that points to nothing": (
        "UPDATE shop_item SET kind_number = 99 WHERE id = 3",
        KEY,
        "kind_number=99",
    ),
    "a unique field with what comes before it": (
        "UPDATE shop_item SET number = 7 WHERE id = 8",
        'migrations.AlterField("item", "number", models.PositiveIntegerField(null=True, unique=True))',
        "number=7",
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("case", CASES)
def test_all_of_the_operation_is_put_back_and_the_rows_are_named(shop: Shop, case: str) -> None:
    rows, operation, named = CASES[case]
    shop.query(rows)
    before = shop.schema
    shop.second(f"migrations.RunSQL('CREATE TABLE kept ()', 'DROP TABLE kept'), {operation}")
    failed = shop.deploy(expect=1)
    assert named in failed.text
    assert "put back as it was" in failed.text
    assert shop.schema == before
    # What came before it stays, and is not done again.
    assert shop.query("SELECT to_regclass('kept') IS NOT NULL") == [(True,)]
    shop.query("UPDATE shop_item SET number = id, name = 'item ' || id, kind_number = 1")
    shop.deploy()
    assert shop.recorded[-1] == "shop.0002_second"
    assert shop.deploy().text.count("No migrations to apply") == 1


def test_a_migration_may_be_edited_after_rows_were_refused(shop: Shop) -> None:
    shop.query("UPDATE shop_item SET number = 7 WHERE id = 8")
    shop.second(UNIQUE)
    shop.deploy(expect=1)
    shop.second('migrations.AddIndex("item", models.Index(fields=["number"], name="item_number"))')
    shop.deploy()
    assert any("INDEX item_number ON" in index for index in shop.indexes())


def test_a_condition_that_cannot_be_computed_is_refused_before_anybody_meets_it(shop: Shop) -> None:
    shop.query("UPDATE shop_item SET number = 0 WHERE id = 8")
    shop.second("migrations.RunSQL('ALTER TABLE shop_item ADD CONSTRAINT part CHECK (10 / number >= 0)')")
    failed = shop.deploy(expect=1)
    assert "division by zero" in failed.text
    assert "step 1 of 3" in failed.text
    assert "step 2 of 3" not in failed.text


def test_a_name_that_another_table_s_index_has_is_refused_and_all_is_put_back(shop: Shop) -> None:
    shop.query("CREATE INDEX item_size ON shop_kind (name)")
    before = shop.schema
    size = 'migrations.AddField("item", "size", models.IntegerField(null=True, unique=True))'
    index = 'migrations.AddIndex("item", models.Index(fields=["size"], name="item_size"))'
    shop.second(f"migrations.SeparateDatabaseAndState([{size}, {index}], [{size}])")
    assert "put back as it was" in shop.deploy(expect=1).text
    assert shop.schema == before
    shop.query("DROP INDEX item_size")
    shop.deploy()

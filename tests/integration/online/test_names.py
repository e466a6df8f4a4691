"""Names that mislead: an index is known by its definition, in the schema of its table."""

from __future__ import annotations

import os

import pytest

from tests.integration.online.shop import Shop

SWEPT = pytest.mark.skipif("SWEEP" not in os.environ, reason="make sweep")
ADD = 'migrations.AddIndex("item", models.Index(fields=["number"], name="item_number"))'


def test_an_index_of_that_name_in_another_schema_is_somebody_elses(shop: Shop) -> None:
    shop.query("CREATE SCHEMA tenant")
    shop.query("CREATE TABLE tenant.shop_item (number int)")
    shop.query("CREATE INDEX item_number ON tenant.shop_item (number)")
    shop.second(ADD)
    shop.deploy()
    assert any("INDEX item_number ON public.shop_item" in index for index in shop.indexes())


def test_an_index_that_somebody_built_already_is_taken_as_it_is(shop: Shop) -> None:
    shop.query("CREATE INDEX item_number ON shop_item (number)")
    oid = shop.query("SELECT 'item_number'::regclass::oid")
    shop.second(ADD)
    shop.deploy()
    assert shop.query("SELECT 'item_number'::regclass::oid") == oid


def test_an_index_that_was_there_stays_when_rows_are_refused(shop: Shop) -> None:
    shop.query("CREATE UNIQUE INDEX item_number ON shop_item (number)")
    shop.query("UPDATE shop_item SET name = 'x' WHERE id < 3")
    both = '{("number",), ("name",)}'
    shop.second(
        ADD.replace("models.Index(", "models.UniqueConstraint(").replace("AddIndex", "AddConstraint")
        + f',migrations.AlterUniqueTogether("item", {both})'
    )
    before = shop.indexes()
    shop.query("ALTER TABLE shop_item ADD CONSTRAINT other CHECK (number > 0)")
    shop.deploy(expect=1)
    assert set(before) <= set(shop.indexes())


def test_an_index_of_that_name_that_is_another_is_never_taken_for_it(shop: Shop) -> None:
    shop.query("CREATE INDEX item_number ON shop_item (name)")
    before = shop.schema
    shop.second(ADD)
    failed = shop.deploy(expect=1)
    assert "already exists" in failed.text
    assert shop.schema == before


def test_what_a_cut_build_left_is_dropped_and_built_again(shop: Shop) -> None:
    shop.query("UPDATE shop_item SET number = 7 WHERE id = 8")
    with pytest.raises(Exception, match="could not create unique index"):
        shop.query("CREATE UNIQUE INDEX CONCURRENTLY item_number ON shop_item (number)")
    shop.second(ADD)
    shop.deploy()
    assert [index for index in shop.indexes() if "item_number" in index] == [
        "CREATE INDEX item_number ON public.shop_item USING btree (number)"
    ]


@pytest.mark.parametrize(
    "table",
    ["order", 'tenant"."item', *(pytest.param(name, marks=SWEPT) for name in ("Shop Item", "t" * 60, "tabelle_ä"))],
)
def test_any_table_s_name_will_do(shop: Shop, table: str) -> None:
    shop.query("CREATE SCHEMA tenant")
    name = table.replace("'", "\\'")
    shop.migration(
        "shop",
        "0002_second",
        "migrations.CreateModel('Odd', [('id', models.BigAutoField(primary_key=True)),"
        f" ('Order', models.CharField(max_length=9, null=True))], options={{'db_table': {name!r}}})",
        after="0001_initial",
    )
    shop.deploy()
    operations = (
        "migrations.AddField('odd', 'Select', models.PositiveIntegerField(null=True, unique=True)),"
        "migrations.AddField('odd', 'kind', models.ForeignKey('Kind', models.CASCADE, null=True)),"
        "migrations.AlterField('odd', 'Order', models.CharField(max_length=9, null=True, db_index=True)),"
        "migrations.AlterField('odd', 'Order', models.CharField(max_length=9, default='')),"
        "migrations.RemoveField('odd', 'kind'),"
    )
    shop.migration("shop", "0003_third", operations, after="0002_second")
    twin = f"{shop.url.rpartition('/')[2]}_stock"
    shop.query(f'CREATE DATABASE "{twin}" TEMPLATE "{shop.url.rpartition("/")[2]}"')
    shop.deploy()
    ours = shop.query(DEFINITIONS)
    shop.databases["default"] = shop.url.rpartition("/")[0] + "/" + twin
    assert shop.run("migrate").code == 0
    assert shop.query(DEFINITIONS) == ours
    shop.databases["default"] = shop.url
    shop.query(f'DROP DATABASE "{twin}"')


def test_names_that_a_column_has_left_behind_are_passed_over_as_the_server_does(shop: Shop) -> None:
    """What PostgreSQL names by itself has a number behind it where another column came to that name first."""
    first = 'migrations.AddField("item", "total", models.PositiveIntegerField(null=True, unique=True))'
    numbers = "migrations.RunSQL('UPDATE shop_item SET total = number')"
    required = 'migrations.AlterField("item", "total", models.PositiveIntegerField(unique=True))'
    shop.second(f'{first}, {numbers}, {required}, migrations.RenameField("item", "total", "former")')
    shop.deploy()
    wider = 'migrations.AlterField("item", "total", models.PositiveBigIntegerField(unique=True))'
    shop.migration("shop", "0003_third", f"{first}, {numbers}, {required}, {wider}", after="0002_second")
    database = shop.url.rpartition("/")[2]
    shop.query(f'CREATE DATABASE "{database}_stock" TEMPLATE "{database}"')
    shop.deploy()
    ours = shop.query(DEFINITIONS)
    shop.databases["default"] = f"{shop.url}_stock"
    assert shop.run("migrate").code == 0
    assert shop.query(DEFINITIONS) == ours
    assert any(name == "shop_item_total_key1" for name, _definition in ours)
    shop.databases["default"] = shop.url
    shop.query(f'DROP DATABASE "{database}_stock"')


DEFINITIONS = """
    SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid > 16384 AND indrelid::regclass::text NOT LIKE '%auto_migrate%'
    UNION ALL
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid > 16384 AND conrelid::regclass::text NOT LIKE '%auto_migrate%'
    ORDER BY 1, 2
"""

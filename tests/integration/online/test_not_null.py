"""NOT NULL of a column that is filled while others write its rows."""

from __future__ import annotations

import pytest

from tests.integration.online.shop import Shop, steps

# A row that is written while all are gone through, and then stands where nobody looks again.
MOVED = (
    "CREATE SEQUENCE moves;"
    "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF nextval('moves') = 1 THEN UPDATE shop_item SET token = NULL WHERE id = 7; END IF; RETURN NULL; END $$;"
    "CREATE TRIGGER auto_migrate_move AFTER UPDATE ON shop_item EXECUTE FUNCTION move()"
)
# Whoever wrote such a row from here on, whatever of it, would be refused.
REFUSING = (
    "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF current_query() LIKE '%NOT VALID%' THEN IF EXISTS (SELECT FROM shop_item WHERE token IS NULL) THEN"
    " RAISE 'Rows that nobody may update are there.'; END IF; END IF; END $$;"
    "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION refuse()"
)
# Leaves the column out, as the running release does, whenever the table was changed.
LEAVING_OUT = (
    "CREATE FUNCTION leave_out() RETURNS event_trigger LANGUAGE plpgsql"
    " AS $$ BEGIN INSERT INTO shop_item (name) VALUES ('new'); END $$;"
    "CREATE EVENT TRIGGER leave_out ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION leave_out()"
)
DEFAULT = (
    "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum"
    " WHERE attrelid = 'shop_item'::regclass AND attname = 'number'"
)


def test_rows_that_are_written_meanwhile_can_always_be_written_again(shop: Shop) -> None:
    shop.second(
        'migrations.AddField("item", "token", models.FloatField(db_default=functions.Random()))',
        before="from django.db.models import functions",
    )
    assert steps(shop)[0].count("fill") == 3
    shop.query(MOVED)
    shop.query(REFUSING)
    shop.deploy()
    assert shop.query("SELECT last_value > 2, (SELECT count(token) FROM shop_item) FROM moves") == [(True, 300)]


def test_whoever_leaves_the_column_out_has_its_default_before_null_is_refused(shop: Shop) -> None:
    shop.query("UPDATE shop_item SET number = NULL WHERE id < 9")
    shop.second('migrations.AlterField("item", "number", models.IntegerField(db_default=3))')
    shop.query(LEAVING_OUT)
    shop.deploy()
    assert shop.query("SELECT min(number), count(*) > 10 FROM shop_item WHERE number = 3") == [(3, True)]


@pytest.mark.parametrize("before", [[], [("7",)]])
def test_a_default_is_put_back_with_what_came_along(shop: Shop, before: list[tuple[str]]) -> None:
    for (default,) in before:
        shop.query(f"ALTER TABLE shop_item ALTER number SET DEFAULT {default}")
    shop.query("UPDATE shop_item SET number = 9 WHERE id < 9")
    shop.second('migrations.AlterField("item", "number", models.IntegerField(null=True, db_default=3, unique=True))')
    assert "put back as it was" in shop.deploy(expect=1).text
    assert shop.query(DEFAULT) == before


@pytest.mark.parametrize("obstacle", ["NOT VALID", "NO INHERIT"])
def test_rows_that_a_constraint_would_refuse_when_they_are_written_are_left_to_django(
    shop: Shop, obstacle: str
) -> None:
    shop.query(
        f"ALTER TABLE shop_item ADD CONSTRAINT legacy CHECK (number > {7 * (obstacle == 'NOT VALID')}) {obstacle}"
    )
    shop.second(
        'migrations.AddField("item", "token", models.FloatField(db_default=functions.Random()))',
        before="from django.db.models import functions",
    )
    assert steps(shop)[0].count("fill") == 3 * (obstacle != "NOT VALID")
    shop.deploy()

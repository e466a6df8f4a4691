"""NOT NULL of a column that is filled while others write its rows."""

from __future__ import annotations

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

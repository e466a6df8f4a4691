"""Phases follow the graph: across apps, `run_before` and squashes."""

from __future__ import annotations

from tests.integration.phases.shop import ADD_COLOUR, ADD_SIZE, DROP_NOTE, FIRST, INITIAL, SECOND, Migration, Shop

SHELF = 'migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))])'
SQUASHED = Migration(
    f"{INITIAL}, {ADD_COLOUR}, {DROP_NOTE}",
    attributes='replaces = [("shop", "0001_initial"), ("shop", "0002_colour"), ("shop", "0003_drop_note")]',
)


def test_an_app_that_waits_holds_no_other_up(open_shop: Shop) -> None:
    open_shop.release("v2", SECOND, stock={"0001_shelf": Migration(SHELF, "shop.0002_colour")}).migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_colour", "stock.0001_shelf"]


def test_a_dependency_of_another_app_counts(open_shop: Shop) -> None:
    v2 = open_shop.release("v2", SECOND, stock={"0001_shelf": Migration(SHELF, "shop.0003_drop_note")})
    refused = v2.run("auto_migrate")
    assert refused.returncode == 6
    assert "stock.0001_shelf is for before the deploy and depends on shop.0003_drop_note" in refused.stderr


def test_what_is_to_run_before_another_apps_migration_counts(open_shop: Shop) -> None:
    before = Migration(DROP_NOTE, "0001_initial", 'run_before = [("stock", "0001_shelf")]')
    v2 = open_shop.release("v2", {**FIRST, "0002_drop_note": before}, stock={"0001_shelf": Migration(SHELF)})
    refused = v2.run("auto_migrate")
    assert refused.returncode == 6
    assert "stock.0001_shelf is for before the deploy and depends on shop.0002_drop_note" in refused.stderr


def test_a_squash_leaves_to_its_parts_what_they_left(open_shop: Shop) -> None:
    open_shop.release("v2", SECOND).migrated()
    v3 = open_shop.release("v3", {**SECOND, "0001_squashed": SQUASHED})
    v3.migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_colour"]
    v3.migrated("--phase", "post_deploy")
    assert sorted(open_shop.recorded()) == sorted([*SECOND, "0001_squashed"])
    assert v3.run("auto_migrate", "--check", "--phase", "all").returncode == 0


def test_a_squash_on_an_empty_database_has_one_phase(shop: Shop) -> None:
    shop.release("v3", {**SECOND, "0001_squashed": SQUASHED}).migrated()
    assert "0001_squashed" in shop.recorded()
    assert shop.query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'shop_order'") == [(3,)]


def test_an_app_that_is_new_to_the_database_is_nobodys_yet(open_shop: Shop) -> None:
    stock = {
        "0001_shelf": Migration(SHELF),
        "0002_place": Migration('migrations.AddField("Shelf", "place", models.TextField(null=True))', "0001_shelf"),
        "0003_gone": Migration('migrations.RemoveField("Shelf", "place")', "0002_place"),
        "0004_size": Migration('migrations.AddField("Shelf", "size", models.TextField(null=True))', "0003_gone"),
    }
    open_shop.release("v2", FIRST, stock=stock).migrated()
    assert open_shop.recorded() == ["0001_initial", *(f"stock.{name}" for name in stock)]


def test_sql_is_told_apart_as_operations_are(open_shop: Shop) -> None:
    sql = {
        **FIRST,
        "0002_sql": Migration('migrations.RunSQL("ALTER TABLE shop_order ADD COLUMN tag text", "")', "0001_initial"),
        "0003_sql": Migration('migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN total", "")', "0002_sql"),
        "0004_data": Migration("migrations.RunPython(migrations.RunPython.noop)", "0001_initial"),
        "0005_merge": Migration("", "0003_sql 0004_data"),
    }
    v2 = open_shop.release("v2", sql)
    v2.migrated()
    assert sorted(open_shop.recorded()) == ["0001_initial", "0002_sql", "0004_data"]
    v2.migrated("--phase", "post_deploy")
    assert sorted(open_shop.recorded()) == list(sql)


def test_a_field_that_was_taken_out_of_the_state_first_is_dropped_after_the_deploy(open_shop: Shop) -> None:
    forget = f"migrations.SeparateDatabaseAndState(state_operations=[{DROP_NOTE}])"
    open_shop.release("v2", {**FIRST, "0002_forget": Migration(forget, "0001_initial")}).migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_forget"]
    drop = 'migrations.RunSQL("ALTER TABLE shop_order DROP COLUMN note", migrations.RunSQL.noop)'
    third = {
        **FIRST,
        "0002_forget": Migration(forget, "0001_initial"),
        "0003_size": Migration(ADD_SIZE, "0002_forget"),
        "0004_drop": Migration(drop, "0003_size"),
    }
    v3 = open_shop.release("v3", third)
    v3.migrated()
    assert open_shop.recorded() == ["0001_initial", "0002_forget", "0003_size"]

"""What goes online: stock operations on tables that are not small, and nothing that has no steps."""

from __future__ import annotations

import json
import threading
import time

import psycopg
import pytest

from tests.integration.online.shop import ALWAYS, Shop, handled, steps

ADD = 'migrations.AddIndex("item", models.Index(fields=["number"], name="item_number"))'
LARGE = {**ALWAYS, "ONLINE": "auto", "BLOCK": "notice", "SMALL_TABLE": 100, "LOCK_BUDGET": 0}


def test_a_large_table_is_changed_online_and_nothing_stops_the_plan(shop: Shop) -> None:
    shop.second(ADD)
    shop.settings(AUTO_MIGRATE={**LARGE, "ONLINE": "never"})
    assert "AM109" in shop.deploy(expect=6).text
    shop.settings(AUTO_MIGRATE=LARGE)
    assert (steps(shop), handled(shop)) == ([["build_index"]], {"AM109": "online"})
    assert "step 1 of 1: build_index" in shop.deploy().text


def test_a_type_that_touches_no_row_comes_after_what_may_be_refused(shop: Shop) -> None:
    shop.second('migrations.AlterField("item", "name", models.CharField(max_length=40, db_index=True))')
    assert steps(shop) == [["build_index", "build_index", "change"]]
    shop.deploy()
    assert sum("(name" in index for index in shop.indexes()) == 2


def test_a_small_table_is_changed_in_the_one_transaction(shop: Shop) -> None:
    shop.settings(AUTO_MIGRATE={**LARGE, "SMALL_TABLE": 1000, "BLOCK": "never"})
    shop.second(f"{ADD}, migrations.RunSQL('SELECT 1 / 0')")
    before = shop.schema
    assert steps(shop) == [[], []]
    shop.deploy(expect=1)
    assert shop.schema == before


def test_what_has_no_steps_is_done_as_it_is_written_and_the_finding_stands(shop: Shop) -> None:
    shop.query("CREATE TABLE child () INHERITS (shop_item)")
    shop.second(ADD)
    shop.settings(AUTO_MIGRATE=LARGE)
    assert (steps(shop), handled(shop)) == ([[]], {"AM109": None})
    shop.deploy(expect=6)
    shop.deploy(AUTO_MIGRATE_BLOCK="never")
    assert any("item_number" in index for index in shop.indexes())


def test_a_partitioned_table_is_changed_as_it_is_written(shop: Shop) -> None:
    shop.query("ALTER TABLE shop_item RENAME TO part")
    shop.query("CREATE TABLE shop_item (LIKE part) PARTITION BY RANGE (id)")
    shop.query("CREATE TABLE rest PARTITION OF shop_item DEFAULT")
    shop.query("INSERT INTO shop_item SELECT * FROM part")
    shop.second(ADD)
    shop.settings(AUTO_MIGRATE=LARGE)
    assert steps(shop) == [[]]
    shop.deploy(AUTO_MIGRATE_BLOCK="never")


def test_a_fill_waits_for_those_for_whom_a_backfill_waits(shop: Shop) -> None:
    shop.settings(AUTO_MIGRATE={**ALWAYS, "BACKFILL_TRANSACTION": 0.2})
    shop.query("UPDATE shop_item SET number = NULL WHERE id < 9")
    shop.second('migrations.AlterField("item", "number", models.IntegerField(default=3))')
    with psycopg.connect(shop.url) as reader:
        reader.execute("SELECT FROM shop_item")
        # One that has lasted for longer than BACKFILL_TRANSACTION when it is looked for.
        time.sleep(0.5)

        def end_when_it_is_waited_for() -> None:
            while not shop.query("SELECT 1 FROM auto_migrate_step WHERE jsonb_array_length(online -> 'steps') > 0"):
                time.sleep(0.05)
            time.sleep(1)
            reader.rollback()

        thread = threading.Thread(target=end_when_it_is_waited_for)
        thread.start()
        told = shop.deploy().text
        thread.join()
    assert '"shop_item" is being filled: 0 %, waits: a transaction of' in told
    assert shop.query("SELECT count(*) FROM shop_item WHERE number = 3") == [(8,)]


def test_python_keeps_its_place_and_has_a_transaction_of_its_own(shop: Shop) -> None:
    before = "def shout(apps, editor):\n    item = apps.get_model('shop', 'Item')\n"
    before += "    item.objects.update(name=models.F('label'))\n    assert item.objects.count() != 300\n"
    label = 'migrations.AddField("item", "label", models.CharField(max_length=9, default="x", db_index=True))'
    shop.second(f"{label}, migrations.RunPython(shout)", before=before)
    failed = shop.deploy(expect=1)
    assert "carried out online" in failed.text
    assert shop.query("SELECT count(*) FROM shop_item WHERE name = 'x'") == [(0,)]
    shop.query("DELETE FROM shop_item WHERE id = 1")
    shop.deploy()
    assert shop.query("SELECT count(*) FROM shop_item WHERE name = 'x'") == [(299,)]


def test_a_pull_request_is_told_the_same(shop: Shop) -> None:
    shop.second(ADD)
    assert shop.run("assess_migrations", "shop.0002").code == 6
    assert shop.run("assess_migrations", "--online", "shop.0002").code == 0
    told = json.loads(shop.run("assess_migrations", "--online", "--format", "json", "shop.0002").output)
    assert told["counts"]["handled"] == 1
    # A table that the same change makes is nobody's yet.
    told = json.loads(shop.run("assess_migrations", "--online", "--format", "json", "shop").output)
    assert [one["online"] for migration in told["migrations"] for one in migration["operations"]] == [[]] * 4


def test_who_is_in_the_way_is_named_and_the_next_run_goes_on(shop: Shop) -> None:
    check = (
        'migrations.AddConstraint("item", models.CheckConstraint(condition=models.Q(number__gt=0), name="positive"))'
    )
    shop.second(f"{ADD}, {check}")
    with psycopg.connect(shop.url, application_name="a forgotten console") as other:
        other.execute("LOCK TABLE shop_item IN ACCESS SHARE MODE")
        # Whom a build waits for is an older transaction that looks at rows.
        done = shop.deploy(expect=1, AUTO_MIGRATE_LOCK_PATIENCE="1")
        assert "a forgotten console" in done.text
        assert "where the next run goes on" in done.text
        assert any("item_number" in index for index in shop.indexes())
    for command in (["auto_migrate", "--check"], ["auto_migrate", "--plan"], ["migrate"]):
        told = shop.run(*command).text
        assert "Let it be finished" in told or "Nothing stops this plan" in told
        assert "Put them back" not in told
    assert "No migrations" not in shop.deploy().text
    assert ("positive", "CHECK ((number > 0))") in shop.constraints()


def commit_behind_a_wait(shop: Shop, other: psycopg.Connection) -> None:
    """End a transaction some seconds after a build was seen to wait for it."""
    waits = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
    while not shop.query(waits):
        time.sleep(0.05)
    time.sleep(4)
    other.commit()


def test_a_build_waits_for_older_transactions_and_says_for_whom(shop: Shop) -> None:
    shop.second(ADD)
    with psycopg.connect(shop.url, application_name="an old report") as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("UPDATE shop_item SET number = 5 WHERE id = 5")
        thread = threading.Thread(target=commit_behind_a_wait, args=(shop, other))
        thread.start()
        done = shop.deploy()
        thread.join()
    assert "an old report" in done.text


@pytest.mark.parametrize("statement", ["DROP", "CREATE"])
def test_an_index_that_a_cut_statement_left_invalid_is_finished(shop: Shop, statement: str) -> None:
    shop.second(ADD)
    shop.deploy()
    shop.migration("shop", "0003_third", 'migrations.RemoveIndex("item", "item_number")', after="0002_second")
    shop.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'item_number'::regclass")
    if statement == "CREATE":
        shop.query("DELETE FROM django_migrations WHERE name = '0002_second'")
        (shop.folder / "code/shop/migrations/0003_third.py").unlink()
    shop.deploy()
    found = [index for index in shop.indexes() if "item_number" in index]
    assert found == (
        [] if statement == "DROP" else ["CREATE INDEX item_number ON public.shop_item USING btree (number)"]
    )


def test_two_runners_carry_it_out_once(shop: Shop) -> None:
    shop.second(f"{ADD}, migrations.RunSQL('UPDATE shop_item SET number = number + 1')")
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(shop.run("auto_migrate").code)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0, 0]
    assert shop.query("SELECT sum(number) FROM shop_item") == [(300 * 301 // 2 + 300,)]


def test_plain_sql_goes_online_and_what_may_mean_more_does_not(shop: Shop) -> None:
    shop.second(
        "migrations.RunSQL(['create index item_number on shop_item (number)',"
        " 'alter table shop_item add constraint positive check (number > 0)']),"
        "migrations.RunSQL('ALTER TABLE shop_item ALTER number SET NOT NULL;"
        " ALTER TABLE ONLY shop_item ADD UNIQUE (name)'),"
        "migrations.RunSQL('CREATE INDEX IF NOT EXISTS other ON shop_item (name)'),"
        "migrations.RunSQL('ALTER TABLE shop_item ALTER number SET NOT NULL'),"
        # One statement that does more than one thing, and what writes the table anew beside an index.
        "migrations.RunSQL('ALTER TABLE shop_item ADD CONSTRAINT a CHECK (id > 0), ADD CONSTRAINT b CHECK (id > -1)'),"
        "migrations.RunSQL('ALTER TABLE shop_item ADD CONSTRAINT c UNIQUE (id), ADD CONSTRAINT d UNIQUE (name)'),"
        "migrations.RunSQL('ALTER TABLE shop_item ALTER number TYPE bigint; CREATE INDEX e ON shop_item (id)'),"
    )
    names = ["build_index", "look", "change", "validate"]
    assert steps(shop) == [names, [], [], ["look", "change", "validate"], [], [], []]
    shop.query("ALTER TABLE shop_item ALTER number DROP NOT NULL")
    shop.deploy()
    assert ("number", True) in shop.columns()
    assert ("positive", "CHECK ((number > 0))") in shop.constraints()


def test_a_key_that_somebody_does_not_want_to_hold_old_rows_stays_so(shop: Shop) -> None:
    key = "ALTER TABLE shop_item ADD CONSTRAINT late FOREIGN KEY (kind_number) REFERENCES shop_kind (id) NOT VALID"
    shop.query("UPDATE shop_item SET kind_number = 77 WHERE id = 3")
    shop.second(f"migrations.RunSQL('{key}')")
    shop.deploy()
    assert ("late", "FOREIGN KEY (kind_number) REFERENCES shop_kind(id) NOT VALID") in shop.constraints()


def test_the_script_of_a_plan_has_its_transactions_where_the_run_has_them(shop: Shop) -> None:
    check = (
        'migrations.AddConstraint("item", models.CheckConstraint(condition=models.Q(number__gt=0), name="positive"))'
    )
    shop.second(f"{ADD}, {check}, migrations.RunSQL('SELECT 1')")
    script = shop.run("auto_migrate", "--sql").output
    assert [line for line in script.splitlines() if not line.startswith("--")] == [
        'CREATE INDEX CONCURRENTLY "item_number" ON "shop_item" ("number");',
        'SELECT FROM "shop_item" WHERE ("number" > 0) IS FALSE LIMIT 1;',
        "BEGIN;",
        'ALTER TABLE "shop_item" ADD CONSTRAINT "positive" CHECK ("number" > 0) NOT VALID;',
        "COMMIT;",
        "BEGIN;",
        'ALTER TABLE "shop_item" VALIDATE CONSTRAINT "positive";',
        "COMMIT;",
        "BEGIN;",
        "SELECT 1;",
        "COMMIT;",
        "",
    ]


@pytest.mark.parametrize(
    "sql", ["SET LOCAL session_replication_role = replica", "CREATE TEMP TABLE t () ON COMMIT DROP"]
)
def test_what_lasts_as_long_as_the_transaction_keeps_its_migration_in_one(shop: Shop, sql: str) -> None:
    shop.second(f"migrations.RunSQL('{sql}'), {ADD}")
    assert steps(shop) == [[], []]
    shop.second(f"{ADD}, migrations.RunSQL('{sql}')")
    assert steps(shop) == [["build_index"], []]

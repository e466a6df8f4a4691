"""`Backfill` and `FinishBackfill` in the release step, under stock `migrate`, and backwards."""

from __future__ import annotations

import json
import threading

import pytest

from tests.integration.backfills.shop import IMPORTS, ORDER, Shop

COUNT = 'Backfill("shop.Order", "count", set={"n": F("n") + 1}, reverse_set={"n": F("n") - 1}, batch_rows=7'
LATER = f"{COUNT}, background=True)"
FINISH = 'FinishBackfill("shop", "count")'


def test_it_is_carried_out_at_its_place_in_a_migration_that_says_nothing_of_atomic(anywhere: Shop) -> None:
    shop = anywhere.begin()
    after = 'migrations.RunSQL("UPDATE shop_order SET total = n")'
    shop.then("0002_count", f'migrations.AddField("Order", "x", models.IntegerField(null=True)), {COUNT}), {after}')
    done = shop.run("auto_migrate")
    assert done.code == 0, done.text
    assert "shop.count: 50/50 rows, done" in done.output
    assert shop.times() == [(1, 50)]
    assert shop.query("SELECT count(*) FROM shop_order WHERE total = 1 AND x IS NULL")[0][0] == 50
    told = shop.backfill("count")
    assert (told["state"], told["done"], told["total"], told["held_by"]) == ("succeeded", 50, 50, "")
    assert shop.run("auto_migrate").code == 0
    assert shop.times() == [(1, 50)]


@pytest.mark.parametrize("head", ["initial = False", "atomic = False"])
def test_stock_migrate_carries_it_out_and_takes_it_back(shop_on_postgresql: Shop, head: str) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER, head=head)
    shop.then("0003_finish", FINISH)
    assert shop.run("migrate").code == 0
    assert (shop.times(), shop.backfill("count")["state"]) == ([(1, 50)], "succeeded")
    assert shop.run("migrate", "shop", "0001").code == 0
    assert shop.times() == [(0, 50)]
    shop.settings(INSTALLED_APPS=["shop"])
    assert shop.run("migrate").code == 0
    assert shop.times() == [(1, 50)]


def test_one_in_the_background_leaves_the_release_step_and_is_told(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER)
    done = shop.run("auto_migrate")
    assert (done.code, shop.times()) == (0, [(0, 50)])
    assert "Not finished, in the background: shop.count: not begun" in done.output
    checked = shop.run("auto_migrate", "--check")
    assert checked.code == 0
    assert "shop.count" in checked.output
    status, health = shop.get("/health/")
    assert (status, health["status"], health["backfills"]) == (200, "healthy", {"pending": 1})
    assert shop.run("backfills", "run").code == 0
    assert shop.times() == [(1, 50)]


def test_what_takes_longer_ends_with_10_before_anything_is_applied(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER)
    assert shop.run("auto_migrate").code == 0
    shop.then("0003_more", 'migrations.AddField("Order", "x", models.IntegerField(null=True))')
    shop.then("0004_finish", FINISH)
    shop.query("UPDATE auto_migrate_backfill SET done = 10, total = 1000, seconds = 10")
    refused = shop.run("auto_migrate")
    assert refused.code == 10, refused.text
    assert "will take another 16 min: shop.count: 10/1000 rows" in refused.errors
    assert shop.recorded[-1] == "shop.0002_count"
    shown = shop.run("auto_migrate", "--plan")
    assert (shown.code, shown.errors) == (10, refused.errors)
    assert "Nothing stops this plan" not in shown.output
    for action, words in (("pause", "paused"), ("cancel", "was cancelled")):
        assert shop.run("backfills", action, "count").code == 0
        stopped = shop.run("auto_migrate")
        assert (stopped.code, words in stopped.errors) == (10, True), stopped.text
    assert shop.run("backfills", "resume", "shop.count").code == 0
    assert shop.run("auto_migrate", AUTO_MIGRATE_BACKFILL_FINISH="2000").code == 0
    assert shop.times() == [(1, 50)]


def test_one_plan_may_begin_and_finish_it(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER)
    shop.then("0003_finish", FINISH)
    assert shop.run("auto_migrate", AUTO_MIGRATE_BACKFILL_FINISH="0").code == 0
    assert shop.times() == [(1, 50)]


def test_a_function_that_raises_fails_it_with_what_it_did_kept_and_it_goes_on_when_resumed(anywhere: Shop) -> None:
    shop = anywhere.begin()
    function = """
import os
def count(apps, schema_editor, batch):
    for order in batch:
        if order.pk == 30 and not os.environ.get("MENDED"):
            raise ValueError("password=hunter2 refused")
        batch.filter(pk=order.pk).update(n=order.n + 1)
"""
    fails = 'Backfill("shop.Order", "count", function=count, batch_rows=4, background=True)'
    shop.then("0002_count", fails, before=function)
    assert shop.run("auto_migrate").code == 0
    failed = shop.run("backfills", "run")
    assert failed.code == 1
    assert "Backfill shop.count failed: ValueError" in failed.errors
    assert "manage.py backfills resume shop.count" in failed.errors
    told = shop.backfill("count")
    assert told["state"] == "failed"
    assert "ValueError" in told["error"]
    assert "hunter2" not in failed.text + json.dumps(told)
    assert 0 < dict(shop.times())[1] < 30
    # Nobody goes on with it by himself.
    assert (shop.run("backfills", "run").code, shop.backfill("count")["state"]) == (0, "failed")
    assert shop.run("backfills", "resume", "count").code == 0
    assert shop.run("backfills", "run", MENDED="1").code == 0
    assert (shop.times(), shop.backfill("count")["error"]) == ([(1, 50)], "")


def test_in_the_release_step_what_failed_is_tried_again_by_the_next_one(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    function = """
import os
def count(apps, schema_editor, batch):
    if not os.environ.get("MENDED"):
        raise ValueError("not yet")
    batch.update(n=F("n") + 1)
"""
    shop.then("0002_count", 'Backfill("shop.Order", "count", function=count, where=Q(pk__gt=10))', before=function)
    failed = shop.run("auto_migrate")
    assert (failed.code, "ValueError: not yet" in failed.errors) == (1, True)
    checked = shop.run("auto_migrate", "--check")
    assert "Let it be finished: manage.py auto_migrate\n" in checked.errors
    shop.query("UPDATE auto_migrate_backfill SET state = 'paused'")
    threading.Timer(2, shop.run, ("backfills", "resume", "count")).start()
    done = shop.run("auto_migrate", MENDED="1")
    assert (done.code, shop.times()) == (0, [(0, 10), (1, 40)])
    # Not at every look.
    assert done.output.count("paused until manage.py backfills resume shop.count") == 1


def test_an_empty_table_is_done(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin(0)
    shop.then("0002_count", f"{COUNT})")
    assert shop.run("auto_migrate").code == 0
    assert shop.query("SELECT state, done, total FROM auto_migrate_backfill") == [("succeeded", 0, 0)]


def test_rows_that_the_condition_leaves_out_stay_and_null_is_no_match(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.query("UPDATE shop_order SET total = id WHERE id <= 20")
    shop.then(
        "0002_count", 'Backfill("shop.Order", "count", set={"n": F("n") + 1}, where=Q(total__gt=5), batch_rows=3)'
    )
    assert shop.run("auto_migrate").code == 0
    assert shop.times() == [(0, 35), (1, 15)]


def test_it_is_half_taken_back_where_it_was_half_done(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER)
    assert shop.run("auto_migrate").code == 0
    # As a worker leaves it that was killed.
    shop.query("UPDATE shop_order SET n = 1 WHERE id <= 20")
    shop.query(
        "UPDATE auto_migrate_backfill SET state = 'running', done = 20, total = 50, cursor = '[20]', upper = '[50]'"
    )
    assert shop.run("auto_migrate", "shop", "0001").code == 0
    assert shop.times() == [(0, 50)]
    assert shop.run("auto_migrate").code == 0
    assert shop.run("backfills", "run").code == 0
    assert shop.times() == [(1, 50)]


def test_what_is_being_taken_back_is_no_worker_s_and_is_not_gone_on_with_forwards(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER)
    assert shop.run("auto_migrate").code == 0
    shop.query("UPDATE auto_migrate_backfill SET backwards = true")
    assert shop.run("backfills", "run").code == 0
    shop.then("0003_finish", FINISH)
    refused = shop.run("auto_migrate")
    assert (refused.code, "was cut while it was taken back" in refused.errors) == (1, True)
    assert shop.times() == [(0, 50)]


def test_without_a_reverse_it_cannot_be_unapplied_and_noop_forgets_it(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", 'Backfill("shop.Order", "count", set={"n": 1})')
    assert shop.run("auto_migrate").code == 0
    assert shop.run("auto_migrate", "shop", "0001").code == 6
    shop.last = "0001_initial"
    shop.then("0002_count", 'Backfill("shop.Order", "count", set={"n": 1}, reverse_function=Backfill.noop)')
    assert shop.run("auto_migrate", "shop", "0001").code == 0
    assert (shop.times(), shop.query("SELECT * FROM auto_migrate_backfill")) == ([(1, 50)], [])


def test_a_squash_keeps_what_is_done_and_what_is_not(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", LATER)
    assert shop.run("auto_migrate").code == 0
    squashed = 'replaces = [("shop", "0001_initial"), ("shop", "0002_count")]'
    shop.migration("shop", "0001_squashed", f"{ORDER}, {LATER}", before=IMPORTS, head=squashed)
    assert shop.run("auto_migrate").code == 0
    assert shop.run("backfills", "run").code == 0
    assert shop.run("auto_migrate").code == 0
    assert (shop.times(), len(shop.query("SELECT * FROM auto_migrate_backfill"))) == ([(1, 50)], 1)


def test_two_of_one_name_are_refused_before_anything_is_applied(shop: Shop) -> None:
    shop.begin()
    shop.then("0002_count", f"{COUNT})")
    shop.then("0003_again", f"{COUNT})")
    refused = shop.run("auto_migrate")
    assert refused.code == 2
    assert "Two backfills are called shop.count: shop.0002_count, shop.0003_again." in refused.errors
    assert shop.times() == [(0, 50)]


def test_the_plan_says_what_it_will_do_and_finds_no_hazard(shop_on_postgresql: Shop) -> None:
    shop = shop_on_postgresql.begin()
    shop.then("0002_count", f"{COUNT})")
    plan = shop.run("auto_migrate", "--plan")
    assert plan.code == 0
    assert "shop.0002_count (not atomic)" in plan.output
    assert "rows of shop_order are written in batches by primary key" in plan.output
    assert "AM5" not in plan.output
    assert "Nothing stops this plan." in plan.output
    script = shop.run("auto_migrate", "--sql")
    assert (script.code, "BEGIN" in script.output) == (0, False)

"""Backfills of tenants' rows: in each schema by itself, at its place or in the background."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.fallback.project import Done
from tests.integration.fleet.tenanted import Tenanted
from tests.servers import PostgreSQL

BEFORE = """
import os, signal
from django.db import connection
from django.db.models import F
from auto_migrate.operations import Backfill, FinishBackfill

begun = 0

def kill(apps, schema_editor, batch):
    global begun
    batch.update(n=F("n") + 1)
    begun += 1
    if begun == int(os.environ.get("KILL_AT", 0)):
        os.kill(os.getpid(), signal.SIGKILL)

def go_astray(apps, schema_editor, batch):
    if connection.schema_name == "delta":
        raise ValueError("not here")
    batch.update(n=F("n") + 1)
    connection.set_schema("delta")
"""
DYING = """
import os, signal

def die(apps, schema_editor):
    if "KILL_AT" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
"""
# A listener of the project's own, which drops a tenant when its backfill has begun.
DROPPING = """
    import os
    import psycopg
    from django.db import connection

    def listen(event, context):
        if event.kind == "backfill_progressed" and context.schema == "beta" and event.state == "running":
            settings = {"dbname": connection.settings_dict["NAME"]}
            for key in ("host", "port", "user", "password"):
                settings[key] = connection.settings_dict[key.upper()]
            with psycopg.connect(**settings, autocommit=True) as other:
                other.execute("DROP SCHEMA beta CASCADE")
"""
# Ends the process at the n-th statement, before it or after it.
COUNTING = """
    import os, signal
    from django.apps import AppConfig
    from django.db.backends.signals import connection_created

    sent = 0

    def count(execute, sql, params, many, context):
        global sent
        sent += 1
        here = sent == int(os.environ.get("KILL_AT", 0))
        if here and "BEFORE" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return execute(sql, params, many, context)
        finally:
            if here:
                os.kill(os.getpid(), signal.SIGKILL)

    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            if "KILL_AT" in os.environ:
                connection_created.connect(
                    lambda connection, **_: connection.execute_wrappers.append(count), weak=False
                )
"""
# Tells at the end how many connections were made, and statements sent.
TELLING = """
    import atexit
    from django.apps import AppConfig
    from django.db.backends.signals import connection_created

    made, sent = 0, 0

    def count(execute, *statement):
        global sent
        sent += 1
        return execute(*statement)

    def watch(connection, **_):
        global made
        made += 1
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            connection_created.connect(watch)
            atexit.register(lambda: open("counted", "w").write(f"{made} {sent}"))
"""
N = 'migrations.AddField("item", "n", models.IntegerField(default=0)),'
COUNT = 'Backfill("shop.Item", "count", {what}, batch_rows=7{more}),'
SET = 'set={"n": F("n") + 1}'
BACKGROUND = ", background=True"
FINISH = 'FinishBackfill("shop", "count"),'
NAMES = ("acme", "beta", "gamma", "delta")
ONE_AT_A_TIME = {"AUTO_MIGRATE_TENANT_WORKERS": "1"}
SWEPT = pytest.mark.skipif("SWEEP" not in os.environ, reason="make sweep")
Times = dict[str, list[tuple[int, int]]]


def with_backfill(project: Tenanted, more: str = "", what: str = SET, names: Sequence[str] = NAMES) -> Tenanted:
    """Give each tenant forty rows, and write a migration that counts each of them up."""
    for name in names:
        project.query(f"INSERT INTO {name}.shop_item SELECT number FROM generate_series(1, 40) AS number")
    project.migration("shop", "0002_n", N, after="0001_initial")
    project.migration("shop", "0003_count", COUNT.format(what=what, more=more), after="0002_n", before=BEFORE)
    return project


def times(project: Tenanted, *names: str) -> Times:
    """Return how many rows of each schema were counted up how often."""
    counted = "SELECT n, count(*) FROM {name}.shop_item GROUP BY n ORDER BY n"
    return {name: project.query(counted.format(name=name)) for name in names or NAMES}


def each(times: int, *names: str) -> Times:
    """Return what `times` is where every row was counted up so often."""
    return {name: [(times, 40)] for name in names or NAMES}


def states(project: Tenanted) -> dict[str, str]:
    return dict(project.query("SELECT schema, state FROM auto_migrate_backfill"))


def test_killed_at_its_place_the_next_run_has_each_row_written_once_and_a_way_back(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, ', reverse_set={"n": F("n") - 1}', "function=kill")
    # A new tenant has nothing to be done, and nothing is kept of it.
    project.tenants("fresh")
    # However many rows each batch takes, a schema has two at the least.
    assert project.killed("auto_migrate", KILL_AT="3") == -signal.SIGKILL
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert (times(project), states(project)) == (each(1), dict.fromkeys(NAMES, "succeeded"))
    assert "shop.0003_count" in project.recorded_in("fresh")
    back = project.run("auto_migrate", "shop", "0002")
    assert back.code == 0, back.text
    assert (times(project), states(project)) == (each(0), {})


def test_in_the_background_each_schema_holds_the_plan_back_until_its_own_is_done(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, BACKGROUND)
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert "shop.count: not begun, in 4 schemas: acme, beta, delta, gamma" in done.output
    assert project.get("/health/")[1]["backfills"] == {"pending": 4}
    assert project.run("backfills", "pause", "count", "--tenant=beta").output.startswith("paused ")
    worker = project.run("backfills", "run")
    assert worker.code == 0, worker.text
    assert "shop.count: 120/120 rows, done, in 3 schemas: acme, delta, gamma" in worker.output
    assert times(project) == {**each(1, "acme", "gamma", "delta"), **each(0, "beta")}
    project.migration("shop", "0004_finish", FINISH, after="0003_count", before=BEFORE)
    refused = project.run("auto_migrate")
    assert refused.code == 10, refused.text
    assert "in 1 schema: beta" in refused.errors
    shown = project.run("auto_migrate", "--plan")
    assert (shown.code, "in 1 schema: beta" in shown.errors) == (10, True), shown.text
    # Nothing of the plan is applied anywhere, not even where all is done.
    assert "shop.0004_finish" not in project.recorded_in("public") | project.recorded_in("acme")
    assert "1 schema: beta" in project.run("backfills", "resume", "count").output
    done = project.run("auto_migrate")
    assert (done.code, times(project)) == (0, each(1)), done.text


@pytest.mark.sampled(2)
@pytest.mark.parametrize("more", [BACKGROUND, ""])
def test_a_schema_that_is_dropped_ends_its_own_and_one_that_fails_ends_no_others(tenanted: Tenanted, more: str) -> None:
    project = with_backfill(tenanted, more, "function=go_astray")
    project.file("dropping.py", DROPPING)
    project.setting("LISTENERS", ["dropping.listen"])
    done = project.run("auto_migrate", "--max-failures=9")
    worker = project.run("backfills", "run") if more else done
    assert worker.code == 1, worker.text
    assert "ValueError: not here" in worker.errors
    # What leads the connection away leads no batch there.
    assert times(project, "acme", "gamma", "delta") == {**each(1, "acme", "gamma"), **each(0, "delta")}
    assert states(project) == {"acme": "succeeded", "gamma": "succeeded", "delta": "failed"}


@SWEPT
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("more", [BACKGROUND, ""])
def test_killed_at_any_statement_the_next_one_has_each_row_written_once(
    postgresql: PostgreSQL, of_four: str, tmp_path: Path, more: str
) -> None:
    command = ["backfills", "run"] if more else ["auto_migrate"]
    for moment in itertools.count(3, 13):
        name = f"test_{uuid.uuid4().hex[:12]}"
        project = Tenanted(tmp_path / name, postgresql.create_database(name, of_four), "django_tenants")
        with_backfill(project, more).file("shop/apps.py", COUNTING)
        if more:
            assert project.run("auto_migrate").code == 0
        ended = project.killed(*command, KILL_AT=str(moment), **({"BEFORE": "1"} if moment % 2 else {}))
        done = project.run(*command)
        assert done.code == 0, done.text
        assert (times(project), states(project)) == (each(1), dict.fromkeys(NAMES, "succeeded"))
        postgresql.drop_database(name)
        if ended == 0:
            # It was through before.
            break


@SWEPT
def test_workers_share_the_schemas(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, BACKGROUND)
    assert project.run("auto_migrate").code == 0
    ended: list[Done] = []
    workers = [threading.Thread(target=lambda: ended.append(project.run("backfills", "run"))) for _number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [done.code for done in ended] == [0, 0, 0]
    told = [json.loads(line) for line in project.run("backfills", "--format=json").output.splitlines()]
    assert {(one["schema"], one["state"], one["done"]) for one in told} == {(name, "succeeded", 40) for name in NAMES}
    assert times(project) == each(1)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("more", ["", BACKGROUND])
def test_a_schema_of_few_rows_costs_some_statements_and_no_connection(tenanted: Tenanted, more: str) -> None:
    tenanted.copies(*(others := [f"other{number}" for number in range(8)]), of="acme")
    project = with_backfill(tenanted, more, names=(*NAMES, *others))
    assert project.run("auto_migrate", *([] if more else ["shop", "0002"])).code == 0
    project.file("shop/apps.py", TELLING)
    done = project.run(*(["backfills", "run"] if more else ["auto_migrate"]), **ONE_AT_A_TIME)
    assert (done.code, times(project, *others)) == (0, each(1, *others)), done.text
    connections, statements = map(int, (project.folder / "counted").read_text().split())
    assert connections < 6
    # With two batches each; and what is asked of none of them.
    assert statements < 12 * 60 + 300


def test_rows_of_the_shared_schema_are_not_taken_for_those_of_a_tenant_who_has_no_table(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, what="function=kill")
    assert project.run("auto_migrate", "shop", "0002").code == 0
    project.query("ALTER TABLE beta.shop_item SET SCHEMA public")
    done = project.run("auto_migrate", "--max-failures=9")
    assert done.code == 1, done.text
    assert 'would change shop_item of the schema "public", since "beta" has no such table' in done.errors
    assert times(project, "acme", "public") == {**each(1, "acme"), **each(0, "public")}


def test_the_plan_is_held_back_as_long_as_the_workers_of_this_run_need(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, BACKGROUND)
    assert project.run("auto_migrate").code == 0
    project.migration("shop", "0004_finish", FINISH, after="0003_count", before=BEFORE)
    # By the size of its table each schema takes 20 ms.
    limits = {"AUTO_MIGRATE_BACKFILL_FINISH": "0.05", "AUTO_MIGRATE_TENANT_WORKERS": "4"}
    alone = "from auto_migrate.pipeline import *\nmigrate('default', RunRequest(workers=1))"
    refused = project.run("shell", "-c", alone, **limits)
    assert "BackfillUnfinished" in refused.text
    assert times(project) == each(0)
    done = project.run("auto_migrate", **limits)
    assert (done.code, times(project)) == (0, each(1)), done.text


def rename(project: Tenanted, **names: str) -> None:
    """Rename the schemas of some tenants, as an operator would by hand."""
    for former, name in names.items():
        project.query(f'ALTER SCHEMA "{former}" RENAME TO "{name}"')
        project.query(f"UPDATE customers_client SET schema_name = '{name}' WHERE schema_name = '{former}'")


def test_a_schema_that_is_renamed_takes_its_backfill_along(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, BACKGROUND)
    assert project.run("auto_migrate").code == 0
    assert project.run("backfills", "pause", "count", "--tenant=acme").code == 0
    # Two of them change names with each other.
    rename(project, beta="zeta", acme="former", gamma="acme", former="gamma")
    project.migration("shop", "0004_finish", FINISH, after="0003_count", before=BEFORE)
    refused = project.run("auto_migrate")
    assert refused.code == 10, refused.text
    assert "in 1 schema: gamma" in refused.errors
    assert project.run("backfills", "resume", "count").code == 0
    done = project.run("auto_migrate")
    names = ("acme", "gamma", "delta", "zeta")
    assert (done.code, times(project, *names), states(project)) == (
        0,
        each(1, *names),
        dict.fromkeys(names, "succeeded"),
    )


def test_a_copy_of_a_schema_is_not_taken_for_done_and_a_table_that_was_empty_is(tenanted: Tenanted) -> None:
    project = with_backfill(tenanted, BACKGROUND)
    project.tenants("fresh")
    assert project.run("auto_migrate").code == 0
    project.copies("copy", of="acme")
    assert project.run("backfills", "run").code == 0
    # As the release that runs now writes them.
    project.query("INSERT INTO fresh.shop_item VALUES (1, 1)")
    project.migration("shop", "0004_finish", FINISH, after="0003_count", before=BEFORE)
    told = "Backfill shop.count: 1 schema has rows, and nobody knows whether it is done there: copy."
    # Django's executor of the package's own command, too.
    for command in ("auto_migrate", "migrate_schemas"):
        refused = project.run(command)
        assert refused.code != 0, refused.text
        assert told in refused.text
    assert "shop.0004_finish" not in project.recorded_in("copy")
    assert project.run("backfills", "resume", "count", "--tenant", "copy").output.startswith("pending ")
    done = project.run("auto_migrate")
    names = (*NAMES, "copy")
    assert (done.code, times(project, *names), states(project)) == (
        0,
        each(1, *names),
        dict.fromkeys((*names, "fresh"), "succeeded"),
    )


@pytest.mark.sampled(1)
@pytest.mark.parametrize("what", ["function=kill", "of statements"])
def test_a_schema_that_is_renamed_after_a_cut_is_gone_on_with(tenanted: Tenanted, what: str) -> None:
    project = with_backfill(tenanted, what="function=kill")
    if what != "function=kill":
        counted = 'migrations.RunSQL("UPDATE shop_item SET n = n + 1"), migrations.RunPython(die),'
        project.migration("shop", "0003_count", counted, after="0002_n", before=DYING, head="atomic = False")
    assert project.killed("auto_migrate", KILL_AT="3") == -signal.SIGKILL
    names = {name: f"new_{name}" for name in NAMES}
    rename(project, **names)
    done = project.run("auto_migrate", "--resolve=shop.0003_count:2=redo", "--max-failures=9")
    done = project.run("auto_migrate") if what == "function=kill" else done
    assert (done.code, times(project, *names.values())) == (0, each(1, *names.values())), done.text

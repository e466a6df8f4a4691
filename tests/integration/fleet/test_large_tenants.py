"""What would hold a large tenant up is done online there, and at once in the small ones beside it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fleet.tenanted import Tenanted

INDEX = 'migrations.AddIndex("item", models.Index(fields=["id"], name="item_again")),'
ADD_SIZE = 'migrations.AddField("item", "size", models.IntegerField(null=True)),'
WIDEN = 'migrations.AlterField("item", "size", models.BigIntegerField(null=True)),'
TYPES = """
    SELECT table_schema, data_type FROM information_schema.columns
    WHERE table_name = 'shop_item' AND column_name = 'size'
"""
# A listener of the project's own, which ends the process at the n-th step that is begun.
KILLER = """
    import os, signal

    begun = 0

    def listen(event, context):
        global begun
        begun += event.kind == "online_step_started"
        if begun == int(os.environ.get("KILL_AT", 0)) > 0:
            os.kill(os.getpid(), signal.SIGKILL)
"""
# One that drops a tenant's schema as its n-th step begins, over a connection of its own.
DROPPER = """
    import os

    from django.db import connections

    begun = 0

    def listen(event, context):
        global begun
        begun += event.kind == "online_step_started"
        if begun == int(os.environ.get("DROP_AT", 0)) > 0:
            begun += 1
            other = connections["default"].copy()
            with other.cursor() as cursor:
                cursor.execute("DROP SCHEMA beta CASCADE")
            other.close()
"""
OF_PUBLIC = """
    SELECT attname::text FROM pg_attribute WHERE attrelid = 'public.shop_item'::regclass AND attnum > 0
    UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'auto_migrate%'
    ORDER BY 1
"""
ONE_AT_A_TIME = {"AUTO_MIGRATE_TENANT_WORKERS": "1"}


def grown(project: Tenanted, *schemas: str, columns: str = "id", values: str = "number") -> None:
    """Let the table of some tenants be large, and 100 rows count as few."""
    project.setting("SMALL_TABLE", 100)
    for schema in schemas:
        rows = f"SELECT {values} FROM generate_series(1, 300) AS number"
        project.query(f"INSERT INTO {schema}.shop_item ({columns}) {rows}")


def indexes(project: Tenanted, name: str = "item_again") -> dict[str, bool]:
    """Return the schemas that have an index, and whether it is valid."""
    return dict(
        project.query(
            "SELECT relnamespace::regnamespace::text, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid"
            f" WHERE relname = '{name}'"
        )
    )


def events_of(output: str, *kinds: str) -> list[dict[str, Any]]:
    return [event for line in output.splitlines() if (event := json.loads(line))["event"] in kinds]


def test_an_index_is_built_online_where_the_table_is_large_and_at_once_elsewhere(tenanted: Tenanted) -> None:
    project = tenanted
    grown(project, "beta", "delta")
    project.query("INSERT INTO delta.shop_item SELECT number FROM generate_series(1001, 2000) AS number")
    project.migration("shop", "0002_again", INDEX, after="0001_initial")
    plan = project.run("auto_migrate", "--plan", "--format=json")
    assert plan.code == 0, plan.text
    (judged,) = [event for event in events_of(plan.output, "plan_assessed") if event["findings"]]
    (finding,) = judged["findings"]
    assert (finding["code"], finding["handled"]) == ("AM109", "online")
    assert "delta.shop_item has more than 100 rows" in str(finding["evidence"])
    assert "of 4 schemas it is the largest" in str(finding["evidence"])
    done = project.run("auto_migrate", "--format=json")
    assert done.code == 0, done.text
    steps = events_of(done.output, "online_step_started")
    assert {(step["schema"], step["name"]) for step in steps} == {("beta", "build_index"), ("delta", "build_index")}
    assert indexes(project) == dict.fromkeys(("acme", "beta", "gamma", "delta"), True)


def test_what_can_go_online_in_some_schemas_only_is_refused_in_the_others(tenanted: Tenanted) -> None:
    project = tenanted
    project.migration("shop", "0002_size", ADD_SIZE, after="0001_initial")
    assert project.run("auto_migrate").code == 0
    grown(project, "beta", "delta", columns="id, size", values="number, number")
    # Nobody could make this view anew, so the column cannot be replaced under it.
    project.query("CREATE VIEW delta.sizes AS SELECT size FROM delta.shop_item")
    project.migration("shop", "0003_wide", WIDEN, after="0002_size")
    done = project.run("auto_migrate", "--format=json", "--max-failures=4", **ONE_AT_A_TIME)
    assert done.code == 1, done.text
    assert 'cannot be carried out online in the schema "delta", where shop_item is large' in done.errors
    kinds = dict(project.query(TYPES))
    assert kinds == {"acme": "bigint", "beta": "bigint", "gamma": "bigint", "delta": "integer"}
    project.query("DROP VIEW delta.sizes")
    assert project.run("auto_migrate").code == 0
    assert dict(project.query(TYPES))["delta"] == "bigint"


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("operation", "moment"), [(INDEX, 1), (WIDEN, 1), (WIDEN, 2), (WIDEN, 3)])
def test_killed_in_one_schema_it_goes_on_there(tenanted: Tenanted, operation: str, moment: int) -> None:
    project = tenanted
    project.migration("shop", "0002_size", ADD_SIZE, after="0001_initial")
    if operation == WIDEN:
        assert project.run("auto_migrate").code == 0
    grown(project, "beta", "delta")
    project.file("killer.py", KILLER)
    project.setting("LISTENERS", ["killer.listen"])
    project.migration("shop", "0003_next", operation, after="0002_size")
    assert project.killed("auto_migrate", KILL_AT=str(moment), **ONE_AT_A_TIME) == -signal.SIGKILL
    assert len(project.query("SELECT 1 FROM auto_migrate_step WHERE online IS NOT NULL AND status = 'running'")) == 1
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    if operation == WIDEN:
        assert set(dict(project.query(TYPES)).values()) == {"bigint"}
    else:
        assert indexes(project) == dict.fromkeys(("acme", "beta", "gamma", "delta"), True)
    assert project.query("SELECT 1 FROM pg_proc WHERE proname LIKE 'auto_migrate%'") == []
    assert project.query("SELECT 1 FROM auto_migrate_step WHERE operation_started IS NOT NULL") == []


def test_a_table_that_was_emptied_in_one_schema_is_not_empty_in_all(tenanted: Tenanted) -> None:
    project = tenanted
    # The largest there is has no row, and another has one.
    grown(project, "beta")
    project.query("DELETE FROM beta.shop_item")
    project.query("INSERT INTO gamma.shop_item (id) VALUES (1)")
    project.migration("shop", "0002_gone", 'migrations.DeleteModel("item"),', after="0001_initial")
    done = project.run("auto_migrate")
    assert done.code == 6, done.text
    assert "AM302:shop.0002_gone" in done.errors
    project.query("DELETE FROM gamma.shop_item")
    done = project.run("auto_migrate")
    assert done.code == 0, done.text


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("operation", "step"), [(WIDEN, 1), (INDEX, 1), (WIDEN, 3)])
def test_the_steps_of_a_tenant_that_is_dropped_meanwhile_are_not_taken_in_the_shared_schema(
    tmp_path: Path, database_url: str, operation: str, step: int
) -> None:
    project = Tenanted(tmp_path, database_url, "own")
    project.migration("shop", "0002_size", ADD_SIZE, after="0001_initial")
    assert project.run("auto_migrate").code == 0
    project.tenants("beta", "gamma")
    assert project.run("auto_migrate").code == 0
    grown(project, "beta", columns="id, size", values="number, number")
    project.file("dropper.py", DROPPER)
    project.setting("LISTENERS", ["dropper.listen"])
    project.migration("shop", "0003_next", operation, after="0002_size")
    assert project.run("auto_migrate", "--tenant=gamma").code == 0
    before = project.query(OF_PUBLIC)
    done = project.run("auto_migrate", DROP_AT=str(step))
    assert done.code == 0, done.text
    assert project.query(OF_PUBLIC) == before


def test_a_schema_that_was_made_anew_under_its_name_begins_at_the_first_operation(tenanted: Tenanted) -> None:
    project = tenanted
    grown(project, "beta")
    project.file("killer.py", KILLER)
    project.setting("LISTENERS", ["killer.listen"])
    project.migration("shop", "0002_next", ADD_SIZE + INDEX, after="0001_initial")
    assert project.killed("auto_migrate", KILL_AT="1", **ONE_AT_A_TIME) == -signal.SIGKILL
    project.query("DROP SCHEMA beta CASCADE; CREATE SCHEMA beta")
    done = project.run("auto_migrate", **ONE_AT_A_TIME)
    assert done.code == 0, done.text
    assert dict(project.query(TYPES)) == dict.fromkeys(("acme", "beta", "gamma", "delta"), "integer")
    assert project.run("auto_migrate", "--check").code == 0


def test_any_name_that_a_schema_may_have_goes_online(tenanted: Tenanted) -> None:
    project = tenanted
    name = "50% off x.y"
    project.tenants(name)
    assert project.run("auto_migrate").code == 0
    grown(project, f'"{name}"')
    project.migration("shop", "0002_again", INDEX, after="0001_initial")
    done = project.run("auto_migrate", "--format=json")
    assert done.code == 0, done.text
    assert {step["schema"] for step in events_of(done.output, "online_step_started")} == {name}
    assert indexes(project)[f'"{name}"']


@pytest.mark.sampled(2)
@pytest.mark.parametrize("package", ["django_tenants", "django_pgschemas"])
def test_what_is_named_by_the_database_alone_goes_online(package: str, tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, package)
    size = 'migrations.{operation}("item", "size", models.IntegerField(null=True{more})),'
    project.migration(
        "shop", "0002_size", size.format(operation="AddField", more=", unique=True"), after="0001_initial"
    )
    assert project.run("auto_migrate").code == 0
    project.tenants("acme", "beta")
    assert project.run("auto_migrate").code == 0
    grown(project, "beta", columns="id, size", values="number, number")
    project.migration("shop", "0003_again", size.format(operation="AlterField", more=""), after="0002_size")
    done = project.run("auto_migrate", "--format=json")
    assert done.code == 0, done.text
    assert {step["schema"] for step in events_of(done.output, "online_step_started")} == {"beta"}
    left = "SELECT conrelid::regclass::text FROM pg_constraint WHERE conname LIKE 'shop_item_size%' AND contype = 'u'"
    assert project.query(left) == []


def test_a_table_that_the_plan_itself_fills_is_not_small_any_more(tenanted: Tenanted) -> None:
    project = tenanted
    project.setting("SMALL_TABLE", 100)
    fill = 'migrations.RunSQL("INSERT INTO shop_item SELECT n FROM generate_series(5000, 9000) AS n"),'
    project.migration("shop", "0002_fill", fill, after="0001_initial")
    project.migration("shop", "0003_again", INDEX, after="0002_fill")
    done = project.run("auto_migrate", "--format=json", **ONE_AT_A_TIME)
    assert done.code == 0, done.text
    schemas = [step["schema"] for step in events_of(done.output, "online_step_started")]
    assert sorted(schemas) == ["acme", "beta", "delta", "gamma"]

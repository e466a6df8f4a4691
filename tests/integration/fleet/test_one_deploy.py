"""All tenants of a project are one deploy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.fallback.project import ID
from tests.integration.fleet.tenanted import Tenanted

ONE_AT_A_TIME = {"AUTO_MIGRATE_TENANT_WORKERS": "1"}
DROPPING = """
from django.db import connections

def drop(apps, editor):
    if editor.connection.schema_name == "acme":
        other = editor.connection.copy()
        with other.cursor() as cursor:
            cursor.execute("DROP SCHEMA beta CASCADE")
        other.close()
"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("package", ["django_pgschemas", "own"])
def test_every_schema_is_brought_to_where_the_code_needs_it(package: str, tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, package)
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    project.tenants("acme", "beta")
    project.column()
    behind = project.run("auto_migrate", "--check")
    assert behind.code == 9
    assert "in 2 of 2 tenants' schemas" in behind.errors
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert "2/2 schemas, 0 failed" in done.output
    # A project of its own means tells nobody which apps are whose.
    shared = {"public"} if package == "own" else set()
    assert project.with_column() == {"acme", "beta"} | shared
    for schema in ("public", "acme", "beta"):
        assert "shop.0002_price" in project.recorded_in(schema)
    assert project.run("auto_migrate", "--check").code == 0


def test_a_schema_that_fails_is_named_and_the_next_run_does_what_is_left(tenanted: Tenanted) -> None:
    project = tenanted
    project.column()
    project.query("ALTER TABLE beta.shop_item ADD price integer")
    canary = project.run("auto_migrate", "--canary=beta")
    assert canary.code == 1
    assert "no other schema was touched" in canary.errors
    assert project.with_column() == {"beta"}

    first = project.run("auto_migrate", **ONE_AT_A_TIME)
    assert (first.code, project.with_column()) == (1, {"acme", "beta"})
    assert "1 schema of 4 failed: beta" in first.errors
    assert 'column "price" of relation "shop_item" already exists' in first.errors
    assert project.get("/health/")[1]["migrations"]["tenants"] == {"total": 4, "behind": 3, "failed": 1}
    assert project.get("/ready/") == (503, {"status": "not_ready", "reason": "behind"})
    assert project.get("/ready/?tenant=acme") == (200, {"status": "ready"})
    assert project.get("/ready/?tenant=gamma") == (503, {"status": "not_ready", "reason": "behind"})

    assert project.run("auto_migrate", "--max-failures=2").code == 1
    assert project.with_column() == {"acme", "beta", "gamma", "delta"}
    project.query("ALTER TABLE beta.shop_item DROP price")
    last = project.run("auto_migrate", "--format=json")
    events = [json.loads(line) for line in last.output.splitlines()]
    assert [event["schema"] for event in events if event["event"] == "migration_finished"] == ["beta"]
    assert (last.code, events[-1]["state"], events[-1]["applied"]) == (0, "up_to_date", 1)
    steps = project.get(f"/runs/{events[-1]['run_id']}/")[1]["steps"]
    assert [(step["schema"], step["status"]) for step in steps] == [("beta", "applied")]


def test_some_tenants_alone_and_a_plan_for_all_that_share_it(tenanted: Tenanted) -> None:
    project = tenanted
    project.tenants("ghost", schema=False)
    unknown = project.run("auto_migrate", "--tenant=acne")
    assert unknown.code == 2
    assert "There is no tenant 'acne'." in unknown.errors
    assert "acme" in unknown.errors
    project.column()
    some = project.run("auto_migrate", "--tenant=acme", "--format=json")
    assert some.code == 0, some.text
    assert json.loads(some.output.splitlines()[-1])["state"] == "behind"
    assert project.with_column() == {"acme"}
    plan = project.run("auto_migrate", "--plan")
    assert plan.code == 0, plan.text
    assert "3 schemas are behind (beta, delta, gamma): shop.0002_price" in plan.output
    assert plan.output.count("ALTER TABLE") == 1
    assert "Skipped, since they have no schema: ghost" in plan.output
    project.query("INSERT INTO beta.django_migrations (app, name, applied) VALUES ('shop', '0001_own', now())")
    assert "Their records differ from those of all others: beta" in project.run("auto_migrate").output
    # The short way looks at all of them, and takes no lock.
    again = project.run("auto_migrate", "--format=json")
    assert "lock_acquired" not in again.output
    assert again.code == 0


def test_each_schema_keeps_its_own_permissions_and_content_types(database_url: str, tmp_path: Path) -> None:
    project = Tenanted(tmp_path, database_url, "django_tenants", more=["django.contrib.auth"])
    project.file("shop/models.py", "from django.db import models\n\nclass Item(models.Model):\n    pass\n")
    project.run("auto_migrate")
    names = ["t1", "t2", "t3"]
    project.tenants(*names)
    done = project.run("auto_migrate", "contenttypes", AUTO_MIGRATE_TENANT_WORKERS="3")
    assert done.code == 0, done.text
    # In each schema content types have other numbers.
    for number, name in enumerate(names, start=1):
        project.query(f"ALTER TABLE {name}.django_content_type ALTER id RESTART WITH {1000 * number}")
        project.query(f"DELETE FROM {name}.django_content_type")
    done = project.run("auto_migrate", AUTO_MIGRATE_TENANT_WORKERS="3")
    assert done.code == 0, done.text
    for name in names:
        ((wrong,),) = project.query(
            f"SELECT count(*) FROM {name}.auth_permission AS one LEFT JOIN {name}.django_content_type AS type"
            " ON type.id = one.content_type_id WHERE type.id IS NULL OR one.codename NOT LIKE '%' || type.model"
        )
        ((right,),) = project.query(f"SELECT count(*) FROM {name}.auth_permission WHERE codename = 'add_item'")
        assert (wrong, right) == (0, 1)
    assert project.query("SELECT to_regclass('public.auth_permission')") == [(None,)]


def test_a_tenant_that_is_dropped_meanwhile_leaves_no_trace_in_the_shared_schema(tenanted: Tenanted) -> None:
    project = tenanted
    operations = f'migrations.RunPython(drop), migrations.CreateModel("Made", [{ID}]),'
    project.migration("shop", "0002_drop", operations, after="0001_initial", before=DROPPING)
    done = project.run("auto_migrate", "--acknowledge=AM302:shop.0002_drop=it is what is tested", **ONE_AT_A_TIME)
    assert done.code == 0, done.text
    found = project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'shop_made'")
    assert {schema for (schema,) in found} == {"acme", "gamma", "delta"}

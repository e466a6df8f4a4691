"""What breaks the release that is still running is bridged in the schema of each tenant, and falls there."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.integration.fallback.project import ID
from tests.integration.fleet.tenanted import Tenanted

EVERYWHERE = ("acme", "beta", "delta", "gamma")
ADD = 'migrations.AddField("item", "place", models.IntegerField(default=7)),'
NO_DELAY = {"AUTO_MIGRATE_POST_DEPLOY_DELAY": "0"}


def old_release_writes(project: Tenanted, schema: str) -> bool:
    """Insert as code does that does not know the column; return whether it could."""
    try:
        project.query(f"INSERT INTO {schema}.shop_item DEFAULT VALUES")
    except psycopg.errors.NotNullViolation:
        return False
    return True


def bridges(project: Tenanted) -> list[Any]:
    """Return schema, table and column of what is noted to stand."""
    return project.query("SELECT schema_name, table_name, column_name FROM auto_migrate_bridge ORDER BY schema_name")


def test_the_old_release_writes_in_each_schema_until_the_next_one_is_out(tenanted: Tenanted) -> None:
    project = tenanted
    project.migration("shop", "0002_place", ADD, after="0001_initial")
    plan = project.run("auto_migrate", "--plan")
    assert "until the old code is gone, shop_item.place keeps its default in the database" in plan.output
    done = project.run("auto_migrate", AUTO_MIGRATE_RELEASE="two")
    assert done.code == 0, done.text
    assert bridges(project) == [(schema, "shop_item", "place") for schema in EVERYWHERE]
    assert all(old_release_writes(project, schema) for schema in EVERYWHERE)
    line = "shop_item.place keeps its default in the database (shop.0002_place), in 4 schemas: acme, beta"
    assert done.output.count(line) == 1
    (told,) = project.get("/health/")[1]["migrations"]["bridges"]
    assert told["schemas"] == 4
    plan = project.run("auto_migrate", "--plan", AUTO_MIGRATE_RELEASE="three", **NO_DELAY)
    assert plan.output.count(line) == 1
    # A tenant that is made now knows no older release.
    project.tenants("fresh")
    same = project.run("auto_migrate", AUTO_MIGRATE_RELEASE="two", **NO_DELAY)
    assert same.code == 0, same.text
    assert bridges(project) == [(schema, "shop_item", "place") for schema in EVERYWHERE]
    # One that is made as a copy of another has what stands there, and nobody has raised it.
    project.copies("twin", of="acme")
    # One that is dropped leaves nothing.
    project.query("DELETE FROM customers_client WHERE schema_name = 'gamma'; DROP SCHEMA gamma CASCADE")
    # In that of one who is nobody's tenant for a while it stands, and holds no other run up.
    project.query("DELETE FROM customers_client WHERE schema_name = 'delta'")
    last = project.run("auto_migrate", AUTO_MIGRATE_RELEASE="three", **NO_DELAY)
    assert last.code == 0, last.text
    assert bridges(project) == [("delta", "shop_item", "place")]
    assert not any(old_release_writes(project, schema) for schema in ("acme", "beta", "fresh", "twin"))
    assert last.output.count("A bridge is taken down") == 1
    short = project.run("auto_migrate", "--format=json", AUTO_MIGRATE_RELEASE="four", **NO_DELAY)
    assert "lock_acquired" not in short.output
    project.query("INSERT INTO customers_client (schema_name) VALUES ('delta')")
    assert project.run("auto_migrate", AUTO_MIGRATE_RELEASE="four", **NO_DELAY).code == 0
    assert (bridges(project), old_release_writes(project, "delta")) == ([], False)


def test_a_ledger_of_before_gets_the_column_for_schemas(tenanted: Tenanted) -> None:
    project = tenanted
    project.migration("customers", "0002_place", ADD.replace("item", "client"), after="0001_initial")
    assert project.run("auto_migrate", AUTO_MIGRATE_RELEASE="two").code == 0
    assert bridges(project) == [("", "customers_client", "place")]
    project.query("ALTER TABLE auto_migrate_bridge DROP COLUMN schema_name")
    assert len(project.get("/health/")[1]["migrations"]["bridges"]) == 1
    assert bridges(project) == [("", "customers_client", "place")]


def test_what_waits_for_the_deploy_is_loosened_in_each_schema(tenanted: Tenanted) -> None:
    project = tenanted
    made = f'migrations.CreateModel("Visit", [{ID}, ("place", models.IntegerField())]),'
    project.migration("shop", "0002_visit", made, after="0001_initial")
    assert project.run("auto_migrate", AUTO_MIGRATE_RELEASE="two").code == 0
    phased = {"AUTO_MIGRATE_RELEASE": "three", "AUTO_MIGRATE_PHASES": "true", **NO_DELAY}
    remove = 'migrations.RemoveField("visit", "place"),'
    project.migration("shop", "0003_gone", remove, after="0002_visit", head='phase = "post_deploy"')
    done = project.run("auto_migrate", **phased)
    assert done.code == 0, done.text
    # Code that does not know the column any more leaves it out.
    project.query("; ".join(f"INSERT INTO {schema}.shop_visit DEFAULT VALUES" for schema in EVERYWHERE))
    kinds = project.query("SELECT schema_name, kind FROM auto_migrate_bridge ORDER BY schema_name")
    assert kinds == [(schema, "not_null") for schema in EVERYWHERE]
    # What is loosened in one that was copied is known to be.
    project.copies("twin", of="acme")
    assert project.run("auto_migrate", **phased).code == 0
    assert ("twin", "shop_visit", "place") in bridges(project)
    after = project.run("auto_migrate", "--phase=post_deploy", **phased)
    assert after.code == 0, after.text
    left = "SELECT 1 FROM information_schema.columns WHERE table_name = 'shop_visit' AND column_name = 'place'"
    assert (project.query(left), bridges(project)) == ([], [])


def test_a_default_that_a_later_migration_keeps_for_good_is_no_copy_of_a_bridge(tenanted: Tenanted) -> None:
    project = tenanted
    project.migration("shop", "0002_place", ADD, after="0001_initial")
    assert project.run("auto_migrate", AUTO_MIGRATE_RELEASE="two").code == 0
    for_good = 'migrations.AlterField("item", "place", models.IntegerField(default=7, db_default=7)),'
    project.migration("shop", "0003_for_good", for_good, after="0002_place")
    assert project.run("auto_migrate", "--tenant=beta", AUTO_MIGRATE_RELEASE="three", **NO_DELAY).code == 0
    done = project.run("auto_migrate", AUTO_MIGRATE_RELEASE="four", **NO_DELAY)
    assert done.code == 0, done.text
    assert bridges(project) == []
    assert all(old_release_writes(project, schema) for schema in EVERYWHERE)


def test_the_function_of_a_default_may_look_into_another_schema(tenanted: Tenanted) -> None:
    project = tenanted
    function = """
        from django.db import connection
        from django_tenants.utils import schema_context

        def place():
            with schema_context("public"), connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                return cursor.fetchone()[0]
    """
    project.file("shop/places.py", function)
    add = 'migrations.AddField("item", "place", models.TextField(default=shop.places.place)),'
    project.migration("shop", "0002_place", add, after="0001_initial", before="import shop.places")
    project.query("INSERT INTO beta.shop_item DEFAULT VALUES")
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.query("SELECT place FROM beta.shop_item") == [("public",)]

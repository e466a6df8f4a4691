"""What the packages bring keeps working, and a deploy knows of it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from auto_migrate.databases.postgresql.tenant_makers import maker_of
from tests.integration.fleet.tenanted import Tenanted
from tests.servers import PgBouncer

MAKE = "from customers.models import Client; Client(schema_name='fresh').save()"
COMMANDS = {"django_tenants": "migrate_schemas", "django_pgschemas": "migrateschema"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("package", COMMANDS)
def test_their_own_commands_work_under_our_lock(package: str, tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, package)
    done = project.run(COMMANDS[package], "-v0")
    assert done.code == 0, done.text
    made = project.run("shell", "-c", MAKE)
    assert made.code == 0, made.text
    assert project.recorded_in("fresh") == project.recorded_in("public")
    assert project.run("auto_migrate", "--check").code == 0
    project.column()
    done = project.run(COMMANDS[package], "-v0")
    assert done.code == 0, done.text
    assert project.with_column() == {"fresh"}
    assert project.query("SELECT to_regclass('fresh.auto_migrate_run')") == [(None,)]
    # What it has left is known: the next deploy is the short one.
    assert "lock_acquired" not in project.run("auto_migrate", "--format=json").output


def test_a_pooler_in_between_is_refused_and_the_way_past_it_told(tenanted: Tenanted, pgbouncer: PgBouncer) -> None:
    direct = tenanted.url
    tenanted.databases["default"] = pgbouncer.url(direct.rsplit("/", 1)[1])
    done = tenanted.run("auto_migrate")
    assert done.code == 2, done.text
    assert "AUTO_MIGRATE_DIRECT_URLS=default=postgresql://" in done.errors
    tenanted.setting("DIRECT_URLS", {"default": direct})
    assert tenanted.run("auto_migrate").code == 0


def test_a_function_that_names_no_tenants_is_refused_beforehand(tmp_path: Path, database_url: str) -> None:
    project = Tenanted(tmp_path, database_url, "own")
    project.setting("TENANTS", "own_tenants.nobody")
    done = project.run("check")
    assert done.code == 1
    assert "auto_migrate.E007" in done.errors
    project.setting("TENANTS", "own_tenants.names")
    project.file("own_tenants.py", "def names():\n    return ['', 3]\n")
    done = project.run("auto_migrate")
    assert done.code == 2, done.text
    assert "no name of a schema" in done.errors


def test_a_tenant_that_is_being_made_takes_no_service_out_of_rotation(tenanted: Tenanted) -> None:
    assert tenanted.run("auto_migrate").code == 0
    tenanted.tenants("fresh")
    assert tenanted.get("/ready/") == (503, {"status": "not_ready", "reason": "behind"})
    name = maker_of("fresh")
    with psycopg.connect(tenanted.url, application_name=name):
        assert tenanted.get("/ready/") == (200, {"status": "ready"})
    # Whoever made it is gone, and it is not whole.
    assert tenanted.get("/ready/") == (503, {"status": "not_ready", "reason": "behind"})
    assert tenanted.run("auto_migrate", "--check").code == 9


BACKFILL = 'Backfill("{model}", "fill", set={{"place": 7}}, where=models.Q(place=None)),'
OPERATIONS = "from auto_migrate.operations import Backfill"
PLACE = 'migrations.AddField("{model}", "place", models.IntegerField(null=True)),'


def test_a_backfill_is_carried_out_by_the_packages_own_command_where_its_rows_are(tenanted: Tenanted) -> None:
    project = tenanted
    project.query("INSERT INTO beta.shop_item (id) VALUES (1); INSERT INTO gamma.shop_item (id) VALUES (1)")
    for app, model in (("customers", "client"), ("shop", "item")):
        project.migration(app, "0002_place", PLACE.format(model=model), after="0001_initial")
        fill = BACKFILL.format(model=f"{app}.{model}")
        project.migration(app, "0003_fill", fill, after="0002_place", before=OPERATIONS)
    done = project.run("migrate_schemas", "-v0")
    assert done.code == 0, done.text
    assert project.query("SELECT DISTINCT place FROM customers_client") == [(7,)]
    places = "SELECT place FROM beta.shop_item UNION ALL SELECT place FROM gamma.shop_item"
    assert project.query(places) == [(7,), (7,)]
    # A new tenant has nothing to fill.
    made = project.run("shell", "-c", MAKE)
    assert made.code == 0, made.text
    assert "shop.0003_fill" in project.recorded_in("fresh")
    kept = project.query("SELECT app_label, schema FROM auto_migrate_backfill ORDER BY schema")
    assert kept == [("customers", ""), ("shop", "beta"), ("shop", "gamma")]

"""A record that lacks what is in the database is told by the plan, before a run fails at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from auto_migrate.changes.change import Change, CreateIndex, CreateTable, DropColumn, DropTable
from auto_migrate.changes.object_change import DropObject, RenameObject
from auto_migrate.changes.presence import Presence
from auto_migrate.changes.verbs import ObjectKind
from tests.integration.databases.aliases import alias
from tests.integration.drift.altered import NAMES, events, write
from tests.integration.fallback.project import ID, Project

LOOK = "python manage.py auto_migrate --adopt --plan"
ITEM = f'migrations.CreateModel("Item", [{ID}, ("note", models.TextField(null=True))])'
AMOUNT = 'migrations.AddField("item", "amount", models.IntegerField(null=True))'
STATE = "migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel('Item')])"
RENAME = "ALTER TABLE shop_item RENAME TO shop_old"
DROP = 'def clear(apps, editor):\n    editor.execute("DROP TABLE shop_item")'


def told(project: Project, *arguments: str) -> dict[str, str]:
    """Return what the plan says of what is there, by migration."""
    seen = project.run("auto_migrate", "--plan", "--format", "json", *arguments)
    (assessed,) = events(seen.output, "plan_assessed")
    found: list[dict[str, Any]] = [one for one in assessed["findings"] if one["code"] == "AM206"]
    assert found == [one for one in assessed["blocking"] if one["code"] == "AM206"]
    assert seen.code == (6 if assessed["blocking"] else 0), seen.text
    assert {one["instead"] for one in found} <= {LOOK}
    return {one["migration"]: one["problem"] for one in found}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project on SQLite with a table that gets a column."""
    project = Project(tmp_path)
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    project.migration("shop", "0002_amount", AMOUNT, after="0001_initial")
    return project


def test_of_an_emptied_record_the_plan_says_what_is_there_and_what_records_it(
    tmp_path: Path, database_url: str
) -> None:
    project = write(tmp_path, database_url, ["whole", "new"])
    assert project.run("migrate").code == 0
    assert project.run("migrate", "new", "zero").code == 0
    project.query("DELETE FROM django_migrations")
    found = told(project)
    assert set(found) == {f"whole.{name}" for name in NAMES[:2]}
    assert "The database has whole_shelf, whole_item, whole_item_near already" in found["whole.0001_initial"]
    assert "The database has whole_item.note already" in found["whole.0002_note"]
    refused = project.run("auto_migrate", "--plan")
    assert (refused.code, LOOK in refused.errors) == (6, True), refused.text
    assert "Write the migration" not in refused.errors
    assert project.query("SELECT count(*) FROM django_migrations") == [(0,)]
    assert project.run("auto_migrate", "--adopt").code == 0
    assert told(project) == {}
    assert project.run("auto_migrate").code == 0


def test_of_a_record_that_lacks_the_last_rows_too(tmp_path: Path, database_url: str) -> None:
    project = write(tmp_path, database_url, ["whole"])
    assert project.run("migrate").code == 0
    project.query("DELETE FROM django_migrations WHERE name >= '0002'")
    assert set(told(project)) == {"whole.0002_note"}
    failed = project.run("auto_migrate")
    assert (failed.code, "AM206 whole.0002_note" in failed.output) == (1, True), failed.text
    project.query("DELETE FROM django_migrations WHERE name = '0001_initial'")
    project.query("INSERT INTO django_migrations (app, name, applied) VALUES ('whole', '0003_names', now())")
    diverged = project.run("auto_migrate", "--plan")
    assert (diverged.code, LOOK in diverged.errors) == (7, True), diverged.text


def test_on_sqlite(shop: Project) -> None:
    assert told(shop) == {}
    assert shop.run("migrate").code == 0
    shop.query("DELETE FROM django_migrations WHERE name = '0002_amount'")
    assert list(told(shop)) == ["shop.0002_amount"]
    shop.query("DELETE FROM django_migrations")
    assert list(told(shop)) == ["shop.0001_initial", "shop.0002_amount"]


def test_what_the_plan_has_dropped_or_may_have_is_not_told(shop: Project) -> None:
    assert shop.run("migrate").code == 0
    shop.migration("shop", "0003_gone", 'migrations.DeleteModel("Item")', after="0002_amount")
    shop.migration("shop", "0004_again", ITEM, after="0003_gone")
    assert told(shop) == {}
    shop.migration("shop", "0003_gone", "migrations.RunPython(clear)", after="0002_amount", before=DROP)
    state = "migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel('Item')])"
    shop.migration("shop", "0004_again", f"{state}, {ITEM}", after="0003_gone")
    assert told(shop) == {}
    assert shop.run("auto_migrate", "--acknowledge", "AM302:shop.0003_gone").code == 0


def test_a_squash_whose_other_half_has_no_files_is_not_up_to_date(shop: Project) -> None:
    assert shop.run("migrate").code == 0
    replaces = 'replaces = [("shop", "0001_initial"), ("shop", "0002_amount")]'
    shop.migration("shop", "0001_squashed", f"{ITEM}, {AMOUNT}", head=replaces)
    for name in ("0001_initial", "0002_amount"):
        (shop.folder / f"code/shop/migrations/{name}.py").unlink()
    assert shop.run("auto_migrate", "--check").code == 0
    shop.query("DELETE FROM django_migrations WHERE name = '0002_amount'")
    for arguments in (["--check"], ["--plan"], []):
        diverged = shop.run("auto_migrate", *arguments)
        assert (diverged.code, "shop.0001_squashed is recorded by half" in diverged.errors) == (7, True), diverged.text
    assert shop.get("/ready/")[0] == 503
    assert shop.run("auto_migrate", "--adopt").code == 0
    assert shop.recorded == ["shop.0001_initial", "shop.0002_amount", "shop.0001_squashed"]
    assert shop.run("auto_migrate", "--check").code == 0


def test_after_sql_that_nobody_reads_nothing_of_its_app_is_certain(shop: Project) -> None:
    assert shop.run("migrate").code == 0
    shop.migration("shop", "0003_away", f"migrations.RunSQL({RENAME!r}), {STATE}, {ITEM}", after="0002_amount")
    assert told(shop) == {}
    assert shop.run("auto_migrate").code == 0
    assert shop.query("SELECT count(*) FROM shop_item") == shop.query("SELECT count(*) FROM shop_old") == [(0,)]


@pytest.mark.parametrize(
    "change",
    [
        DropObject(table="shop_item", kind=ObjectKind.VIEW),
        RenameObject(table="shop_item", to="shop_old", kind=ObjectKind.VIEW),
        DropObject(table="public", kind=ObjectKind.SCHEMA),
        RenameObject(table="public", to="old", kind=ObjectKind.SCHEMA),
    ],
)
def test_a_view_or_a_schema_that_goes_makes_room(
    shop: Project, change: Change, django_db_blocker: DjangoDbBlocker
) -> None:
    shop.query("CREATE VIEW shop_item AS SELECT 1 AS id")
    with django_db_blocker.unblock(), alias("viewed", shop.url):
        connections["viewed"].ensure_connection()
        item = CreateTable(table="shop_item")
        assert Presence(connections["viewed"]).told(item, "shop").is_there  # type: ignore[attr-defined] # of a table
        presence = Presence(connections["viewed"])
        presence.told(change, "shop")
        assert presence.told(item, "shop") is item


def test_only_what_makes_tables_or_columns_asks_for_them(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), alias("asked", f"sqlite:///{tmp_path}/db"):
        connection = connections["asked"]
        connection.ensure_connection()
        presence, asked = Presence(connection), CaptureQueriesContext(connection)
        with asked:
            for change in (DropTable(table="old"), DropColumn(table="b", column="c"), CreateIndex(table="b", name="i")):
                assert presence.told(change, "shop") is change
            assert len(asked) == 0
            for table in ("a", "b", "c"):
                presence.told(CreateTable(table=table), "shop")
            assert len(asked) == 1

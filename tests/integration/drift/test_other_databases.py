"""On SQLite and MariaDB as on PostgreSQL: each alteration is told, and nothing is recorded that is not so."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from auto_migrate.drift.mysql_tables import MARK, SUFFIX
from tests.integration.drift.altered import NAMES, events, write
from tests.integration.drift.altered_elsewhere import (
    MARIADB_ALTERED,
    MARIADB_UNTOUCHED,
    SQLITE_ALTERED,
    SQLITE_UNTOUCHED,
    Alterations,
)
from tests.integration.fallback.project import Project
from tests.servers import MariaDB
from tools.servers import HOST

Ask = Callable[[str], list[list[str]]]


def ask_file(file: Path, statement: str) -> list[list[str]]:
    """Carry statements out in a file, and return the rows of one that stands alone."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        if ";" not in statement:
            return [[str(cell) for cell in row] for row in connection.execute(statement)]
        connection.executescript(statement)
        return []


@pytest.fixture(params=["sqlite", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Ask, Alterations, Alterations]:
    """Return a database's URL, the way to it, and how its tables are altered."""
    if request.param == "sqlite":
        file = tmp_path / "db.sqlite3"
        return f"sqlite:///{file}", lambda statement: ask_file(file, statement), SQLITE_UNTOUCHED, SQLITE_ALTERED
    mariadb: MariaDB = request.getfixturevalue("mariadb")
    url: str = request.getfixturevalue("mariadb_url")
    name = url.rpartition("/")[2]
    return url, lambda statement: mariadb.execute(statement, database=name), MARIADB_UNTOUCHED, MARIADB_ALTERED


def differences(told: list[dict[str, object]]) -> set[tuple[str, str]]:
    """Return part and kind of what was told."""
    return {(str(one["part"]), str(one["kind"])) for one in told}


def test_each_alteration_is_told_and_nothing_recorded_that_is_not_so(
    tmp_path: Path, place: tuple[str, Ask, Alterations, Alterations]
) -> None:
    url, ask, untouched, altered = place
    apps = [*untouched, *altered, "begun"]
    project = write(tmp_path, url, apps)
    assert project.run("migrate").code == 0
    clean = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert clean.code == 0, clean.text
    assert f"tables compared: {3 * len(apps)}." in clean.output
    assert project.run("migrate", "begun", "0002").code == 0
    for app, (statement, _told) in {**untouched, **altered}.items():
        ask(statement.replace("{app}", app))
    drift_is_told(project, untouched, altered)
    ask("DELETE FROM django_migrations")
    said = project.run("auto_migrate", "--adopt", "--format", "json")
    assert said.code == 7, said.text
    reached = {**dict.fromkeys(untouched, 4), **dict.fromkeys(altered, 0), "begun": 2}
    rows = ask("SELECT app, name FROM django_migrations ORDER BY id")
    assert {app: [name for label, name in rows if label == app] for app in apps} == {
        app: [*NAMES[:count]] for app, count in reached.items()
    }
    contradicted = {event["app_label"]: event for event in events(said.output, "table_contradicted")}
    assert contradicted.keys() == altered.keys()
    for app, event in contradicted.items():
        assert differences(event["differences"]) >= {one for one in altered[app][1] if one[1] != "extra"}, event


def drift_is_told(project: Project, untouched: Alterations, altered: Alterations) -> None:
    """Assert that each difference is told with its app, and nothing else."""
    said = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift", "--format", "json")
    assert said.code == 7, said.text
    found: dict[str, list[dict[str, object]]] = {}
    for event in events(said.output, "drift_found"):
        found.setdefault(event["app_label"], []).append(event["difference"])
    assert {app: differences(told) for app, told in found.items()} == {
        app: told for app, (_statement, told) in {**untouched, **altered}.items() if told
    }


FIRST = """
    migrations.CreateModel("Kind", [("code", models.CharField(max_length=10, primary_key=True))]),
    migrations.CreateModel("Old", [("id", models.AutoField(primary_key=True)), ("key", models.TextField())]),
    migrations.CreateModel("Item", [
        ("id", models.BigAutoField(primary_key=True)),
        ("told", models.JSONField(null=True)),
        ("n", models.PositiveIntegerField(null=True)),
        ("i", models.IntegerField(default=3)),
        ("kind", models.ForeignKey("shop.Kind", models.CASCADE)),
        ("old", models.ForeignKey("shop.Old", models.CASCADE, db_index=False)),
        ("loose", models.ForeignKey("shop.Old", models.CASCADE, related_name="+", db_constraint=False)),
        ("one", models.OneToOneField("shop.Kind", models.CASCADE, related_name="+")),
        ("uuid", models.UUIDField(null=True)),
        ("at", models.DateTimeField(null=True)),
        ("is_on", models.BooleanField(default=True)),
        ("three", models.IntegerField(db_default=3)),
        ("text", models.CharField(max_length=9, db_default="x'y")),
        ("twice", models.GeneratedField(
            expression=models.F("i") * 2, output_field=models.IntegerField(), db_persist=True)),
        ("default", models.CharField(max_length=30, db_comment="Told")),
        ("many", models.ManyToManyField("shop.Old", related_name="+")),
    ], options={"unique_together": {("kind", "i")}}),
"""
# What Django does by other ways than a table that is made anew has been made by.
SECOND = """
    migrations.AlterField("item", "told", models.JSONField(default=dict)),
    migrations.AlterField("item", "n", models.PositiveIntegerField(default=0)),
    migrations.AlterField("item", "i", models.PositiveIntegerField(default=3)),
    migrations.AlterField("item", "default", models.CharField(max_length=40, unique=True)),
    migrations.AlterUniqueTogether("item", set()),
    migrations.AlterField("kind", "code", models.CharField(max_length=20, primary_key=True)),
    migrations.AlterField("old", "id", models.BigAutoField(primary_key=True)),
    migrations.RenameModel("Old", "New"),
    migrations.RenameModel("Item", "Thing"),
    migrations.RenameField("thing", "n", "m"),
    migrations.AddConstraint("thing", models.CheckConstraint(
        condition=models.Q(m__gte=3) | models.Q(i__lt=2, is_on=True), name="shop_checked")),
    migrations.AddConstraint("thing", models.UniqueConstraint(fields=["m", "i"], name="shop_once")),
    migrations.AddField(
        "thing", "second", models.ForeignKey("shop.Kind", models.SET_NULL, related_name="+", null=True)),
    migrations.AddIndex("thing", models.Index(fields=["second", "-i"], name="shop_second")),
    migrations.AddIndex("thing", models.Index(fields=["kind"], name="shop_by_kind")),
    migrations.RemoveField("thing", "at"),
    migrations.RenameField("thing", "three", "four"),
"""


def test_what_alterations_have_led_to_is_what_is_made_anew(
    tmp_path: Path, place: tuple[str, Ask, Alterations, Alterations]
) -> None:
    url, ask, _untouched, _altered = place
    project = Project(tmp_path, url)
    project.app("shop")
    project.migration("shop", "0001_initial", FIRST, head="initial = True")
    project.migration("shop", "0002_second", SECOND, after="0001_initial")
    assert project.run("migrate").code == 0
    drift = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert (drift.code, "No drift" in drift.output) == (0, True), drift.text
    ask("DELETE FROM django_migrations")
    said = project.run("auto_migrate", "--adopt")
    assert said.code == 0, said.text
    assert len(ask("SELECT name FROM django_migrations")) == 2


def test_a_table_that_django_cannot_make_again_is_told(tmp_path: Path) -> None:
    project = write(tmp_path, "", ["shop"])
    # Which Django lets pass, and its constraint names a field that is no more.
    project.migration("shop", "0005_renamed", 'migrations.RenameField("item", "name", "title")', after=NAMES[-1])
    assert project.run("migrate", "shop", NAMES[-1]).code == 0
    project.query("ALTER TABLE shop_item RENAME COLUMN name TO title")
    assert project.run("migrate", "--fake").code == 0
    said = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert said.code == 7, said.text
    assert "table cannot be compared: Cannot resolve keyword 'name' into field." in said.output
    project.query("DELETE FROM django_migrations")
    assert project.run("auto_migrate", "--adopt").code == 7
    assert project.query("SELECT count(*) FROM django_migrations") == [(0,)]


def test_the_database_beside_is_made_where_it_may_be_and_nobody_has_it(
    tmp_path: Path, mariadb: MariaDB, mariadb_url: str
) -> None:
    name = mariadb_url.rpartition("/")[2]
    beside = name + SUFFIX
    project = write(tmp_path, mariadb_url, ["shop"])
    assert project.run("migrate").code == 0
    mariadb.create_user(f"{name}_plain", "x", owns=name)
    project.databases["default"] = mariadb_url.replace("//tester:tester@", f"//{name}_plain:x@")
    refused = project.run("auto_migrate", "--plan", "--drift")
    assert refused.code == 4, refused.text
    grant = f"GRANT ALL ON `{beside}`.* TO '{name}_plain'@'{HOST}';"
    assert grant in refused.errors
    mariadb.execute(grant)
    assert project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift").code == 0
    # Somebody's, and then what a killed comparison leaves.
    mariadb.execute(f"CREATE DATABASE `{beside}`; CREATE VIEW `{beside}`.kept AS SELECT 1")
    somebodys = project.run("auto_migrate", "--adopt")
    assert (somebodys.code, f"{beside}, in which the expected schema would be made, is somebody's: kept" in
            somebodys.errors) == (4, True), somebodys.text  # fmt: skip
    mariadb.execute(f"CREATE TABLE `{beside}`.`{MARK}` (made tinyint)")
    assert project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift").code == 0
    assert mariadb.execute(f"SHOW DATABASES LIKE '{beside}'") == []
    mariadb.execute(f"DROP USER `{name}_plain`@'{HOST}'")

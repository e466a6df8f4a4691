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
    mariadb.execute(f"CREATE DATABASE `{beside}`; CREATE TABLE `{beside}`.kept (n int)")
    somebodys = project.run("auto_migrate", "--adopt")
    assert (somebodys.code, f"{beside}, in which the expected schema would be made, is somebody's: kept" in
            somebodys.errors) == (4, True), somebodys.text  # fmt: skip
    mariadb.execute(f"CREATE TABLE `{beside}`.`{MARK}` (made tinyint)")
    assert project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift").code == 0
    assert mariadb.execute(f"SHOW DATABASES LIKE '{beside}'") == []
    mariadb.execute(f"DROP USER `{name}_plain`@'{HOST}'")

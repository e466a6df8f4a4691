"""Tables of MariaDB changed so that the server refuses where it would copy them while writes wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from pytest_django import DjangoDbBlocker

from auto_migrate.applying.operation_loop import Progress
from auto_migrate.applying.table_alterations import TableAlterations
from auto_migrate.changes.reading import read_changes
from auto_migrate.databases import adapter_for
from auto_migrate.databases.mysql.online_ddl import COPIES_ONLINE
from auto_migrate.safety.effects import Blocks, effects
from auto_migrate.safety.hazard import ServerFacts
from tests.integration.applying.library import APP, library, to
from tests.integration.applying.schema_cases import char
from tests.integration.applying.tiny import Tiny
from tests.integration.databases.aliases import alias
from tests.servers import MariaDB

# Every table counts as large, and no lock is short enough.
LARGE: dict[str, Any] = {"AUTO_MIGRATE_SMALL_TABLE": "0", "AUTO_MIGRATE_LOCK_BUDGET": "0"}
DOUBLED = models.GeneratedField(
    expression=models.F("rating") * 2, output_field=models.IntegerField(), db_persist=True, db_column="doubled"
)
# Each is carried out after those above it.
STOCK = [
    ops.AddField("Author", "nick", char(null=True)),
    ops.AddField("Author", "level", models.IntegerField(default=3)),
    ops.AddField("Author", "code", char(null=True, unique=True)),
    ops.AddField("Author", "seen", models.IntegerField(db_default=7)),
    ops.AddField("Tag", "author", to("Author", null=True)),
    ops.AddField("Tag", "only", models.OneToOneField(f"{APP}.Author", models.CASCADE, null=True, related_name="+")),
    ops.AddField("Tag", "sure", to("Author", default=1, related_name="+")),
    ops.AddField("Tag", "publisher", to("Publisher", to_field="code", null=True)),
    ops.AddIndex("Author", models.Index(fields=["nick"], name="by_nick")),
    ops.RemoveIndex("Author", "by_nick"),
    ops.AddConstraint("Author", models.UniqueConstraint(fields=["name", "age"], name="once")),
    ops.AlterField("Tag", "word", char(60)),
    ops.AlterField("Tag", "word", char(20)),
    ops.AlterField("Author", "age", models.IntegerField(default=0)),
    ops.AlterField("Author", "age", models.BigIntegerField(default=0)),
    ops.RenameField("Author", "nick", "nickname"),
    ops.RemoveField("Author", "nickname"),
    ops.RemoveField("Tag", "author"),
    ops.AddConstraint("Author", models.CheckConstraint(condition=models.Q(age__gte=0), name="aged")),
    ops.AddField("Author", "doubled", DOUBLED),
]


@pytest.fixture
def shelves(mariadb_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[BaseDatabaseWrapper, ProjectState]]:
    """Give the library, with one author and one tag, and the state after it."""
    with django_db_blocker.unblock(), alias("shelves", mariadb_url) as name:
        connection, state = connections[name], ProjectState()
        for operation in library()[:3]:
            carry_out(connection, operation, state, state := after(state, operation))
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO library_author (id, name, email, age, rating) VALUES (1, 'a', 'b', 3, 0)")
            cursor.execute("INSERT INTO library_tag (id, word) VALUES (1, 'c')")
        yield connection, state


def after(state: ProjectState, operation: Any) -> ProjectState:
    later = state.clone()
    operation.state_forwards(APP, later)
    return later


def carry_out(connection: BaseDatabaseWrapper, operation: Any, before: ProjectState, later: ProjectState) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards(APP, editor, before, later)


def test_each_stock_operation_copies_no_table_unless_it_is_said_to(
    shelves: tuple[BaseDatabaseWrapper, ProjectState],
) -> None:
    connection, state = shelves
    server = ServerFacts("mysql", connection.mysql_version)  # type: ignore[attr-defined]
    asked: list[str] = []
    alterations = TableAlterations(
        adapter_for(connection.alias), lambda table: True, lambda *arguments, **_how: asked.append(arguments[-1])
    )
    wrong = []
    for operation in STOCK:
        later = after(state, operation)
        changes = read_changes(operation, APP, connection, state, later)
        told = any(effect.blocks is Blocks.WRITES for change in changes for effect in effects(change, server))
        # A key of numbers that is empty is known to be in place.
        empty = isinstance(operation, ops.AddField) and operation.name in {"author", "only"}
        asked.clear()
        progress = Progress(Migration("0002_change", APP))
        with alterations.asked_for(progress):
            carry_out(connection, operation, state, later)
        if bool(asked) is not (told and not empty):
            wrong.append((operation.describe(), asked.copy(), told))
        state = later
    assert not wrong
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.foreign_key_checks")
        assert cursor.fetchone()[0] == 1
        with pytest.raises(DatabaseError, match="foreign key"):
            cursor.execute("UPDATE library_tag SET only_id = 77")
        # With its checks off the server would take this one.
        with alterations.asked_for(progress), pytest.raises(DatabaseError):
            cursor.execute(
                "ALTER TABLE library_tag ADD COLUMN gone bigint NULL,"
                " ADD CONSTRAINT gone FOREIGN KEY (gone) REFERENCES nothing (id)"
            )


def test_checks_of_keys_that_were_put_off_stay_off(
    shelves: tuple[BaseDatabaseWrapper, ProjectState],
) -> None:
    connection, _state = shelves
    alterations = TableAlterations(adapter_for(connection.alias), lambda table: True, lambda *arguments, **_how: None)
    with connection.cursor() as cursor, alterations.asked_for(Progress(Migration("0002_change", APP))):
        for checks in (0, 1):
            cursor.execute(f"SET foreign_key_checks = {checks}")
            cursor.execute(
                f"ALTER TABLE library_tag ADD COLUMN by{checks} bigint NULL,"
                f" ADD CONSTRAINT by{checks} FOREIGN KEY (by{checks}) REFERENCES library_author (id)"
            )
            cursor.execute("SELECT @@SESSION.foreign_key_checks")
            assert cursor.fetchone()[0] == checks


BIG = [
    "CREATE TABLE big (id bigint PRIMARY KEY, n int NOT NULL, m text NOT NULL, KEY by_n (n)) ENGINE=InnoDB",
    "CREATE TABLE slow (id bigint PRIMARY KEY) ENGINE=MyISAM",
    "CREATE PROCEDURE widens() BEGIN ALTER TABLE big MODIFY n bigint NOT NULL; END",
    "CREATE PROCEDURE calls() CALL widens()",
    "CREATE PROCEDURE puts_together(t text) EXECUTE IMMEDIATE CONCAT('ALTER TABLE ', t, ' FORCE')",
    "CREATE PROCEDURE counts() SELECT count(*) FROM big",
]
# Statements, and whether somebody has to give leave; what copies nothing is carried out.
FORMS = [
    ("ALTER TABLE {database}.big ADD x int", False),
    ("ALTER TABLE /* which */ big # why\n ADD y int -- it", False),
    ("DROP INDEX by_n ON {database}.big", False),
    ("CREATE INDEX by_n ON `{database}`.`big` (n) -- again", False),
    ("ALTER TABLE {database}.big MODIFY n bigint NOT NULL", True),
    ("ALTER TABLE big /* which */ MODIFY n bigint NOT NULL", True),
    ("ALTER TABLE big MODIFY n bigint NOT NULL, ALGORITHM=COPY", True),
    ("ALTER TABLE big ADD z int; ALTER TABLE big MODIFY n bigint NOT NULL", True),
    ("CREATE FULLTEXT INDEX words ON big (m)", True),
    ("ALTER TABLE big ADD FULLTEXT INDEX words (m)", True),
    ("ALTER TABLE big PARTITION BY HASH (id) PARTITIONS 2", True),
    ("ALTER TABLE big ORDER BY m", True),
    ("ALTER TABLE big ENGINE = MyISAM", True),
    ("ALTER TABLE big ENGINE = MyISAM, ALGORITHM = INSTANT", True),
    ("ALTER TABLE big CONVERT TO CHARACTER SET latin1", True),
    ("ALTER TABLE slow ADD x int", True),
    ("OPTIMIZE TABLE slow", True),
    ("LOCK TABLES big WRITE", True),
    ("CALL widens()", True),
    ("CALL {database}.calls()", True),
    ("PREPARE it FROM 'ALTER TABLE big MODIFY n bigint NOT NULL'", True),
    ("SET @it = 'ALTER TABLE big MODIFY n bigint NOT NULL'", False),
    ("PREPARE it FROM @it", True),
    ("CALL counts()", False),
    ("RENAME TABLE slow TO slower", False),
]
ON_MARIADB = [
    ("ALTER TABLE IF EXISTS big WAIT 5 MODIFY n bigint NOT NULL", True),
    ("ALTER IGNORE TABLE big MODIFY n bigint NOT NULL", True),
    ("CALL puts_together('big')", True),
    ("EXECUTE IMMEDIATE CONCAT('ALTER TABLE ', 'big', ' FORCE')", True),
    ("EXECUTE IMMEDIATE CONCAT(@it, ' ', 'ALTER TABLE ', 'big', ' FORCE')", True),
    ("BEGIN NOT ATOMIC ALTER TABLE big MODIFY n bigint NOT NULL; END", True),
]


class NoLeave(Exception):
    """Somebody would have to give leave."""


def no_leave(*_asked: object, **_how: object) -> None:
    raise NoLeave


def test_no_form_of_a_statement_copies_a_table_without_leave(
    shelves: tuple[BaseDatabaseWrapper, ProjectState], mariadb: MariaDB
) -> None:
    connection, _state = shelves
    is_mariadb = connection.mysql_is_mariadb  # type: ignore[attr-defined]
    alterations = TableAlterations(adapter_for(connection.alias), lambda table: True, no_leave)
    wrong = []
    with connection.cursor() as cursor:
        for statement in BIG:
            if is_mariadb or "IMMEDIATE" not in statement:
                cursor.execute(statement)
    for statement, asks in [*FORMS, *(ON_MARIADB if is_mariadb else [])]:
        sql, asked = statement.format(database=connection.settings_dict["NAME"]), False
        if is_newer(mariadb) and "MODIFY" in sql:
            continue
        try:
            with alterations.asked_for(Progress(Migration("0002_change", APP))), connection.cursor() as cursor:
                cursor.execute(sql)
        except NoLeave:
            asked = True
        if asked is not asks:
            wrong.append(sql)
    assert wrong == []
    with connection.cursor() as cursor:
        cursor.execute("SHOW COLUMNS FROM big LIKE 'n'")
        assert cursor.fetchone()[1].startswith("int")


def test_what_no_server_can_read_fails_as_it_is_written(shelves: tuple[BaseDatabaseWrapper, ProjectState]) -> None:
    connection, _state = shelves
    alterations = TableAlterations(adapter_for(connection.alias), lambda table: True, no_leave)
    with (
        connection.cursor() as cursor,
        alterations.asked_for(Progress(Migration("0002_change", APP))),
        pytest.raises(DatabaseError, match="syntax"),
    ):
        cursor.execute("ALTER TABLE library_tag ADDED x int")


@pytest.fixture
def tiny(tmp_path: Path, mariadb_url: str) -> Tiny:
    project = Tiny(tmp_path, mariadb_url)
    project.run("auto_migrate")
    return project


Ask = Callable[[str], list[list[str]]]


@pytest.fixture
def ask(mariadb: MariaDB, mariadb_url: str) -> Ask:
    name = mariadb_url.rpartition("/")[2]
    return lambda statement: mariadb.execute(statement, database=name)


TO_BIGINT = 'migrations.RunSQL("ALTER TABLE app_t MODIFY n bigint NOT NULL", migrations.RunSQL.noop)'
ADD_X = 'migrations.AddField("t", "x", models.IntegerField(null=True))'
TYPES = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'app_t' AND column_name <> 'id' ORDER BY 1
"""
KNOWN = "--acknowledge=AM507:app.*"


def test_a_large_table_is_refused_before_it_is_copied_until_somebody_says_so(
    tiny: Tiny, ask: Ask, mariadb: MariaDB
) -> None:
    if is_newer(mariadb):
        pytest.skip("It lets others write while it copies.")
    tiny.second(TO_BIGINT)
    refused = tiny.run("auto_migrate", KNOWN, expect=6, **LARGE)
    assert "app.0002_pay, operation 1, is refused (AM103): app_t would be copied" in refused
    assert "app_t has more than 0 rows" in refused
    assert "manage.py auto_migrate --acknowledge AM103:app.0002_pay" in refused
    # Nothing of it is there, and nothing stands half-way.
    tiny.run("auto_migrate", "--check", expect=9)
    tiny.second(f"{ADD_X}, {TO_BIGINT}")
    tiny.run("auto_migrate", KNOWN, expect=6, **LARGE)
    tiny.run("auto_migrate", "--check", expect=7)
    let = tiny.run("auto_migrate", KNOWN, "--acknowledge=AM103:app.0002_pay", **LARGE)
    assert "operation 2 has copied app_t while writes waited" in let
    assert "matches nothing" not in let
    assert ask(TYPES) == [["n", "bigint"], ["x", "int"]]


def test_a_small_table_is_changed_as_django_does(tiny: Tiny, mariadb: MariaDB) -> None:
    tiny.second(TO_BIGINT)
    assert "has copied" not in tiny.run("auto_migrate", KNOWN)
    again = TO_BIGINT.replace("bigint", "integer")
    tiny.write(
        "0003_back",
        "class Migration(migrations.Migration):\n"
        f'    dependencies = [("app", "0002_pay")]\n    operations = [{again}]\n',
    )
    always = tiny.run("auto_migrate", KNOWN, AUTO_MIGRATE_ONLINE="always")
    assert ("operation 1 has copied app_t" in always) is not is_newer(mariadb)


def test_an_empty_key_stops_no_plan(tiny: Tiny, ask: Ask, mariadb: MariaDB) -> None:
    tiny.second('migrations.AddField("t", "above", models.ForeignKey("app.T", models.CASCADE, null=True))')
    if not is_newer(mariadb):
        plan = tiny.run("auto_migrate", "--plan", **LARGE)
        assert "AM106 app.0002_pay:1" in plan
        assert "carried out online" in plan
        assert "ALGORITHM=INPLACE, LOCK=NONE" in plan
        assert '"handled": "online"' in tiny.run("assess_migrations", "--online", "--format=json", "app.0002")
        refused = tiny.run("auto_migrate", expect=6, AUTO_MIGRATE_ONLINE="never", **LARGE)
        assert "AM106" in refused
        # No plan knows what such an index keeps the server from.
        ask("ALTER TABLE app_t ADD words text, ADD FULLTEXT INDEX by_words (words)")
        refused = tiny.run("auto_migrate", expect=6, **LARGE)
        assert "is refused (AM103): app_t would be copied" in refused
        assert "foreign_key_checks" not in refused
        ask("ALTER TABLE app_t DROP words")
    tiny.run("auto_migrate", **LARGE)
    assert ask("SELECT count(*) FROM information_schema.referential_constraints WHERE table_name = 'app_t'")


def is_newer(server: MariaDB) -> bool:
    """Return whether the server copies tables while others write."""
    [[version]] = server.execute("SELECT VERSION()")
    return "MariaDB" in version and tuple(map(int, version.split(".")[:2])) >= COPIES_ONLINE

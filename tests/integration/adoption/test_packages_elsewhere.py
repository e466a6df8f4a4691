"""Ten public packages on SQLite and MariaDB: the record is lost, or their tables are altered by hand in ten ways.

Under `SWEEP=1` alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auto_migrate.drift.mysql_tables import SUFFIX
from tests.integration.adoption.questions import all_done
from tests.integration.fallback.project import Project
from tests.requirements import SAMPLE, need
from tests.servers import MariaDB
from tools.servers import HOST, ServerFailed

pytestmark = [
    pytest.mark.skipif("SWEEP" not in os.environ, reason="make sweep"),
    pytest.mark.timeout(1800),
]
APPS = {
    "axes": "axes",
    "guardian": "guardian",
    "otp_static": "django_otp.plugins.otp_static",
    "otp_totp": "django_otp.plugins.otp_totp",
    "knox": "knox",
    "reversion": "reversion",
    "taggit": "taggit",
    "waffle": "waffle",
    "authtoken": "rest_framework.authtoken",
    "token_blacklist": "rest_framework_simplejwt.token_blacklist",
}
OTHERS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django_otp"]
LOST = ("1 = 1", "id % 2 = 0", "id % 5 < 4", "name LIKE '0001%'", "app IN ('auth', 'waffle')")


class SQLiteHand:
    """Alters a file, and keeps a copy of how it was."""

    # Of the statements that SQLite keeps, what is put in the place of what, in a table of the app that has it.
    WAYS = (
        (r'"(\w+)" varchar\(\d+\) NOT NULL', r'"\1" varchar(7) NOT NULL'),
        (r'("(?!id")\w+" \w+(?:\(\d+\))?) NOT NULL', r"\1"),
        (r' REFERENCES "\w+" \("\w+"\) DEFERRABLE INITIALLY DEFERRED', ""),
        (r" DEFERRABLE INITIALLY DEFERRED", ""),
        (r" AUTOINCREMENT", ""),
        (r" DEFERRABLE INITIALLY DEFERRED", " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"),
        (r'"(?!id")(\w+)" (datetime|varchar\(\d+\))', r'"\1" blob'),
    )

    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = f"sqlite:///{file}"

    def keep(self) -> None:
        self.kept = self.file.read_bytes()

    def restore(self) -> None:
        self.file.write_bytes(self.kept)

    def ask(self, statement: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.file)) as connection, connection:
            return connection.execute(statement).fetchall()

    def alter(self, label: str, turn: int) -> str:
        """Alter the app's tables in one of ten ways; return how."""
        kept = (
            "SELECT name, sql FROM sqlite_master WHERE type = '{}' AND sql <> '' AND tbl_name LIKE '{}@_%' ESCAPE '@'"
        )
        (table, _sql), *_more = self.ask(kept.format("table"))
        column = next(row[1] for row in self.ask(f"PRAGMA table_info({table})") if not row[5])
        if turn < len(self.WAYS):
            for name, sql in self.ask(kept.format("table")):
                changed = re.sub(*self.WAYS[turn], sql, count=1)
                if changed != sql:
                    self.rewrite(name, changed)
                    return changed
        if turn == len(self.WAYS) and (indexes := self.ask(kept.format("index"))):
            statement = f"DROP INDEX {indexes[0][0]}"
        elif turn == len(self.WAYS) + 1:
            statement = f"ALTER TABLE {table} RENAME TO {table}_by_hand"
        else:
            statement = f"ALTER TABLE {table} RENAME COLUMN {column} TO renamed_by_hand"
        self.ask(statement)
        return statement

    def rewrite(self, name: str, sql: str) -> None:
        quoted = sql.replace("'", "''")
        with contextlib.closing(sqlite3.connect(self.file)) as connection, connection:
            connection.executescript(
                f"PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = '{quoted}' WHERE name = '{name}'"
            )


class MariaDBHand:
    """Alters a database, and keeps a copy of how it was."""

    COLUMN = """
        SELECT table_name, column_name, column_type FROM information_schema.columns AS c
        WHERE table_schema = DATABASE() AND table_name LIKE '{{}}\\_%' AND column_key = '' AND {} ORDER BY 1, 2 LIMIT 1
    """
    KEY = """
        SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
        FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND table_name LIKE '{}\\_%'
          AND referenced_table_name IS NOT NULL ORDER BY 1, 2 LIMIT 1
    """
    INDEX = """
        SELECT table_name, index_name FROM information_schema.statistics AS s WHERE table_schema = DATABASE()
          AND table_name LIKE '{{}}\\_%' AND index_name <> 'PRIMARY' AND non_unique = {}
          AND NOT EXISTS (SELECT 1 FROM information_schema.key_column_usage AS k WHERE k.table_schema = DATABASE()
              AND k.table_name = s.table_name AND k.column_name = s.column_name AND referenced_table_name IS NOT NULL)
        LIMIT 1
    """
    TABLE = """
        SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE '{}\\_%'
        LIMIT 1
    """
    NUMBERED = """
        SELECT table_name, column_name, column_type FROM information_schema.columns WHERE table_schema = DATABASE()
          AND table_name LIKE '{}\\_%' AND extra LIKE '%auto_increment%' LIMIT 1
    """
    ANY = COLUMN.format("1")
    WAYS = (
        (ANY, "ALTER TABLE {0} DROP COLUMN `{1}`"),
        (ANY, "ALTER TABLE {0} RENAME COLUMN `{1}` TO renamed_by_hand"),
        (COLUMN.format("data_type = 'varchar'"), "ALTER TABLE {0} MODIFY `{1}` varchar(7) NOT NULL"),
        (COLUMN.format("is_nullable = 'NO'"), "ALTER TABLE {0} MODIFY `{1}` {2} NULL"),
        (KEY, "ALTER TABLE {0} DROP FOREIGN KEY {1}"),
        (KEY, "ALTER TABLE {0} DROP FOREIGN KEY {1}, ADD FOREIGN KEY ({2}) REFERENCES {3} ({4}) ON DELETE CASCADE"),
        (INDEX.format(0), "ALTER TABLE {0} DROP INDEX {1}"),
        (INDEX.format(1), "ALTER TABLE {0} DROP INDEX {1}"),
        (NUMBERED, "ALTER TABLE {0} MODIFY `{1}` {2} NOT NULL"),
        (TABLE, "ALTER TABLE {0} RENAME TO {0}_by_hand"),
    )  # fmt: skip

    def __init__(self, server: MariaDB, url: str) -> None:
        self.server = server
        self.url = url
        self.name = url.rpartition("/")[2]

    def keep(self) -> None:
        dump = ["mariadb-dump", "--no-defaults"]
        login = [f"--host={HOST}", f"--port={self.server.port}", f"--user={self.server.user}"]
        self.kept = self.server.run([*dump, *login, f"--password={self.server.password}", self.name])

    def restore(self) -> None:
        self.server.drop_database(self.name)
        self.server.create_database(self.name)
        self.server.execute(self.kept, database=self.name)

    def ask(self, statement: str) -> list[Any]:
        return self.server.execute(f"SET foreign_key_checks = 0; {statement}", database=self.name)

    def alter(self, label: str, turn: int) -> str:
        """Alter the app's tables in one of ten ways; return how."""
        # A package that has no such thing, or does not let it go, has a column or a table renamed.
        for find, statement in (self.WAYS[turn], self.WAYS[1], self.WAYS[-1]):
            if found := self.ask(find.format(label.replace("_", "\\_"))):
                with contextlib.suppress(ServerFailed):
                    self.ask(statement.format(*found[0]))
                    return statement.format(*found[0])
        raise AssertionError(label)


Hand = SQLiteHand | MariaDBHand


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def hand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    """Return the way to a database that stock `migrate` has brought up to date."""
    need(SAMPLE)
    folder = tmp_path_factory.mktemp("packages")
    found: Hand = SQLiteHand(folder / "db.sqlite3")
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        found = MariaDBHand(server, server.create_database("packages"))
    project(folder, found).run("migrate")
    found.keep()
    yield found
    if isinstance(found, MariaDBHand):
        assert found.server.execute(f"SHOW DATABASES LIKE '%{SUFFIX}'") == []
        found.server.drop_database(found.name)


def project(folder: Path, hand: Hand) -> Project:
    """Return the project of all packages."""
    made = Project(folder, hand.url)
    made.settings(
        INSTALLED_APPS=["auto_migrate", *OTHERS, *APPS.values()],
        SILENCED_SYSTEM_CHECKS=["guardian.W001"],
        ENGINES={},
    )
    return made


def adopt(made: Project, *, expect: int) -> str:
    """Adopt, saying of all that is asked that it was done; return what the second attempt told."""
    asked = made.run("auto_migrate", "--adopt", "--plan")
    assert asked.code in {0, 7}, asked.text
    said = made.run("auto_migrate", "--adopt", *all_done(asked.output))
    assert said.code == expect, said.text
    return said.text


def recorded(hand: Hand) -> set[tuple[str, str]]:
    """Return the recorded migrations."""
    return {(app, name) for app, name in hand.ask("SELECT app, name FROM django_migrations")}


@pytest.mark.parametrize("lost", LOST)
def test_a_record_that_was_lost_is_made_again(tmp_path: Path, hand: Hand, lost: str) -> None:
    hand.restore()
    whole = recorded(hand)
    made = project(tmp_path, hand)
    hand.ask(f"DELETE FROM django_migrations WHERE {lost}")
    adopt(made, expect=0)
    assert recorded(hand) == whole
    assert "No migrations to apply." in made.run("auto_migrate").output
    drift = made.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert "No drift" in drift.output, drift.text


@pytest.mark.parametrize("turn", range(10))
def test_nothing_is_recorded_of_what_was_altered_by_hand(tmp_path: Path, hand: Hand, turn: int) -> None:
    hand.restore()
    whole = recorded(hand)
    altered = {label: hand.alter(label, (number + turn) % 10) for number, label in enumerate(APPS)}
    hand.ask("DELETE FROM django_migrations")
    told = adopt(project(tmp_path, hand), expect=7)
    missing = {app for app, _name in whole - recorded(hand)}
    assert missing >= altered.keys(), ([(app, altered[app]) for app in altered.keys() - missing], told)
    assert missing.isdisjoint({"auth", "contenttypes", "sessions"}), told

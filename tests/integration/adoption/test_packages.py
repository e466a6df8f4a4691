"""Ten public packages whose record was lost, whole or in part, and whose tables were altered by hand in ten ways.

Under `SWEEP=1` alone: ten databases with ten packages each, every package altered in another way in each of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from corpus.catalogue import combine
from corpus.examination import Commands, Project
from corpus.ways import OURS, STOCK
from tests.integration.adoption.questions import all_done
from tests.requirements import SAMPLE, need
from tests.servers import PostgreSQL

pytestmark = [
    pytest.mark.skipif("SWEEP" not in os.environ, reason="make sweep"),
    pytest.mark.timeout(1800),
]
PACKAGES = (
    "django-pghistory", "django-axes", "django-guardian", "django-otp", "django-rest-knox", "django-reversion",
    "django-taggit", "django-waffle", "djangorestframework", "djangorestframework-simplejwt",
)  # fmt: skip
LABELS = (
    "shop", "axes", "guardian", "otp_totp", "knox", "reversion", "taggit", "waffle", "authtoken", "token_blacklist",
)  # fmt: skip
COLUMN = """
    SELECT attrelid::regclass, attname, atttypmod - 3 FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind = 'r' AND relname LIKE %(prefix)s AND attnum > 0 AND NOT attisdropped
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'p' AND attnum = ANY(conkey))
      AND {condition} ORDER BY relname, attnum LIMIT 1
"""
CONSTRAINT = """
    SELECT conrelid::regclass, quote_ident(conname), pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid WHERE relname LIKE %(prefix)s AND contype = '{kind}'
    ORDER BY relname, conname LIMIT 1
"""
INDEX = """
    SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE relname LIKE %(prefix)s AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) LIMIT 1
"""
KEY = """
    SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relname LIKE %(prefix)s AND relkind = 'r' AND attidentity <> '' LIMIT 1
"""
TABLE = "SELECT oid::regclass FROM pg_class WHERE relname LIKE %(prefix)s AND relkind = 'r' ORDER BY relname LIMIT 1"
DROPPED = (COLUMN.format(condition="true"), "ALTER TABLE {0} DROP COLUMN {1} CASCADE")
# Where to find what is altered, and how; a package that has none of it loses a column.
WAYS = (
    DROPPED,
    (COLUMN.format(condition="true"), "ALTER TABLE {0} RENAME COLUMN {1} TO renamed_by_hand"),
    (COLUMN.format(condition="atttypid = 'varchar'::regtype"), "ALTER TABLE {0} ALTER {1} TYPE varchar({2})"),
    (COLUMN.format(condition="attnotnull"), "ALTER TABLE {0} ALTER {1} DROP NOT NULL"),
    (CONSTRAINT.format(kind="f"), "ALTER TABLE {0} DROP CONSTRAINT {1}"),
    (CONSTRAINT.format(kind="f"), "ALTER TABLE {0} DROP CONSTRAINT {1}, ADD CONSTRAINT {1} {2} NOT VALID"),
    (CONSTRAINT.format(kind="u"), "ALTER TABLE {0} DROP CONSTRAINT {1} CASCADE"),
    (INDEX, "DROP INDEX {0}"),
    (INDEX, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{0}'::regclass"),
    (KEY, "ALTER TABLE {0} ALTER {1} DROP IDENTITY"),
)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Return commands in the project of all packages, with a database as stock `migrate` leaves it beside."""
    need(SAMPLE)
    with PostgreSQL() as server:
        project = Project(server, combine("sample", PACKAGES), tmp_path_factory.mktemp("packages"))
        project.write()
        with (stock := Commands(project, STOCK)).nursery:
            stock.migrate(STOCK)
        with (ours := Commands(project, OURS)).nursery:
            yield ours


@pytest.fixture
def server(commands: Commands) -> PostgreSQL:
    """Return the server, with the database of our commands made anew as stock `migrate` leaves it."""
    found = commands.project.server
    found.drop_database(OURS.database)
    found.create_database(OURS.database, STOCK.database)
    return found


def adopt(commands: Commands, *, expect: int) -> str:
    """Adopt, saying of all that is asked that it was done; return what the second attempt told."""
    asked = commands.run(OURS, "auto_migrate", "--adopt", "--plan", expect=(0, 7))
    return commands.run(OURS, "auto_migrate", "--adopt", *all_done(asked), expect=(expect,))


def recorded(server: PostgreSQL, database: str) -> set[tuple[str, str]]:
    """Return the recorded migrations."""
    return set(server.execute("SELECT app, name FROM django_migrations", database=database))


@pytest.mark.parametrize("lost", ["true", "id % 2 = 0", "id % 5 < 4", "name LIKE '0001%'", "app IN ('auth', 'shop')"])
def test_a_record_that_was_lost_is_made_again(commands: Commands, server: PostgreSQL, lost: str) -> None:
    server.execute(f"DELETE FROM django_migrations WHERE {lost}", database=OURS.database)
    adopt(commands, expect=0)
    assert recorded(server, OURS.database) == recorded(server, STOCK.database)
    assert "No migrations to apply." in commands.run(OURS, "auto_migrate")
    assert "No drift" in commands.run(OURS, "auto_migrate", "--plan", "--drift", "--fail-on-drift")


@pytest.mark.parametrize("turn", range(len(WAYS)))
def test_nothing_is_recorded_of_what_was_altered_by_hand(commands: Commands, server: PostgreSQL, turn: int) -> None:
    for number, label in enumerate(LABELS):
        alter(server, label, WAYS[(number + turn) % len(WAYS)])
    server.execute("DELETE FROM django_migrations", database=OURS.database)
    told = adopt(commands, expect=7)
    missing = recorded(server, STOCK.database) - recorded(server, OURS.database)
    # An index that is gone may be the very one that the last migration makes: then only that one is missing.
    assert {app for app, _name in missing} >= set(LABELS), told
    assert {app for app, _name in missing}.isdisjoint({"auth", "admin", "contenttypes", "sessions", "otp_email"}), told


def alter(server: PostgreSQL, label: str, way: tuple[str, str]) -> None:
    """Alter a table of an app."""
    with psycopg.connect(server.url(OURS.database), autocommit=True) as connection:
        prefix = {"prefix": label.replace("_", r"\_") + r"\_%"}
        for find, statement in (way, DROPPED):
            if (place := connection.execute(find.encode(), prefix).fetchone()) is not None:
                connection.execute(statement.format(*place).encode())
                return
    raise AssertionError(label)

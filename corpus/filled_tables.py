"""All tables filled before each migration, as those of a project are that was in use for long.

Runs within a package's project, in the package's own interpreter.
"""

from __future__ import annotations

import json
import random

from django.core.management import call_command
from django.db import connection

from auto_migrate.events import Context, Event, MigrationStarted
from auto_migrate.rehearsal.sample_rows import fill
from corpus.migration_hook import before_each_migration

ROWS = 40
# The migrations that began so far, and those that refused the rows and get none; a process migrates once.
BEGUN: list[str] = []
REFUSED: list[str] = []
EMPTIED = """
    SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
    WHERE schemaname !~ '^pg_|^information_schema$' AND tablename !~ '^auto_migrate_'
      AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
"""


class FillingListener:
    """Fills empty tables before each migration where `auto_migrate` runs (the setting `LISTENERS`)."""

    def __call__(self, event: Event, _context: Context) -> None:
        if isinstance(event, MigrationStarted):
            fill_tables(str(event.migration))


def fill_tables(migration: str) -> None:
    """Fill the tables that are empty, unless a migration refuses rows; every second time some values are missing."""
    BEGUN.append(migration)
    # What a migration draws by chance, it draws alike in both ways.
    random.seed(migration)
    if migration not in REFUSED:
        fill(connection, ROWS, with_nulls=not len(BEGUN) % 2)


def empty_tables() -> None:
    """Take all rows away that migrations might refuse."""
    with connection.cursor() as cursor:
        cursor.execute(EMPTIED, None)
        if tables := cursor.fetchone()[0]:
            cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


def migrate_filled(command: str) -> None:
    """Migrate by a command; print on a line which migrations refused the rows. Each is tried again without any.

    Raise what the command raises for one that refuses empty tables as well.
    """
    with before_each_migration(lambda migration: fill_tables(str(migration))):
        while True:
            try:
                call_command(command, interactive=False, verbosity=0)
                break
            except Exception:
                if not BEGUN or BEGUN[-1] in REFUSED:
                    raise
                REFUSED.append(BEGUN[-1])
                empty_tables()
    print(json.dumps(REFUSED))

"""All tables filled before each migration, as those of a project are that was in use for long.

Runs within a package's project, in the package's own interpreter.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.transaction import atomic

from auto_migrate.events import Context, Event, MigrationStarted
from auto_migrate.rehearsal.sample_rows import fill
from corpus.migration_hook import before_each_migration

ROWS = 40
# The migrations that began so far, and how often one refused the rows, which gets none; a process migrates once.
BEGUN: list[str] = []
REFUSED: dict[str, int] = {}
# The tables with rows that mean nothing, as they are quoted; those that migrations have written are not among them.
FILLED: set[str] = set()
INSERT = re.compile(r"INSERT INTO (\S+)")
# Statements that let sequences go on where rows end; an attempt that failed has counted, too.
RECOUNT = """
    SELECT format('SELECT setval(%L, (SELECT coalesce(max(%I), 0) + 1 FROM %s), false)',
                  sequence, attname, attrelid::regclass)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid,
         pg_get_serial_sequence(attrelid::regclass::text, attname) AS sequence
    WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^information_schema$'
      AND relname !~ '^auto_migrate_' AND attnum > 0 AND NOT attisdropped AND sequence IS NOT NULL
"""
STILL_THERE = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL"
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
        with connection.execute_wrapper(note_filled):
            fill(connection, ROWS, with_nulls=not len(BEGUN) % 2)


def note_filled(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Note which tables get rows; for `connection.execute_wrapper`."""
    result = execute(sql, params, many, context)
    if (insert := INSERT.match(sql)) and context["cursor"].rowcount > 0:
        FILLED.add(insert[1])
    return result


def empty_tables() -> None:
    """Take away the rows that mean nothing; raise `DatabaseError` if others point to them."""
    with atomic(), connection.cursor() as cursor:
        cursor.execute(STILL_THERE, [sorted(FILLED)])
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def empty_all_tables() -> None:
    """Take away what migrations have written, too."""
    with connection.cursor() as cursor:
        cursor.execute(EMPTIED, None)
        if tables := cursor.fetchone()[0]:
            cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


def recount() -> None:
    """Have rows that are yet to come numbered as if nothing had been tried."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT, None)
        for (statement,) in cursor.fetchall():
            cursor.execute(statement, None)


def migrate_filled(command: str) -> None:
    """Migrate by a command; print on a line which migrations refused the rows. Each is tried again without them.

    One that refuses what is left as well gets empty tables; raise what the command raises for one that refuses those.
    """
    with before_each_migration(lambda migration: fill_tables(str(migration))):
        while True:
            try:
                call_command(command, interactive=False, verbosity=0)
                break
            except Exception:
                refused = BEGUN[-1] if BEGUN else ""
                times = REFUSED.get(refused, 0)
                if not refused or times > 1:
                    raise
                REFUSED[refused] = times + 1
                try:
                    (empty_all_tables if times else empty_tables)()
                except DatabaseError:
                    empty_all_tables()
                # What migrations write there from now on is theirs.
                FILLED.clear()
                recount()
    print(json.dumps(list(REFUSED)))

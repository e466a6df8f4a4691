"""Each migration of a project judged where it stands in the history, all tables that are there taken for large ones.

Runs within a package's project, in the package's own interpreter.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from unittest import mock

from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.migration import Migration

from auto_migrate.databases.statistics import PostgreSQLStatistics, TableStatistics
from auto_migrate.planning.targets import Goal
from auto_migrate.preview import judge
from corpus.migration_hook import before_each_migration

ROWS = 200_000
BYTES_A_ROW = 120


class LargeTables(PostgreSQLStatistics):
    """Tells of every table that is there that it has 200,000 rows."""

    def of_tables(self, tables: Iterable[str], limit: int) -> Mapping[str, TableStatistics]:
        return {name: enlarged(found) for name, found in super().of_tables(tables, limit).items()}


def enlarged(found: TableStatistics) -> TableStatistics:
    """Return the statistics of a table as they would be with 200,000 rows, a fifth of its bytes being indexes."""
    size = ROWS * BYTES_A_ROW
    return dataclasses.replace(found, rows=ROWS, bytes=size, indexes=size // 5, counted=False, rows_known=True)


def print_judgement(migration: Migration) -> None:
    """Print on a line what refuses a migration that is about to be applied."""
    with mock.patch("auto_migrate.databases.statistics.PostgreSQLStatistics", LargeTables):
        judged = judge(DEFAULT_DB_ALIAS, Goal(migration.app_label, migration.name))
    found = sorted({(finding.code, finding.title) for finding in judged.blocking})
    print(json.dumps([str(migration), found]))


def judge_history() -> None:
    """Migrate an empty database and print what would have been said of each migration."""
    with before_each_migration(print_judgement):
        call_command(migrate.Command(), interactive=False, verbosity=0)

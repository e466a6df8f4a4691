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
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from auto_migrate.databases.statistics import PostgreSQLStatistics, TableStatistics
from auto_migrate.planning.targets import Goal
from auto_migrate.preview import judge

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


class JudgingExecutor(MigrationExecutor):
    """Django's own executor, which has each migration judged before it is applied, and prints a line of each."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Judge and apply."""
        with mock.patch("auto_migrate.databases.statistics.PostgreSQLStatistics", LargeTables):
            judged = judge(DEFAULT_DB_ALIAS, Goal(migration.app_label, migration.name))
        found = sorted({(finding.code, finding.title) for finding in judged.blocking})
        print(json.dumps([str(migration), found]))
        return super().apply_migration(state, migration, fake, fake_initial)


def judge_history() -> None:
    """Migrate an empty database and print what would have been said of each migration."""
    with mock.patch.object(migrate, "MigrationExecutor", JudgingExecutor):
        call_command(migrate.Command(), interactive=False, verbosity=0)

"""The steps of a plan's operations, told before any is carried out, for whoever judges the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.online.planner import OnlinePlanner, needs_one_transaction, planner_of
from auto_migrate.applying.operation_loop import applies_itself
from auto_migrate.changes.change import Change, RenameTable
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.statistics import TableStatistics
from auto_migrate.findings import OnlineStep


class PlannedSteps:
    """Tells the steps of one operation after the other, in the order of the plan."""

    def __init__(self, planner: OnlinePlanner) -> None:
        # A table that the plan renames is known by the name that it has now, and one that it makes is used by nobody.
        self.planner = dataclasses.replace(planner, look=self._look)
        self.of_database = planner.look
        self.renamed: dict[str, str] = {}
        self.new = NewObjects()

    def __call__(
        self,
        migration: Migration,
        operation: Operation,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change],
    ) -> tuple[OnlineStep, ...]:
        """Return the steps, none where the operation is carried out as it is written."""
        steps: tuple[OnlineStep, ...] = ()
        if not applies_itself(migration) and not needs_one_transaction(migration):
            found = self.planner.steps(operation, migration.app_label, before, after, changes)
            steps = tuple(step.as_planned() for step in found)
        for change in changes:
            self.new.follow(change)
            if isinstance(change, RenameTable):
                self.renamed[change.to] = self.renamed.get(change.table, change.table)
        return steps

    def _look(self, table: str) -> TableStatistics | None:
        return None if table in self.new.tables else self.of_database(self.renamed.get(table, table))


def foresight(database: Database, *, is_new: bool) -> PlannedSteps | None:
    """Return what tells the steps on a database as it is, None where nothing goes online there."""
    planner = planner_of(database, is_new=is_new)
    return None if planner is None else PlannedSteps(planner)


def foresight_offline(connection: BaseDatabaseWrapper) -> PlannedSteps | None:
    """Return what tells the steps with no database to look at: every table that is there already counts as large."""
    if connection.vendor != "postgresql" or get_settings().ONLINE == "never":
        return None
    large = TableStatistics(get_settings().SMALL_TABLE + 1, counted=False)
    version = int(connection.get_database_version()[0])
    return PlannedSteps(OnlinePlanner(connection, lambda _table: large, lambda _table: True, version))

"""The steps of a plan's operations, told before any is carried out, for whoever judges the plan."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.online.deferral import meets_deferred
from auto_migrate.applying.online.planner import OnlinePlanner, needs_one_transaction, planner_of
from auto_migrate.applying.online.present_names import PresentNames
from auto_migrate.applying.online.quoted_names import parts_of, unquoted
from auto_migrate.applying.online.replaced_column import ReplacedColumn, facts_of, facts_of_new
from auto_migrate.applying.online.runner import Steps
from auto_migrate.applying.online.step import Step
from auto_migrate.applying.operation_loop import applies_itself
from auto_migrate.applying.operation_traits import digest_of
from auto_migrate.applying.table_alterations import copies_online, goes_online
from auto_migrate.changes.change import AddColumn, Change
from auto_migrate.changes.collected_sql import statements_of_operation
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.mysql.online_ddl import TableStatement
from auto_migrate.databases.statistics import TableStatistics
from auto_migrate.findings import OnlineStep
from auto_migrate.history.journal import Position
from auto_migrate.values import MigrationKey


class StepPredictor(abc.ABC):
    """Tells the steps of one operation after the other, in the order of the plan.

    A table that the plan renames is known by the name that it has now, and one that it makes is used by nobody.
    """

    def __init__(self) -> None:
        self.present = PresentNames()
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
        steps = () if applies_itself(migration) else self.steps(migration, operation, before, after, changes)
        for change in changes:
            self.new.follow(change)
            self.present.follow(change)
        return steps

    @abc.abstractmethod
    def steps(
        self,
        migration: Migration,
        operation: Operation,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change],
    ) -> tuple[OnlineStep, ...]:
        """Return the steps of an operation whose migration is carried out operation by operation."""

    def former(self, table: str) -> str:
        """Return the name that a table has now, empty for one that the plan makes."""
        return "" if table in self.new.tables else self.present.table(table)


class PlannedSteps(StepPredictor):
    """Tells the steps on PostgreSQL.

    Of an operation that a run was `cut` in they are those which that run has begun: they are gone on with, whatever the
    settings and the table say by now.
    """

    def __init__(self, planner: OnlinePlanner, cut: Mapping[MigrationKey, Position] | None = None) -> None:
        super().__init__()
        self.cut = cut or {}
        self.planner = dataclasses.replace(
            planner, look=self._look, facts_of=self._facts_of, present=self.present, is_cut=bool(self.cut)
        )
        self.of_database = planner.look
        # The migration whose operations come one by one, and whether it is carried out in one transaction.
        self.migration: Migration | None = None
        self.is_whole = False

    def steps(
        self,
        migration: Migration,
        operation: Operation,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change],
    ) -> tuple[OnlineStep, ...]:
        if migration is not self.migration:
            self.is_whole = needs_one_transaction(migration) or (
                bool(migration.atomic) and meets_deferred(migration, self.planner.connection, before)
            )
            self.migration = migration
        if self.is_whole:
            return ()
        found = self._begun(migration, operation) or self.planner.steps(
            operation, migration.app_label, before, after, changes
        )
        return tuple(step.as_planned() for step in found)

    def _begun(self, migration: Migration, operation: Operation) -> Sequence[Step]:
        position = self.cut.get(MigrationKey.of(migration))
        if position is None or not position.online or position.started is None:
            return ()
        steps = Steps.of_json(position.started, position.online)
        is_it = operation in migration.operations[steps.operation - 1 : steps.operation]
        return steps.steps if is_it and steps.digest == digest_of([operation]) else ()

    def _facts_of(
        self, connection: BaseDatabaseWrapper, table: str, column: str, keys_dropped: Iterable[str]
    ) -> ReplacedColumn:
        """Look a column up, or foresee one that the plan makes: the database does not have it yet."""
        place = ".".join(parts_of(table)), unquoted(column)
        if place not in self.new.columns:
            return facts_of(connection, table, column, keys_dropped)
        return facts_of_new(connection, table, column, required=place not in self.new.nullable)

    def _look(self, table: str) -> TableStatistics | None:
        return self.of_database(former) if (former := self.former(table)) else None


class PlannedKeys(StepPredictor):
    """Tells on MySQL and MariaDB which columns come with their foreign key although that would copy the table.

    It is all that is known of before it is carried out, beside what nobody needs to be told: the server is asked for
    the rest as well (`TableAlterations`), and what it refuses is a finding then.
    """

    def __init__(self, connection: BaseDatabaseWrapper, goes: Callable[[str], bool]) -> None:
        super().__init__()
        self.connection = connection
        self.goes = goes

    def steps(
        self,
        migration: Migration,
        operation: Operation,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change],
    ) -> tuple[OnlineStep, ...]:
        keys = [change for change in changes if isinstance(change, AddColumn) and change.references]
        tables = {self.former(change.table) for change in keys} - {""}
        if copies_online(self.connection) or not any(map(self.goes, tables)):
            return ()
        sent = statements_of_operation(operation, migration.app_label, self.connection, before, after)
        known = [statement for statement in map(TableStatement.of, sent) if statement is not None]
        if not known or not all(statement.target for statement in known):
            return ()
        ways = [next(statement.ways(checks_keys=False)) for statement in known]
        return tuple(OnlineStep("change", (way.sql,), "NONE", transaction=False) for way in ways)


def step_predictor(
    database: Database, *, is_new: bool, cut: Mapping[MigrationKey, Position] | None = None
) -> StepPredictor | None:
    """Return what tells the steps on a database as it is, None where nothing goes online there."""
    if database.vendor == "mysql":
        goes = get_settings().goes_online(is_new=is_new)
        return PlannedKeys(database.connection, goes_online(database)) if goes else None
    planner = planner_of(database, is_new=is_new)
    return None if planner is None else PlannedSteps(planner, cut)


def step_predictor_offline(connection: BaseDatabaseWrapper) -> StepPredictor | None:
    """Return what tells the steps with no database to look at: every table that is there already counts as large."""
    if get_settings().ONLINE == "never" or connection.vendor not in {"postgresql", "mysql"}:
        return None
    if connection.vendor == "mysql":
        return PlannedKeys(connection, lambda _table: True)
    large = TableStatistics(get_settings().SMALL_TABLE + 1, counted=False)
    version = int(connection.get_database_version()[0])
    return PlannedSteps(OnlinePlanner(connection, lambda _table: large, lambda _table: True, version))

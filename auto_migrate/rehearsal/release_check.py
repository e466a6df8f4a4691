"""Whether the running release could go on: each of its statements planned after what runs before the deploy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import RunPython, RunSQL
from django.db.migrations.migration import Migration
from django.db.migrations.operations import SeparateDatabaseAndState
from django.utils.translation import gettext as _

from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.rehearsal.rehearsal_events import StatementRefused, StatementsChecked, Unchecked
from auto_migrate.rehearsal.statement_planning import NotPlanned, StatementPlanner
from auto_migrate.rehearsal.write_demands import Demand, TableShapes, changed_tables, culprit, shapes, unmet
from auto_migrate.values import MigrationKey
from auto_migrate.workload.statement import RecordedStatement, Workload
from auto_migrate.workload.usage import Usage, usage_of

# What may change more than the tables show.
ANYTHING = (RunSQL, RunPython, SeparateDatabaseAndState)


@dataclasses.dataclass
class ReleaseCheck:
    """Follows a plan in a scratch database with the statements of the running release in hand.

    `begin` before the plan, `look` after each migration, `end` after the last. What cannot be planned before the plan
    either (another database's, a temporary table's) says nothing about it, and is told as unchecked.
    """

    connection: BaseDatabaseWrapper
    workload: Workload

    def __post_init__(self) -> None:
        self.planner = StatementPlanner(self.connection)
        self.types: dict[str, tuple[str, ...]] = {}
        self.unchecked: list[Unchecked] = []
        self.before = self.now = TableShapes({}, frozenset(), {}, {})
        self._usages: dict[str, Usage] = {}
        self._refused: dict[RecordedStatement, StatementRefused | None] = {}

    def begin(self) -> None:
        """Plan every statement as things are."""
        self.before = self.now = shapes(self.connection)
        self.planner.begin()
        for statement in self.workload.statements:
            if statement.vendor != self.connection.vendor:
                reason = _("recorded on {vendor}").format(vendor=statement.vendor)
                self.unchecked.append(Unchecked(statement.text, reason))
                continue
            try:
                self.types[statement.text] = self.planner.types(statement.text)
            except NotPlanned as error:
                self.unchecked.append(Unchecked(statement.text, str(error)))

    def look(self, read: ClassifiedMigration, *, counts: bool) -> None:
        """See which statements a migration breaks; where that does not count, they are looked at no more."""
        earlier, self.now = self.now, shapes(self.connection)
        changed = changed_tables(earlier, self.now)
        anything = any(isinstance(operation.operation, ANYTHING) for operation in read.operations)
        about = self.workload.statements if anything else self.workload.mentioning(self._former(changed))
        for statement in about:
            if statement.text in self.types and statement not in self._refused:
                refused = self._refusal(statement, read.key)
                if refused:
                    self._refused[statement] = refused if counts else None

    def end(self) -> tuple[StatementRefused, ...]:
        """Return what is refused now; what a later migration made good again is not."""
        found = []
        for statement, refused in self._refused.items():
            if refused and self._refusal(statement, refused.migration):
                found.append(refused)
        self.planner.end()
        return tuple(found)

    def summary(self, refused: Sequence[StatementRefused]) -> StatementsChecked:
        """Return how many statements were looked at, and which could not be."""
        count = len(self.workload.statements)
        return StatementsChecked(self.workload.source, count, len(refused), tuple(self.unchecked))

    def _refusal(self, statement: RecordedStatement, migration: MigrationKey) -> StatementRefused | None:
        usage = self.usage(statement)
        try:
            self.planner.plan(statement.text, self.types[statement.text])
        except NotPlanned as error:
            demand: Demand | None = Demand(*culprit(usage, self.before, self.now), str(error))
        else:
            demand = next(unmet(statement, usage, self.before, self.now), None)
        if demand is None:
            return None
        return StatementRefused(
            migration=migration,
            table=demand.table,
            column=demand.column,
            statement=statement.text,
            calls=statement.calls,
            roles=statement.roles,
            reason=demand.reason,
            certain=demand.certain,
        )

    def usage(self, statement: RecordedStatement) -> Usage:
        """Return what a statement uses of the tables as they were before the plan."""
        if statement.text not in self._usages:
            self._usages[statement.text] = usage_of(statement, self.before.of)
        return self._usages[statement.text]

    def _former(self, names: Iterable[str]) -> set[str]:
        """Return names of tables, and those that the same tables had before the plan, without their schemas."""
        known = set(names)
        oids = {oid for oid, name in self.now.names.items() if name in known}
        known |= {self.before.names[oid] for oid in oids if oid in self.before.names}
        # Statements leave a schema out where the search path leads there.
        return {name.rpartition(".")[2] for name in known}


def moved(plan: Sequence[Migration], refused: Iterable[StatementRefused]) -> tuple[MigrationKey, ...]:
    """Return the migrations of a plan, in its order, that break a statement, and those that depend on them."""
    late = {one.migration for one in refused}
    for migration in plan:
        if any(MigrationKey(*dependency) in late for dependency in migration.dependencies):
            late.add(MigrationKey.of(migration))
    return tuple(key for key in map(MigrationKey.of, plan) if key in late)

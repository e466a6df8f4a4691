"""Which operations go online, and in which steps, told from the states around them and from what their tables are."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.core.exceptions import FieldDoesNotExist
from django.db import Error, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.migrations.utils import resolve_relation
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.locks.operation_locks import LockNeeds, rule_of
from auto_migrate.applying.online.collector import collected
from auto_migrate.applying.online.deferral import meets_deferred
from auto_migrate.applying.online.present_names import PresentNames
from auto_migrate.applying.online.quoted_names import parts_of
from auto_migrate.applying.online.raw_sql import is_worth_parsing, statements_of
from auto_migrate.applying.online.renames import renamed
from auto_migrate.applying.online.replaced_column import (
    Facts,
    demand_no_triggers,
    demand_valid_rows,
    facts_of,
    facts_or_new,
)
from auto_migrate.applying.online.rewrites import rewritten
from auto_migrate.applying.online.step import Kind, Step
from auto_migrate.applying.online.step_context import NotOnline, StepContext
from auto_migrate.applying.online.translation import steps_of, without_passing
from auto_migrate.applying.operation_traits import statements_of as sql_of
from auto_migrate.applying.states.lazy_state import foresee
from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.reading import read_changes
from auto_migrate.changes.stock_operations import flat
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.statistics import TableStatistics
from auto_migrate.exceptions import TransientError

logger = logging.getLogger(__name__)

# Return what a table is like by its name, None where it is not there yet.
Look = Callable[[str], TableStatistics | None]

# SQL of which later operations of the same transaction may make use.
LASTING = _lazy_re_compile(
    r"\bSET\s+(LOCAL|CONSTRAINTS)\b|\bset_config\s*\(|\bON\s+COMMIT\b|(^|;)\s*LOCK\s|advisory_xact_lock", re.IGNORECASE
)
KINDS = (
    ops.AddIndex,
    ops.RemoveIndex,
    ops.AddConstraint,
    ops.RemoveConstraint,
    ops.AlterUniqueTogether,
    ops.AlterIndexTogether,
    ops.AddField,
    ops.AlterField,
    ops.RemoveField,
    ops.DeleteModel,
)
# Which make keys anew of other tables than their own.
RENAMES = (ops.RenameModel, ops.RenameField)


@dataclasses.dataclass(frozen=True)
class OnlinePlanner:
    """Plans the operations of migrations.

    `goes` tells by a table's statistics whether what is done to it goes online; `version` is the server's (major). One
    that `is_off` plans nothing; what was begun before is gone on with all the same. `facts_of` looks a column up, and
    `present` are the names by which the database knows what the plan has renamed. After a run that `is_cut` constraints
    may stand that it goes on to validate.
    """

    connection: BaseDatabaseWrapper
    look: Look
    goes: Callable[[TableStatistics], bool]
    version: int
    is_off: bool = False
    facts_of: Facts = facts_of
    present: PresentNames = dataclasses.field(default_factory=PresentNames)
    is_cut: bool = False

    def is_wanted(self, migration: Migration, state: ProjectState) -> bool:
        """Return whether any operation of a migration goes online, from the state before its first."""
        if self.is_off or needs_one_transaction(migration):
            return False
        if not any(self._may_go(operation, migration.app_label, state) for operation in flat(migration.operations)):
            return False
        return self._any_has_steps(migration, state) and not meets_deferred(migration, self.connection, state)

    def _any_has_steps(self, migration: Migration, state: ProjectState) -> bool:
        # A column that an operation before makes is not there yet.
        foreseeing = dataclasses.replace(self, facts_of=facts_or_new)
        for operation in migration.operations:
            after = foresee(state, migration.app_label, [operation])
            if foreseeing.steps(operation, migration.app_label, state, after):
                return True
            state = after
        return False

    def steps(
        self,
        operation: Operation,
        app_label: str,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change] | None = None,
    ) -> tuple[Step, ...]:
        """Return the steps of an operation, none where it is carried out as it is written.

        `changes` are what it does to the database, where somebody has read them.
        """
        if self.is_off:
            return ()
        try:
            return self._of_plain_tables(tuple(self._steps(operation, app_label, before, after, changes)))
        except NotOnline:
            return ()
        except (Error, TransientError):
            raise
        except Exception as error:  # noqa: BLE001 # what has no steps is carried out as Django does
            logger.debug("%s is carried out as it is written: %r", operation.describe(), error)
            return ()

    def _steps(
        self,
        operation: Operation,
        app_label: str,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change] | None,
    ) -> Iterator[Step]:
        if isinstance(operation, ops.SeparateDatabaseAndState):
            for inner in operation.database_operations:
                within = foresee(before, app_label, [inner])
                steps = tuple(self._steps(inner, app_label, before, within, None))
                if not steps:
                    raise NotOnline
                yield from steps
                before = within
        elif isinstance(operation, ops.RunSQL):
            yield from self._sql_steps(operation, app_label)
        elif self._may_go(operation, app_label, before):
            if changes is None:
                changes = read_changes(operation, app_label, self.connection, before, after)
            # A key takes the columns that point to it along.
            along = {change.table for change in changes if isinstance(change, AlterType)}
            is_known = isinstance(operation, RENAMES) or self._table_goes(operation, app_label, before)
            if is_known or any(map(self._goes, along)):
                yield from self._own_steps(operation, app_label, before, after, changes)

    def _own_steps(
        self,
        operation: Operation,
        app_label: str,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change],
    ) -> Sequence[Step]:
        context = StepContext(changes, self.version, self.connection)
        # By the former names only a key is known again that gets another one.
        present = self.present if context.renames else PresentNames()
        editor = collected(operation, app_label, self.connection, before, after, present=present)
        if editor is None:
            return ()
        if context.renames:
            return renamed(without_passing(editor.collected_sql), self.connection, self.present)
        if not context.keeps_rows:
            steps = rewritten(without_passing(editor.collected_sql), self.connection, self.version, self.facts_of)
            self._demand_valid_rows(steps)
            return steps
        steps = steps_of(editor.collected_sql, context, editor.kept_keys)
        if context.added_columns and any(step.kind is Kind.FILL for step in steps):
            demand_no_triggers(self.connection, steps[0].table)
            self._demand_valid_rows(steps)
        # One instant is what Django does, unless it makes something anew that may stay.
        is_lighter = sum(len(step.sql) for step in steps) < len(without_passing(editor.collected_sql))
        return steps if is_lighter or len(steps) > 1 or any(step.kind is not Kind.CHANGE for step in steps) else ()

    def _of_plain_tables(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Return steps, none where any of their tables is partitioned or inherits: keys may come from such, too."""
        is_plain = all(found is None or found.plain for found in map(self.look, tables_of(steps)))
        return steps if is_plain else ()

    def _demand_valid_rows(self, steps: Iterable[Step]) -> None:
        """Raise `NotOnline` if rows are to be written that a constraint may refuse, as Django's statement would not."""
        for table in () if self.is_cut else {step.table for step in steps if step.kind is Kind.FILL}:
            demand_valid_rows(self.connection, table)

    def _sql_steps(self, operation: ops.RunSQL, app_label: str) -> Sequence[Step]:
        """Return the steps of SQL that somebody wrote, if it is plain and any of its tables goes online."""
        if type(operation).database_forwards is not ops.RunSQL.database_forwards:
            return ()
        if not router.allow_migrate(self.connection.alias, app_label, **operation.hints):
            return ()
        steps = self.steps_as_written(operation)
        tables = tables_of(steps)
        known = [found for found in map(self.look, tables) if found is not None]
        goes = len(known) == len(tables) and all(table.plain for table in known) and any(map(self.goes, known))
        return steps if goes and any(step.kind is not Kind.CHANGE for step in steps) else ()

    def steps_as_written(self, operation: ops.RunSQL) -> Sequence[Step]:
        """Return the steps of SQL that somebody wrote, whatever its tables; raise `NotOnline` where there are none."""
        statements = statements_of(operation)
        context = StepContext((), self.version, self.connection)
        return steps_of(statements, context) if statements else ()

    def _may_go(self, operation: Operation, app_label: str, state: ProjectState) -> bool:
        """Return whether an operation may go online, without looking closely."""
        if isinstance(operation, ops.RunSQL):
            return is_worth_parsing(operation)
        if isinstance(operation, RENAMES):
            # What the migration itself has made is not there yet, and goes where that goes.
            with contextlib.suppress(LookupError, FieldDoesNotExist):
                return any(self._goes(table) for table, _mode in LockNeeds(app_label, state).of_one(operation))
            return False
        is_key = isinstance(operation, ops.AlterField) and (operation.field.primary_key or operation.field.unique)
        return (is_key and rule_of(operation) is not None) or self._table_goes(operation, app_label, state)

    def _goes(self, table: str) -> bool:
        known = self.look(table)
        return known is not None and known.plain and self.goes(known)

    def _table_goes(self, operation: Operation, app_label: str, state: ProjectState) -> bool:
        if not isinstance(operation, KINDS) or rule_of(operation) is None:
            return False
        name = getattr(operation, "model_name", None) or operation.name  # type: ignore[union-attr] # each has one
        table = LockNeeds(app_label, state).migrated_table(name)
        return bool(table) and self._goes(str(table))


def tables_of(steps: Iterable[Step]) -> set[str]:
    """Return the names of the tables that steps are about, without quotes."""
    return {".".join(parts_of(step.table)) for step in steps}


def planner_of(database: Database, *, is_new: bool) -> OnlinePlanner | None:
    """Return what plans for the tables of a database as they are, None where nothing ever goes online.

    That is on other databases than PostgreSQL, in a transaction of others, and where all tables are made by this run
    (`is_new`): nobody uses them yet.
    """
    statistics, settings, connection = database.statistics, get_settings(), database.connection
    if database.vendor != "postgresql" or statistics is None or connection.in_atomic_block:
        return None
    always, small = settings.ONLINE == "always", settings.SMALL_TABLE
    known: dict[str, TableStatistics] = {}

    def look(table: str) -> TableStatistics | None:
        if table not in known:
            known.update(statistics.of_tables([table], small))
        return known.get(table)

    def goes(table: TableStatistics) -> bool:
        return always or not table.is_small(small)

    version = connection.pg_version // 10_000  # type: ignore[attr-defined] # PostgreSQL's
    return OnlinePlanner(connection, look, goes, version, not settings.goes_online(is_new=is_new))


def needs_one_transaction(migration: Migration) -> bool:
    """Return whether operations of a migration count on what lasts only as long as one transaction."""
    earlier = list(flat(migration.operations))[:-1]
    lasting = any(isinstance(one, ops.RunSQL) and LASTING.search(sql_of(one)) for one in earlier)
    return (migration.atomic and lasting) or points_ahead(migration)


def points_ahead(migration: Migration) -> bool:
    """Return whether a new table's foreign key points to one that comes only later in the migration.

    In one transaction Django makes the key at its end; where each operation has its own there is no such end.
    """
    places = {
        (migration.app_label, operation.name_lower): place
        for place, operation in enumerate(migration.operations)
        if isinstance(operation, ops.CreateModel)
    }
    return any(
        places.get(resolve_relation(field.remote_field.model, migration.app_label, operation.name_lower), -1) > place
        for place, operation in enumerate(migration.operations)
        if isinstance(operation, ops.CreateModel)
        for _name, field in operation.fields
        if field.remote_field
    )

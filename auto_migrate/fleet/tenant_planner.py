"""Which operations go online in one schema of many: small tables are known by one question for all schemas.

A plan is judged once for all schemas that share it. Where a schema is not like the one by which it was judged, so that
what was to go online there cannot, it is refused rather than done as it is written.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.applying.locks.operation_locks import LockNeeds
from auto_migrate.applying.online.planner import OnlinePlanner, planner_of, tables_of
from auto_migrate.applying.online.runner import ONLINE
from auto_migrate.applying.online.step import Step
from auto_migrate.applying.online.step_context import NotOnline
from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.reading import read_changes
from auto_migrate.changes.stock_operations import flat
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, Question
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.statistics import TableStatistics
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.fleet.own_tables import changed_model
from auto_migrate.fleet.small_tables import SmallTables

# What is known of a table that is small.
FEW = TableStatistics(0)
OWN = "SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(%s)) AND relname = %s"


@dataclasses.dataclass(frozen=True)
class TenantPlanner(OnlinePlanner):
    """Plans in one schema; the operations that were judged to go online are `promised`, by their ids."""

    promised: frozenset[int] = frozenset()

    def steps(
        self,
        operation: Operation,
        app_label: str,
        before: ProjectState,
        after: ProjectState,
        changes: Sequence[Change] | None = None,
    ) -> tuple[Step, ...]:
        """Return the steps; raise `MigrationFailed` where there are none and others would be held up for long."""
        steps = super().steps(operation, app_label, before, after, changes)
        if steps or self.is_off or id(operation) not in self.promised:
            return steps
        for table in self._tables(operation, app_label, before, after):
            found = self.look(table)
            if found is not None and self.goes(found):
                raise not_as_judged(operation, table)
        return steps

    def _tables(self, operation: Operation, app_label: str, before: ProjectState, after: ProjectState) -> Iterator[str]:
        """Return the tables that an operation changes."""
        for inner in flat([operation]):
            if isinstance(inner, ops.RunSQL):
                with contextlib.suppress(NotOnline):
                    yield from tables_of(self.steps_as_written(inner))
                continue
            name = changed_model(inner)
            if name and (table := LockNeeds(app_label, before).migrated_table(name)):
                yield str(table)
        if isinstance(operation, ops.AlterField):
            changes = read_changes(operation, app_label, self.connection, before, after)
            yield from (change.table for change in changes if isinstance(change, AlterType))


def not_as_judged(operation: Operation, table: str) -> MigrationFailed:
    """Say that an operation cannot go online in this schema, as it does in others."""
    text = _("{operation} cannot be carried out online in the schema {schema}, where {table} is large.")
    again = _("To have it carried out as it is written: {setting}=never").format(setting=ONLINE)
    return MigrationFailed(
        text.format(operation=operation.describe(), schema=quoted(active_schema()), table=table),
        hint="\n".join([_("Something hangs on the table there that it does not have in other schemas."), again]),
    )


def tenant_planner(
    database: Database, small: SmallTables, promised: frozenset[int], *, is_new: bool
) -> TenantPlanner | None:
    """Return what plans for the schema that this thread works in, None where nothing goes online."""
    planner = planner_of(database, is_new=is_new)
    if planner is None:
        return None
    schema, look = active_schema(), planner.look

    always, own = get_settings().ONLINE == "always", set[str]()

    def look_here(table: str) -> TableStatistics | None:
        if not always and small.has(database.connection, schema, table):
            return FEW
        # One that all share is not changed from here, unless somebody says where it is.
        if "." in table:
            return look(table)
        if table not in own and database.ask(Question(OWN, [schema, table])):
            own.add(table)
        return look(table) if table in own else None

    return TenantPlanner(
        planner.connection, look_here, planner.goes, planner.version, planner.is_off, promised=promised
    )

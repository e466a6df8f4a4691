"""Whether a migration touches again what Django's schema editor has put off to its end.

Indexes, foreign keys and some unique constraints of a new table, and the indexes of a new column, are made only when
the editor is left. An operation before that which drops such a thing does not find it, so that it stays; one that
renames the table or the column has the thing named anew. Where each operation has a transaction of its own, nothing
can be put off.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.ddl_references import Statement
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.states.lazy_state import foresee
from auto_migrate.changes.collected_sql import Collector, only_read
from auto_migrate.changes.stock_operations import djangos_way, flat

logger = logging.getLogger(__name__)

# What puts statements off, and what may look for such a thing or rename it.
MAKING = (ops.CreateModel, ops.AddField)
TOUCHING = (
    ops.AlterField,
    ops.RenameField,
    ops.RenameModel,
    ops.AlterModelTable,
    ops.AlterUniqueTogether,
    ops.AlterIndexTogether,
    ops.RemoveConstraint,
)
# What a statement says that makes a constraint of the kind which an editor asks for.
WORDS = {"foreign_key": "FOREIGN KEY", "unique": "UNIQUE", "index": " INDEX "}


class DeferralWatch(Collector):
    """Keeps what is put off, and notices whoever looks for any of it; mixed into the schema editor of a database."""

    is_met = False

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Keep a statement; one that is put off may be named in it."""
        name = name_of(sql)
        self.is_met |= bool(name) and name in map(name_of, self.deferred_sql)
        super().execute(sql, params)

    def _constraint_names(self, model: Any, columns: Sequence[str] | None = None, **asked: Any) -> list[str]:
        table, words = model._meta.db_table, [word for option, word in WORDS.items() if asked.get(option)]
        self.is_met |= any(
            isinstance(one, Statement)
            and any(one.references_column(table, column) for column in columns or ())
            and all(word in str(one) for word in words)
            for one in self.deferred_sql
        )
        return super()._constraint_names(model, columns, **asked)

    def watch(self, operation: Operation, app_label: str, before: ProjectState, after: ProjectState) -> None:
        """Carry out an operation that is only looked at."""
        way = djangos_way(operation)
        if way is None or not operation.reduces_to_sql:
            return
        known = [(one, str(one)) for one in self.deferred_sql] if isinstance(operation, TOUCHING) else []
        try:
            way(operation, app_label, self, before, after)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001 # of a table that is not there yet, not all can be told
            logger.debug("What %s looks for is not known: %r", operation.describe(), error)
        self.is_met |= any(str(one) != text for one, text in known)


def meets_deferred(migration: Migration, connection: BaseDatabaseWrapper, state: ProjectState) -> bool:
    """Return whether an operation of a migration, from the state before its first, touches what another has put off."""
    made = itertools.dropwhile(lambda one: not isinstance(one, MAKING), flat(migration.operations))
    if not any(isinstance(one, TOUCHING) for one in made):
        return False
    with only_read(connection) as aside:
        kind = type("WatchedSchemaEditor", (DeferralWatch, connection.SchemaEditorClass), {})
        editor: DeferralWatch = kind(aside, collect_sql=True, atomic=False)
        editor.deferred_sql, editor.old_names = [], {}
        for operation, before, after in with_states(migration.operations, migration.app_label, state):
            editor.watch(operation, migration.app_label, before, after)
    return editor.is_met


def with_states(
    operations: Sequence[Operation], app_label: str, state: ProjectState
) -> Iterator[tuple[Operation, ProjectState, ProjectState]]:
    """Return operations, and those that stand within others, with the states before and after each."""
    for operation in operations:
        after = foresee(state, app_label, [operation])
        if isinstance(operation, ops.SeparateDatabaseAndState):
            yield from with_states(operation.database_operations, app_label, state)
        else:
            yield operation, state, after
        state = after


def name_of(statement: Any) -> str:
    """Return the name of what a statement of Django's makes or drops, as it is quoted; empty where it has none."""
    return str(statement.parts.get("name", "")) if isinstance(statement, Statement) else ""

"""A backfill as the migrations of this code declare it, for whoever carries it out later."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.backfills.backfill_spec import BackfillSpec
from auto_migrate.exceptions import UsageError
from auto_migrate.values import BackfillKey


@dataclasses.dataclass(frozen=True)
class Declared:
    """The operation, and the state of the models where it stands."""

    operation: Any
    state: ProjectState
    connection: BaseDatabaseWrapper

    def task(self) -> BackfillSpec:
        """Return what is to be done."""
        editor: Any = self.connection.schema_editor(atomic=False)
        # Entering it would open a transaction or change the session.
        editor.deferred_sql = []
        task: BackfillSpec = self.operation.task(self.state, editor)
        return task


def declared(connection: BaseDatabaseWrapper, key: BackfillKey) -> Declared:
    """Find the migration that has a backfill, a squashed one perhaps; raise `UsageError` if none of this code does."""
    loader = MigrationLoader(connection)
    for node, migration in loader.graph.nodes.items():
        for index, operation in enumerate(migration.operations):
            if found := next((one for one in within([operation]) if is_backfill(one, key)), None):
                state = loader.project_state(node, at_end=False)
                for before in migration.operations[:index]:
                    before.state_forwards(migration.app_label, state)
                return Declared(found, state, connection)
    raise UsageError(
        _("No migration of this code has the backfill {backfill}.").format(backfill=key),
        hint=_("Run it with the release that has it, or cancel it: manage.py backfills cancel {backfill}").format(
            backfill=key
        ),
    )


def is_backfill(operation: Operation, key: BackfillKey) -> bool:
    """Return whether an operation is the backfill, and not one that finishes it."""
    return getattr(operation, "key", None) == key and hasattr(operation, "task")


def within(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Return operations and those within them."""
    for operation in operations:
        yield operation
        yield from within(getattr(operation, "database_operations", ()))

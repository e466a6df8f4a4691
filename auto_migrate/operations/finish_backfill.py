"""An operation that holds later ones back until a backfill is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

if TYPE_CHECKING:
    from auto_migrate.values import BackfillKey


class FinishBackfill(Operation):
    """Go on when the backfill `name` of the app `app_label` is done, and finish what is left of it.

    In the release step that has to be a matter of seconds; else the run ends before anything of its plan is applied,
    with exit code 10 and how long it will take.
    """

    reduces_to_sql = False
    atomic = False
    in_batches = True
    repeatable = True
    reversible = True

    def __init__(self, app_label: str, name: str) -> None:
        self.app_label = app_label
        self.name = name

    @property
    def key(self) -> BackfillKey:
        """The identity of the backfill."""
        from auto_migrate.values import BackfillKey

        return BackfillKey(self.app_label, self.name)

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration may be called after it."""
        return f"finish_{self.name}"

    def describe(self) -> str:
        return f"Finish backfill {self.name} of {self.app_label}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: rows are no part of the state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        from auto_migrate.backfills.declared import declared
        from auto_migrate.backfills.foreground import carry_out
        from auto_migrate.backfills.outlook import refuse_unknown
        from auto_migrate.backfills.records import Backfills
        from auto_migrate.backfills.release_step import database_here, release_step
        from auto_migrate.backfills.tenant_schemas import within_current_schema
        from auto_migrate.values import BackfillState

        connection = schema_editor.connection
        with within_current_schema(connection.alias) as schema:
            record = Backfills(connection.alias).get(self.key)
            if record is not None and record.state != BackfillState.SUCCEEDED:
                carry_out(database_here(connection.alias), declared(connection, self.key).task())
            elif record is None and schema and release_step() is None:
                # Its migration was faked, or its rows are in another database; or the schema is a copy, which the
                # release step has looked for.
                refuse_unknown(database_here(connection.alias), self.key, [schema])

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Do nothing: what was waited for is not taken back by this."""

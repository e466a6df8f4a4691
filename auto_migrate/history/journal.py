"""The journal of a migration that cannot be rolled back as a whole: which of its operations were carried out.

Operations are carried out in order, so two numbers tell all: how many are done, and which one, if any, was begun and
not seen to end. An operation that fits into a transaction notes its end in that transaction, and is never found begun.
Only a step that is running can be written to: a runner that was taken for dead, and is not, finds out in the very
transaction that would carry out an operation a second time.
"""

from __future__ import annotations

import dataclasses
import uuid

from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.databases.faults import FaultKind
from auto_migrate.exceptions import MigrationFailed, TransientError
from auto_migrate.history.models import StepRecord
from auto_migrate.history.store import History
from auto_migrate.values import MigrationKey, StepStatus


@dataclasses.dataclass(frozen=True)
class Position:
    """How far a migration came: operations done, and the one (1-based) that was begun and perhaps cut.

    `schema_before` is the digest of the schema when that one began, or empty where it was not taken; `digest` is of the
    operations that are done.
    """

    done: int = 0
    started: int | None = None
    schema_before: str = ""
    digest: str = ""


def open_journals(database: str) -> dict[MigrationKey, Position]:
    """Return the migrations that were cut and not finished since; none where no history can be read."""
    steps = StepRecord.objects.using(database).filter(CUT).order_by("run__requested_at", "pk")
    try:
        with atomic(using=database):
            return {MigrationKey(step.app_label, step.name): position_of(step) for step in steps}
    except DatabaseError:
        # No run has made the tables yet, or an older version made them, which kept no journal.
        return {}


def position_of(step: StepRecord) -> Position:
    """Read the position that a step keeps."""
    return Position(step.operations_done, step.operation_started, step.schema_before or "", step.done_digest or "")


CUT = Q(backwards=False) & (Q(operations_done__gt=0) | Q(operation_started__isnull=False))


class Journal:
    """Keeps the position of one migration in its step of the present run."""

    def __init__(self, database: str, run_id: uuid.UUID, migration: MigrationKey) -> None:
        self.database = database
        self.run_id = run_id
        self.migration = migration

    def resume(self) -> Position:
        """Take over the position at which an earlier run was cut, if one was; begin at the first operation if not."""
        History(self.database).ensure_tables()
        with atomic(using=self.database):
            cut = self._steps().filter(CUT).last()
            position = position_of(cut) if cut is not None else Position()
            self.clear()
            self._write(
                operations_done=position.done,
                operation_started=position.started,
                schema_before=position.schema_before or None,
                done_digest=position.digest or None,
            )
        return position

    def begin(self, operation: int, *, schema_before: str = "") -> None:
        """Note that an operation is about to change what no transaction would take back."""
        self._write(operation_started=operation, schema_before=schema_before or None)

    def cancel(self) -> None:
        """Note that the operation that was begun has certainly changed nothing."""
        self._write(operation_started=None)

    def finish(self, operation: int, *, digest: str) -> None:
        """Note that an operation is done; `digest` is of all that are done now."""
        self._write(operations_done=operation, operation_started=None, done_digest=digest)

    def clear(self) -> None:
        """Forget the position, together with the writing of the migration's record."""
        self._steps().update(operations_done=0, operation_started=None)

    def _steps(self) -> QuerySet[StepRecord]:
        steps = StepRecord.objects.using(self.database).filter(backwards=False).order_by("run__requested_at", "pk")
        return steps.filter(app_label=self.migration.app_label, name=self.migration.name)

    def _write(self, **position: int | str | None) -> None:
        mine = self._steps().filter(run_id=self.run_id)
        if mine.filter(status=StepStatus.RUNNING).update(**position):
            return
        if mine.filter(status=StepStatus.INTERRUPTED).exists():
            # Whoever has the deploy lock now has closed our run, and carries the migration out in our place.
            raise TransientError(_(FaultKind.DEPLOY_LOCK_LOST.value))
        raise MigrationFailed(
            _("The journal of {migration} cannot be written.").format(migration=self.migration),
            hint=_("Without it a killed run could not be resumed. Check the table {table}.").format(
                table=StepRecord._meta.db_table
            ),
        )

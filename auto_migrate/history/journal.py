"""The journal of a migration that cannot be rolled back as a whole: which of its operations were carried out.

Operations are carried out in order, from the first to the last or, when they are unapplied, from the last to the first;
so two numbers tell all: how many are done, and which one, if any, was begun and not seen to end. An operation that fits
into a transaction notes its end in that transaction, and is never found begun.
Only a step that is running can be written to: a runner that was taken for dead, and is not, finds out in the very
transaction that would carry out an operation a second time.

A migration that is rolled back as a whole has its first operation noted as begun within its transaction, and taken back
at its end: found afterwards, the note tells that the migration has committed by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections
from django.db.models import Q, QuerySet
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.databases import adapter_for
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.exceptions import MigrationFailed, TransientError
from auto_migrate.history.models import StepRecord, have_tables
from auto_migrate.history.optional_tables import may_have_table
from auto_migrate.history.schema_identity import identity_here, present_names
from auto_migrate.history.store import History
from auto_migrate.values import MigrationKey, Node, RunStatus, StepStatus, ValueObject


class Position(ValueObject):
    """How far a migration came: operations done, and the one (1-based, as the file has them) that was perhaps cut.

    `schema_before` is the digest of the schema when that one began, or empty where it was not taken; `digest` is of the
    operations that are done. `running` tells that its run has not been closed, so that it may be at work. `statements`
    are the digests of those of the operation that were begun, where each of them commits by itself; the last one was
    perhaps cut; None where they are not noted. `answers` are what the database had been asked for them by then.
    `tables_before` is what the database keeps of the tables that the last one names, None where only `schema_before`
    tells of it. `online` has the steps of an operation that is carried out
    online, as `auto_migrate.applying.online` keeps them; it is empty between operations of a migration that would be
    one transaction otherwise, and None elsewhere.
    """

    done: int = 0
    started: int | None = None
    schema_before: str = ""
    digest: str = ""
    backwards: bool = False
    running: bool = False
    statements: Sequence[str] | None = None
    answers: Sequence[Any] = ()
    tables_before: Mapping[str, Any] | None = None
    online: Mapping[str, Any] | None = None


def open_journals(database: str) -> dict[MigrationKey, Position]:
    """Return the migrations that were cut and not finished since; none where there is no history.

    Of an app that this code does not have there is nothing that it needs, or could finish. Raise what a connection
    raises that is lost: an answer that was not had is not the answer that there is none.
    """
    if not may_have_table(database, StepRecord):
        return {}
    steps = (
        StepRecord.objects.using(database)
        .filter(CUT, schema_name=active_schema())
        .order_by("run__requested_at", "pk")
        .select_related("run")
    )
    try:
        with savepoint(database):
            # What is seen may be the history of another schema, which has a record of its own.
            found = list(steps)
            if found and not have_tables(connections[database], StepRecord):
                return {}
            here = (step for step in found if step.app_label in apps.app_configs)
            return {MigrationKey(step.app_label, step.name): position_of(step) for step in here}
    except DatabaseError as error:
        if adapter_for(database).fault_of(error) is not None:
            raise
        # No run has made the tables yet, or an older version made them, which kept no journal.
        return {}


def last_error(database: str, key: MigrationKey, *, but: str) -> str:
    """Return in one line what a migration had raised when it failed last, `but` this; empty where nobody noted any."""
    failed = StepRecord.objects.using(database).filter(app_label=key.app_label, name=key.name)
    noted = failed.filter(schema_name=active_schema(), error__gt="").order_by("-pk").values_list("error", flat=True)
    firsts = (str(error).partition("\n")[0] for error in noted.iterator())
    return next((first for first in firsts if first != but), "")


def cut_schemas(database: str, known: Collection[Node] | None = None) -> frozenset[str]:
    """Return the schemas of tenants in which a migration, one of those `known` if any are, was cut and not finished."""
    cut = StepRecord.objects.using(database).filter(CUT).exclude(schema_name="").order_by()
    try:
        with savepoint(database):
            found = list(cut.values_list("schema_name", "app_label", "name"))
            return frozenset(schema for schema, *node in found if known is None or tuple(node) in known)
    except DatabaseError as error:
        if adapter_for(database).fault_of(error) is not None:
            raise
        # As with `open_journals`.
        return frozenset()


def follow_cut_schemas(database: str) -> None:
    """Let what was cut in a tenant's schema be of it, however it is called now; forget what is of one that is gone."""
    steps = StepRecord.objects.using(database).filter(CUT).exclude(schema_identity=None)
    cut = list(steps.values_list("schema_name", "schema_identity").distinct())
    names = present_names(connections[database], StepRecord, [identity for _name, identity in cut])
    for former, identity in cut:
        own = steps.filter(schema_identity=identity)
        if identity in names and names[identity] is None:
            own.update(operations_done=0, operation_started=None)
        elif (name := names.get(identity, former)) != former:
            own.update(schema_name=name)


def forget_cuts(database: str) -> None:
    """Forget what was cut in a schema of which nothing is left: somebody has made it anew under its name."""
    StepRecord.objects.using(database).filter(CUT, schema_name=active_schema()).update(
        operations_done=0, operation_started=None
    )


def position_of(step: StepRecord) -> Position:
    """Read the position that a step keeps."""
    # Earlier versions kept the digests alone, and then no answers.
    kept: dict[str, Any] = step.statements if isinstance(step.statements, dict) else {"begun": step.statements}
    begun = kept["begun"]
    return Position(
        step.operations_done,
        step.operation_started,
        step.schema_before or "",
        step.done_digest or "",
        backwards=step.backwards,
        running=step.status == StepStatus.RUNNING and step.run.status == RunStatus.RUNNING,
        statements=None if begun is None else tuple(begun),
        answers=tuple(kept.get("answers", ())),
        tables_before=kept.get("tables"),
        online=step.online,
    )


def kept_statements(
    begun: Sequence[str] | None, answers: Sequence[Any], tables: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return what a step keeps of the statements of its operation, None where none are noted."""
    if begun is None:
        return None
    return {"begun": list(begun), "answers": list(answers), "tables": None if tables is None else dict(tables)}


CUT = Q(operations_done__gt=0) | Q(operation_started__isnull=False)


class Journal:
    """Keeps the position of one migration in its step of the present run."""

    def __init__(self, database: str, run_id: uuid.UUID, migration: MigrationKey, *, backwards: bool = False) -> None:
        self.database = database
        self.run_id = run_id
        self.migration = migration
        self.backwards = backwards
        # Whether the migration, which would be one transaction otherwise, is carried out online.
        self.is_online = False

    def resume(self) -> Position:
        """Take over the position at which an earlier run was cut, if one was; begin at the first operation if not."""
        try:
            return self._resume()
        except DatabaseError as error:
            if adapter_for(self.database).fault_of(error) is not None:
                raise
            raise self._unwritable() from error

    def _resume(self) -> Position:
        History(self.database).ensure_tables()
        # In the transaction that is open, if one is: what raises here ends it.
        with atomic(using=self.database, savepoint=False):
            cut = list(self._of_migration().filter(CUT).select_related("run"))
            same_way = [step for step in cut if step.backwards is self.backwards]
            position = position_of(same_way[-1]) if same_way else Position(backwards=self.backwards)
            if cut:
                self.clear()
            found: dict[str, Any] = {
                "operations_done": position.done,
                "operation_started": position.started,
                "schema_before": position.schema_before or None,
                "done_digest": position.digest or None,
                "statements": kept_statements(position.statements, position.answers, position.tables_before),
                "online": self._between if position.online is None else dict(position.online),
            }
            if not self._update(**found):
                self._ensure_step()
                self._write(**found)
        return position

    @property
    def _between(self) -> dict[str, Any] | None:
        """What is kept of steps while no operation takes any."""
        return {} if self.is_online else None

    def begin(
        self,
        operation: int,
        *,
        schema_before: str = "",
        statements: Sequence[str] | None = None,
        answers: Sequence[Any] = (),
        tables_before: Mapping[str, Any] | None = None,
    ) -> None:
        """Note that an operation, or the last of its statements, is about to change what no transaction takes back."""
        self._write(
            operation_started=operation,
            schema_before=schema_before or None,
            statements=kept_statements(statements, answers, tables_before),
        )

    def begin_online(self, operation: int, steps: Mapping[str, Any]) -> None:
        """Note the steps of an operation, and how many are taken; written again with each."""
        self._write(operation_started=operation, schema_before=None, statements=None, online=dict(steps))

    def cancel(self) -> None:
        """Note that the operation that was begun has certainly changed nothing."""
        self._write(operation_started=None, online=self._between)

    def confirm(self, operation: int) -> bool:
        """Take back the note that an operation was begun; return whether it still was there to be taken back."""
        return bool(self._mine().filter(operation_started=operation).update(operation_started=None))

    def finish(self, done: int, *, digest: str) -> None:
        """Note how many operations are done now; `digest` is of all of them."""
        self._write(
            operations_done=done, operation_started=None, done_digest=digest, statements=None, online=self._between
        )

    def clear(self) -> None:
        """Forget the position, together with the writing of the migration's record."""
        steps = StepRecord.objects.using(self.database).filter(schema_name=active_schema())
        mine = steps.filter(app_label=self.migration.app_label, name=self.migration.name)
        mine.filter(CUT).update(operations_done=0, operation_started=None)

    def is_kept(self) -> bool:
        """Return whether this run has a step that can be written to, without which nothing can be noted."""
        try:
            return self._mine().filter(CUT | Q(status=StepStatus.RUNNING)).exists()
        except DatabaseError:
            return False

    def is_begun(self) -> bool:
        """Return whether an operation is noted as begun."""
        return self._mine().filter(operation_started__isnull=False).exists()

    def _ensure_step(self) -> None:
        """Make up for a step that the listener could not write, as when the connection was cut under it."""
        mine = self._mine()
        if mine.filter(status__in=(StepStatus.PENDING, StepStatus.FAILED)).update(status=StepStatus.RUNNING):
            return
        if not mine.exists():
            History(self.database).add_step(self.run_id, self.migration, backwards=self.backwards)

    def _of_migration(self) -> QuerySet[StepRecord]:
        steps = StepRecord.objects.using(self.database).filter(schema_name=active_schema())
        steps = steps.filter(app_label=self.migration.app_label, name=self.migration.name)
        return steps.order_by("run__requested_at", "pk")

    def _mine(self) -> QuerySet[StepRecord]:
        return self._of_migration().filter(backwards=self.backwards, run_id=self.run_id)

    def _write(self, **position: int | str | list[str] | dict[str, Any] | None) -> None:
        if self._update(**position):
            return
        if self._mine().filter(status=StepStatus.INTERRUPTED).exists():
            # Whoever has the deploy lock now has closed our run, and carries the migration out in our place.
            raise TransientError(_(FaultKind.DEPLOY_LOCK_LOST.value))
        raise self._unwritable()

    def _update(self, **position: Any) -> int:
        own = identity_here(connections[self.database], StepRecord)
        return self._mine().filter(status=StepStatus.RUNNING).update(**position, **own)

    def _unwritable(self) -> MigrationFailed:
        return MigrationFailed(
            _("The journal of {migration} cannot be written.").format(migration=self.migration),
            hint=_("Without it a killed run could not be resumed. Check the table {table}.").format(
                table=StepRecord._meta.db_table
            ),
        )

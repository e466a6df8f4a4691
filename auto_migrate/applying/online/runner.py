"""Steps carried out: each noted in the journal, resumed where a run was cut, and taken back where rows are refused."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.applying.bridges.online_bridges import StepObserver
from auto_migrate.applying.locks.acquire import lock_ahead
from auto_migrate.applying.online.catalogue import Catalogue, IndexState
from auto_migrate.applying.online.constraint_violations import refused_rows, violating_rows
from auto_migrate.applying.online.filling import Filling
from auto_migrate.applying.online.quoted_names import unquoted
from auto_migrate.applying.online.step import Kind, Step
from auto_migrate.applying.own_schema import in_own_schema, kept_schema
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.emitter import Emitter
from auto_migrate.events import OnlineStepStarted
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, TransientError, summary_of
from auto_migrate.history.journal import Journal
from auto_migrate.retry import teller

ONLINE = "AUTO_MIGRATE_ONLINE"


class RowsRefused(Exception):
    """Rows are there that the operation would refuse."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(_("rows stand in the way"))
        self.keys = list(keys)


@dataclasses.dataclass
class Steps:
    """The steps of one operation (1-based) and how far they are.

    `done` are taken; `begun` is the number (0-based) of a build that was, and may be there; `found` are those of builds
    whose index was there before. `undoing` tells that they are being taken back.
    """

    operation: int
    digest: str
    steps: Sequence[Step]
    done: int = 0
    begun: int | None = None
    found: list[int] = dataclasses.field(default_factory=list)
    undoing: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        kept = {name: getattr(self, name) for name in KEPT}
        return {**kept, "steps": [step.as_json() for step in self.steps]}

    @classmethod
    def of_json(cls, operation: int, kept: Mapping[str, Any]) -> Steps:
        """Return what the journal has kept."""
        steps = [Step.of_json(step) for step in kept["steps"]]
        return cls(operation, steps=steps, **{name: kept[name] for name in KEPT})


KEPT = ("digest", "done", "begun", "found", "undoing")


class OnlineRunner:
    """Carries out the steps of one migration's operations on one database."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        lock: DeployLock,
        emit: Emitter,
        *,
        observers: Sequence[StepObserver],
    ) -> None:
        self.database = database
        self.journal = journal
        self.observers = observers
        self.lock = lock
        self.emit = emit
        self.catalogue = Catalogue(database)

    def carry_out(self, steps: Steps, operation: Operation, finish: Callable[[], None]) -> None:
        """Take the steps that are left; `finish` notes the end of the operation.

        Raise `MigrationFailed` where the database refuses one, after all that was done has been taken back.
        """
        self._note(steps)
        total = len(steps.steps)
        for number in range(steps.done, total):
            step = steps.steps[number]
            place = (self.journal.migration, steps.operation, number + 1, total)
            self.emit(OnlineStepStarted(*place, str(step.kind), step.table))
            try:
                self._take(step, steps, number)
            except Exception as error:
                if self._goes_on_later(error):
                    raise
                # What was noted within its transaction went with it.
                steps.done = number
                keys = error.keys if isinstance(error, RowsRefused) else violating_rows(self.catalogue, step)
                self.take_back(steps)
                raise self._refused(steps, operation, error, keys, steps.steps[:number]) from error
        for observer in self.observers:
            observer.finished()
        finish()

    def take_back(self, steps: Steps) -> None:
        """Take back what was done, the last first, and forget that the operation was begun."""
        steps.undoing = True
        self._note(steps)
        if steps.done < len(steps.steps):
            cut = steps.steps[steps.done]
            if cut.kind is Kind.BUILD and self.catalogue.index_state(cut) is IndexState.INVALID:
                self._drop(cut)
        for number in reversed(range(steps.done)):
            if number not in steps.found:
                self._undo(steps.steps[number], self._noting(steps, number))
        self.journal.cancel()

    def _undo(self, step: Step, note: Callable[[], None]) -> None:
        if step.kind is Kind.BUILD:
            self._drop(step)
        elif step.undo:
            undo = dataclasses.replace(step, sql=step.undo, lock=LockMode.ACCESS_EXCLUSIVE)
            self._change(undo, note, self._withdraw_bridges)
            return
        note()

    def _goes_on_later(self, error: Exception) -> bool:
        """Return whether what went wrong says nothing of the rows or the schema, so that a later try goes on."""
        if isinstance(error, AutoMigrateError | TransientError):
            return True
        fault = self.database.fault_of(error)
        return fault is not None and fault.kind.transient

    def _refused(
        self, steps: Steps, operation: Operation, error: Exception, keys: Sequence[str], taken: Sequence[Step]
    ) -> MigrationFailed:
        """Say what was refused; `taken` are the steps that were made before."""
        gone = any(step.kind is Kind.DROP or (step.kind is Kind.CHANGE and not step.undo) for step in taken)
        text = _("Migration {migration} failed at operation {index}, {operation}: {error}").format(
            migration=self.journal.migration,
            index=steps.operation,
            operation=operation.describe(),
            error=summary_of(error),
        )
        lines = [_("In the way: {keys}.").format(keys="; ".join(keys))] if keys else []
        lines.append(_("Everything of this operation was put back as it was; what came before it was kept."))
        if gone:
            lines.append(_("What it had dropped before stays dropped."))
        if not keys:
            lines.append(_("To have it carried out as it is written: {setting}=never").format(setting=ONLINE))
        return MigrationFailed(text, hint="\n".join([*lines, _("Mend the rows or the migration and deploy again.")]))

    def _note(self, steps: Steps) -> None:
        self.journal.begin_online(steps.operation, steps.as_json())

    def _noting(self, steps: Steps, done: int) -> Callable[[], None]:
        def note() -> None:
            steps.done = done
            self._note(steps)

        return note

    def _take(self, step: Step, steps: Steps, number: int) -> None:
        """Take one step and note it."""
        self.database.hold_fence(self.lock, self.emit.clock, teller(self.emit))
        note = self._noting(steps, number + 1)
        match step.kind:
            case Kind.CHANGE:
                self._change(step, note, lambda: self._raise_bridges(step))
            case Kind.VALIDATE:
                self._validate(step, note)
            case Kind.LOOK:
                self._look(step)
                note()
            case Kind.FILL:
                Filling(self.catalogue, step, self._transaction, self.emit).carry_out()
                note()
            case Kind.BUILD:
                self._build(step, steps, number)
                note()
            case Kind.DROP:
                self._drop(step)
                note()

    def _look(self, step: Step) -> None:
        if keys := refused_rows(self.catalogue, step):
            raise RowsRefused(keys)

    def _validate(self, step: Step, note: Callable[[], None]) -> None:
        with self._transaction(), self.database.unbounded():
            self.catalogue.execute(step.sql[0])
            note()

    def _change(self, step: Step, note: Callable[[], None], then: Callable[[], object]) -> None:
        """Take a step that is an instant; the note comes first, so that the locks are held for nothing but the step."""
        with self._transaction():
            note()
            self._lock(step)
            # In one go: each of them on its way would be one more for which others wait.
            self.catalogue.execute(";\n".join(step.sql))
            then()

    def _raise_bridges(self, step: Step) -> None:
        for statement in step.sql:
            for observer in self.observers:
                observer.changed(statement)

    def _withdraw_bridges(self) -> None:
        for observer in self.observers:
            observer.undone()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Open the transaction of one step."""
        with atomic(using=self.database.alias):
            self.database.begin_migration(self.emit.clock, kept_schema(), teller(self.emit))
            # Whoever has the deploy lock now may have done this while we had lost it.
            self.lock.verify()
            yield

    def _lock(self, step: Step) -> None:
        tables = self.database.table_locks
        if tables is None or step.lock is None:
            return
        needs = dict.fromkeys((step.table, *step.others), step.lock)
        if step.subject and any(" DROP CONSTRAINT " in statement for statement in step.sql):
            # What a foreign key points to is changed with it.
            needs |= dict.fromkeys(self.catalogue.targets(step.table, step.subject), LockMode.ACCESS_EXCLUSIVE)
        lock_ahead(tables, needs, migration=self.journal.migration, emit=self.emit, is_begun=True)

    def _build(self, step: Step, steps: Steps, number: int) -> None:
        """Build an index, unless it is there; what a build has left that was cut is dropped first."""
        if self.database.indexes is not None:
            self.database.indexes.await_builds(self.emit.clock, [unquoted(step.subject)], teller(self.emit))
        state = self.catalogue.index_state(step)
        if state is IndexState.BUILT:
            if steps.begun != number:
                steps.found.append(number)
            return
        if state is IndexState.INVALID:
            self._drop(step)
        steps.begun = number
        self._note(steps)
        with self.database.unbounded():
            self.catalogue.execute(step.sql[0].replace(f" ON {step.table}", f" ON {in_own_schema(step.table)}", 1))

    def _drop(self, step: Step) -> None:
        """Drop an index, in the schema of its table."""
        name = self.catalogue.within(step.table, step.subject)
        with self.database.unbounded():
            self.catalogue.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")

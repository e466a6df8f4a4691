"""A migration that cannot be rolled back as a whole, carried out operation by operation with a journal."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.applying.backwards import Backwards, steps_backwards
from auto_migrate.applying.locks.operation_locks import is_schema_operation, stronger
from auto_migrate.applying.open_transaction import (
    carried_out_within,
    check_session,
    is_left_open,
    leave_transaction,
    note_within,
)
from auto_migrate.applying.operation_loop import (
    Operations,
    Progress,
    applies_itself,
    expect_session_changes,
    untranslated,
    wants_own_transaction,
)
from auto_migrate.applying.operation_traits import (
    digest_of,
    fits_transaction,
    holds_nobody_up,
    is_concurrent,
    is_repeatable,
    sent_by,
)
from auto_migrate.applying.own_schema import kept_schema
from auto_migrate.applying.recovery import (
    Resolutions,
    Verdict,
    ask_to_redo,
    changed_meanwhile,
    digest_of_done,
    indexes_left_invalid,
    judge,
)
from auto_migrate.applying.statement_journal import Before, Statements, are_noted
from auto_migrate.applying.states.lazy_state import advance, djangos
from auto_migrate.applying.transaction import OwnTransaction
from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.backfills.release_step import in_release_step
from auto_migrate.changes.model_tables import model_of_table
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.databases.deferred_sql import flush_deferred
from auto_migrate.databases.statement_kinds import may_commit_within, only_sets, runs_code
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import MigrationFailed, PlanRefused
from auto_migrate.history.journal import Journal, Position
from auto_migrate.retry import teller
from auto_migrate.values import MigrationKey

if TYPE_CHECKING:
    from auto_migrate.applying.online.online_operations import OnlineOperations
    from auto_migrate.applying.table_alterations import TableAlterations


class Stepwise:
    """Applies or unapplies one such migration, beginning where an earlier run was cut."""

    def __init__(
        self,
        database: Database,
        migration: Migration,
        progress: Progress,
        *,
        emit: Emitter,
        lock: DeployLock,
        resolutions: Resolutions,
        backwards: bool = False,
        online: OnlineOperations | None = None,
        alterations: TableAlterations | None = None,
    ) -> None:
        self.database = database
        self.migration = migration
        self.progress = progress
        progress.is_within = database.connection.in_atomic_block
        self.emit = emit
        self.lock = lock
        self.resolutions = resolutions
        self.backwards = backwards
        self.key = MigrationKey.of(migration)
        self.journal = Journal(database.alias, emit.run_id, self.key, backwards=backwards)
        self.operations = Operations(database, migration, progress, emit)
        self.online = online
        self.alterations = alterations
        # What is known of the operation that was cut, where its statements were noted.
        self.before = Before()
        # What notes those of the operation under way.
        self.statements: Statements | None = None
        # The limits of the session that the migration has set itself.
        self.claimed = set[str]()

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Have statements noted within the block, in the transaction of all that others do beside them."""
        with self.database.connection.execute_wrapper(self._note):
            yield

    def _note(self, execute: Callable[..., Any], *statement: Any) -> Any:
        return execute(*statement) if self.statements is None else self.statements(execute, *statement)

    @contextlib.contextmanager
    def _noted_by(self, statements: Statements | None) -> Iterator[None]:
        self.statements = statements
        try:
            with contextlib.nullcontext() if statements is None else statements.answering():
                yield
        finally:
            self.statements = None

    def resume(self) -> Position:
        """Take over where an earlier run was cut, in the open transaction that keeps other runners away.

        Raise `MigrationFailed` if the operations that are done are not those that the migration begins with today.
        """
        position = self.journal.resume()
        if position.done and position.digest != digest_of_done(self.migration, position):
            raise changed_meanwhile(self.key, position)
        return position

    def apply(self, position: Position, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> ProjectState:
        """Apply what is left of the migration and return the state after it."""
        if applies_itself(self.migration):
            return self._carry_out_whole(position, editor, lambda: self.migration.apply(djangos(state), editor))
        for index, operation in enumerate(self.migration.operations, start=1):
            self.progress.enter(index)
            if (
                index <= position.done
                or self._went_online(position, index, state)
                or (index == position.started and self._was_done(position, index))
            ):
                self._set_again(Forwards(self.operations, operation, state, editor))
                _before, state = advance(state, self.migration.app_label, operation)
            else:
                # Python code may have closed the connection, and with it the session that held the fence.
                self.database.hold_fence(self.lock, self.emit.clock, teller(self.emit))
                state = self._carry_out(index, index, editor, Forwards(self.operations, operation, state, editor))
        check_session(self.database, self.progress)
        return state

    def unapply(self, position: Position, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        """Take back what is left of the migration, which begins at `state`, from its last operation to the first."""
        if applies_itself(self.migration, backwards=True):
            self._carry_out_whole(position, editor, lambda: self.migration.unapply(state, editor))
            return
        for done, step in enumerate(steps_backwards(self.migration, state, editor), start=1):
            self.progress.enter(step.index)
            if done <= position.done or (step.index == position.started and self._was_done(position, done)):
                self._set_again(step)
                continue
            self.database.hold_fence(self.lock, self.emit.clock, teller(self.emit))
            self._carry_out(step.index, done, editor, step)
        check_session(self.database, self.progress)

    def _set_again(self, step: Forwards | Backwards) -> None:
        """Carry out once more what is done and has only set the session: this is another one."""
        if self._only_sets(step):
            expect_session_changes(self.database.connection)
            with self.progress.watched():
                step.run()

    def _only_sets(self, step: Forwards | Backwards) -> bool:
        texts = sent_by(step.operation, backwards=self.backwards)
        return bool(texts) and all(map(only_sets, texts))

    def _went_online(self, position: Position, index: int, state: ProjectState) -> bool:
        """Carry an operation out online, if it goes that way, and return whether it was."""
        if self.online is None or self.progress.opened:
            return False
        return self.online.carry_out(self.journal, position, index, state, lambda: self._finish(index))

    def _was_done(self, position: Position, done: int) -> bool:
        verdict = judge(self.database, self.migration, position, resolutions=self.resolutions, emit=self.emit)
        if position.statements:
            # The verdict is on the statement that was cut: those before it are done, and those after it are not.
            statements = position.statements if verdict is Verdict.DONE else position.statements[:-1]
            self.before = Before(statements, position.answers)
            return False
        if verdict is Verdict.DONE:
            self._finish(done)
        return verdict is Verdict.DONE

    def _carry_out(
        self, index: int, done: int, editor: BaseDatabaseSchemaEditor, step: Forwards | Backwards
    ) -> ProjectState:
        """Carry out one operation, the `done`-th in the order in which they come, and note its end."""
        if not is_schema_operation(step.operation):
            expect_session_changes(self.database.connection)
        if self.progress.opened:
            return self._in_open_transaction(index, done, editor, step)
        if self._fits_transaction(step, editor) and self.database.may_begin():
            return self._in_transaction(index, done, editor, step)
        return self._by_itself(index, done, editor, step)

    def _by_itself(
        self, index: int, done: int, editor: BaseDatabaseSchemaEditor, step: Forwards | Backwards
    ) -> ProjectState:
        """Carry out one operation outside of transactions, noting its begin and its end."""
        before, self.before = self.before, Before()
        statements = Statements(self.database, self.journal, self.progress, index, before)
        noted = are_noted(self.database, step.operation)
        if own_schema := kept_schema():
            # Nothing can keep it beyond this moment.
            self.database.ask(own_schema)
        # Where each statement is noted, what was there before the first of them tells nothing.
        if noted:
            self.journal.begin(index, statements=before.done, answers=before.answers)
        else:
            self.journal.begin(index, schema_before=self.database.schema_digest())
        try:
            told = in_release_step(self.database, self.emit, self.lock)
            # What is noted are the statements as they are written, however the server is asked for them.
            with self._limits(step.operation), told, self._noted_by(statements if noted else None), self._asked_for():
                # From here on only the operation's own statements are counted.
                self.progress.enter(index)
                with self.progress.watched():
                    state = step.run()
                flush_deferred(editor)
        except BaseException as error:
            # Whatever ends it: `sys.exit()` leaves behind what it leaves.
            own = isinstance(error, DatabaseError) and not leave_transaction(self.database, self.progress)
            refused_first = isinstance(error, PlanRefused) and noted and statements.is_first
            if refused_first or (own and self._changed_nothing(step.operation, error)):
                self.journal.cancel()
            else:
                self.progress.is_cut = not (noted or is_repeatable(step.operation) or is_concurrent(step.operation))
            raise
        finally:
            self._tell_copied()
        if not is_left_open(self.database, self.progress, index):
            check_session(self.database, self.progress)
            self._check_indexes(step.operation)
            self._finish(done)
        return state

    def _in_open_transaction(
        self, index: int, done: int, editor: BaseDatabaseSchemaEditor, step: Forwards | Backwards
    ) -> ProjectState:
        """Carry out one operation in the transaction that an earlier one has begun for it."""
        with carried_out_within(self.database, self.progress):
            if not self._only_sets(step):
                # What kind of transaction it is can only be said before anything is asked.
                note_within(self.database, self.journal, self.progress, index)
            with self.progress.watched():
                state = step.run()
            flush_deferred(editor)
        if not is_left_open(self.database, self.progress, index):
            check_session(self.database, self.progress)
            self._finish(done)
        return state

    def _limits(self, operation: Operation) -> contextlib.AbstractContextManager[None]:
        if is_in_batches(operation):
            # Each batch limits its own transaction.
            return contextlib.nullcontext()
        patient = isinstance(operation, ops.RunPython)
        return self.database.session_limits(patient_with_rows=patient, claimed=self.claimed)

    def _asked_for(self) -> contextlib.AbstractContextManager[None]:
        """Have tables changed in ways that hold nobody up, as far as the server knows any."""
        return contextlib.nullcontext() if self.alterations is None else self.alterations.asked_for(self.progress)

    def _tell_copied(self) -> None:
        """Let listeners hear which tables were copied nevertheless."""
        for copied in self.alterations.take_copied() if self.alterations is not None else ():
            self.emit(copied)

    def _in_transaction(
        self, index: int, done: int, editor: BaseDatabaseSchemaEditor, step: Forwards | Backwards
    ) -> ProjectState:
        journal = None if is_schema_operation(step.operation) else self.journal
        own = OwnTransaction(self.database, self.progress, journal, index)
        with own.settled(), atomic(using=self.database.alias):
            with self.progress.aside():
                self.database.begin_migration(self.emit.clock, kept_schema(), teller(self.emit))
                # Whoever has the deploy lock now may have carried this out while we had lost it.
                self.lock.verify()
                step.lock_ahead()
            with own.guarded(), self._asked_for():
                state = step.run()
                flush_deferred(editor)
            self._finish(done)
        # What fails from here on is nothing that the operation has put off until its commit.
        self.progress.is_committed = False
        self._tell_copied()
        return state

    def _finish(self, done: int) -> None:
        self.journal.finish(done, digest=self._digest(done))

    def _digest(self, done: int) -> str:
        operations = self.migration.operations
        return digest_of(operations[::-1][:done] if self.backwards else operations[:done])

    def _fits_transaction(self, step: Forwards | Backwards, editor: BaseDatabaseSchemaEditor) -> bool:
        operation = step.operation
        if self.database.transactional_ddl:
            # All of an atomic migration was meant for one.
            return fits_transaction(operation) or (bool(self.migration.atomic) and not is_in_batches(operation))
        # Data alone can be rolled back even where schema changes cannot.
        if not isinstance(operation, ops.RunPython) or not wants_own_transaction(self.migration, operation, editor):
            return False
        return not self.database.without_transactions(model_of_table(step.state))

    def _carry_out_whole(
        self, position: Position, editor: BaseDatabaseSchemaEditor, run: Callable[[], ProjectState]
    ) -> ProjectState:
        """Carry out a migration that brings its own way: one operation, as far as anybody can know."""
        if position.started is not None and self.resolutions.pop((self.key, 1), None) is not Verdict.REDO:
            raise ask_to_redo(self.migration, backwards=self.backwards, database=self.database.alias)
        self.journal.begin(1)
        with self.database.session_limits(), untranslated(), self.progress.watched(), self._asked_for():
            state = run()
            flush_deferred(editor)
        check_session(self.database, self.progress)
        return state

    def _changed_nothing(self, operation: Operation, error: BaseException) -> bool:
        """Return whether the server itself refused the first statement of an operation, and that is all there was."""
        fault = self.database.fault_of(error)
        refused = fault is None or fault.kind.contention
        return (
            refused
            and self.progress.statements <= 1
            and isinstance(operation, ops.RunSQL)
            # A build that failed leaves an INVALID index, and a procedure may have committed before it failed.
            and not holds_nobody_up(operation)
            and not runs_code(self.progress.statement)
            and not may_commit_within(self.progress.statement)
        )

    def _check_indexes(self, operation: Operation) -> None:
        """Raise if an operation that says `IF NOT EXISTS` has passed over an INVALID index."""
        if left := indexes_left_invalid(self.database, operation):
            raise MigrationFailed(
                _("The index {names} is INVALID: an earlier build was cut, and IF NOT EXISTS passed over it.").format(
                    names=", ".join(left)
                ),
                hint=_("Have it dropped and built again: manage.py auto_migrate --resolve {operation}=redo").format(
                    operation=f"{self.key}:{self.progress.index}"
                ),
            )


@dataclasses.dataclass(frozen=True)
class Forwards:
    """One operation to be carried out, from the state that it is given."""

    operations: Operations
    operation: Operation
    state: ProjectState
    editor: BaseDatabaseSchemaEditor

    def lock_ahead(self) -> None:
        """Lock the tables that the operation will need."""
        self.operations.lock(stronger(*self.operations.needs([self.operation], self.state)), first=True)

    def run(self) -> ProjectState:
        """Carry it out and return the state after it."""
        return self.operations.apply_one(self.operation, self.state, self.editor)

"""A migration that cannot be rolled back as a whole, carried out operation by operation with a journal."""

from __future__ import annotations

import re

from django.db import DatabaseError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.applying.locks.needs import stronger
from auto_migrate.applying.operation_loop import (
    Operations,
    Progress,
    applies_itself,
    flush_deferred,
    untranslated,
    wants_own_transaction,
)
from auto_migrate.applying.recovery import Resolutions, Verdict, changed_meanwhile, indexes_left_invalid, judge
from auto_migrate.applying.states.lazy_state import advance, djangos
from auto_migrate.applying.traits import digest_of, fits_transaction, holds_nobody_up
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.history.journal import Journal, Position
from auto_migrate.retry import teller
from auto_migrate.values import MigrationKey


class Stepwise:
    """Applies one such migration, beginning where an earlier run was cut."""

    def __init__(
        self,
        database: Database,
        migration: Migration,
        progress: Progress,
        *,
        emit: Emitter,
        lock: DeployLock,
        resolutions: Resolutions,
    ) -> None:
        self.database = database
        self.migration = migration
        self.progress = progress
        self.emit = emit
        self.lock = lock
        self.resolutions = resolutions
        self.key = MigrationKey(migration.app_label, migration.name)
        self.journal = Journal(database.alias, emit.run_id, self.key)
        self.operations = Operations(database, migration, progress, emit)

    def resume(self) -> Position:
        """Take over where an earlier run was cut, in the open transaction that keeps other runners away.

        Raise `MigrationFailed` if the operations that are done are not those that the migration begins with today.
        """
        position = self.journal.resume()
        if position.done and position.digest != digest_of(self.migration.operations[: position.done]):
            raise changed_meanwhile(self.key, position)
        return position

    def apply(self, position: Position, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> ProjectState:
        """Apply what is left of the migration and return the state after it."""
        if applies_itself(self.migration):
            return self._apply_whole(position, state, editor)
        for index, operation in enumerate(self.migration.operations, start=1):
            self.progress.enter(index)
            if index <= position.done or (index == position.started and self._was_done(position, operation)):
                _before, state = advance(state, self.migration.app_label, operation)
            else:
                # Python code may have closed the connection, and with it the session that held the fence.
                self.database.hold_fence(self.lock, self.emit.clock, teller(self.emit))
                state = self._apply(index, operation, state, editor)
        return state

    def _was_done(self, position: Position, operation: Operation) -> bool:
        verdict = judge(self.database, self.key, position, operation, resolutions=self.resolutions, emit=self.emit)
        if verdict is Verdict.DONE:
            self._finish(self.progress.index)
        return verdict is Verdict.DONE

    def _apply(
        self, index: int, operation: Operation, state: ProjectState, editor: BaseDatabaseSchemaEditor
    ) -> ProjectState:
        if self._fits_transaction(operation, editor):
            with atomic(using=self.database.alias):
                self.database.begin_migration(self.emit.clock, tell=teller(self.emit))
                # Whoever has the deploy lock now may have carried this out while we had lost it.
                self.lock.verify()
                self.operations.lock(stronger(*self.operations.needs([operation], state)), first=True)
                state = self.operations.apply_one(operation, state, editor)
                flush_deferred(editor)
                self._finish(index)
            return state
        self.journal.begin(index, schema_before=self.database.schema_digest())
        try:
            with self.database.session_limits():
                # From here on only the operation's own statements are counted.
                self.progress.enter(index)
                state = self.operations.apply_one(operation, state, editor)
                flush_deferred(editor)
        except DatabaseError as error:
            if self._changed_nothing(operation, error):
                self.journal.cancel()
            raise
        self._check_indexes(operation)
        self._finish(index)
        return state

    def _finish(self, index: int) -> None:
        self.journal.finish(index, digest=digest_of(self.migration.operations[:index]))

    def _fits_transaction(self, operation: Operation, editor: BaseDatabaseSchemaEditor) -> bool:
        if self.database.transactional_ddl:
            return fits_transaction(operation)
        # Data alone can be rolled back even where schema changes cannot.
        return isinstance(operation, ops.RunPython) and wants_own_transaction(self.migration, operation, editor)

    def _apply_whole(self, position: Position, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> ProjectState:
        """Apply a migration that brings its own way of applying: one operation, as far as anybody can know."""
        if position.started is not None and self.resolutions.pop((self.key, 1), None) is not Verdict.REDO:
            raise MigrationFailed(
                _("Migration {migration} applies itself and was cut.").format(migration=self.key),
                hint=_("Find out what it left, then type: manage.py auto_migrate --resolve {migration}:1=redo").format(
                    migration=self.key
                ),
            )
        self.journal.begin(1)
        with self.database.session_limits(), untranslated(), self.progress.watched():
            state = self.migration.apply(djangos(state), editor)
            flush_deferred(editor)
        return state

    def _changed_nothing(self, operation: Operation, error: DatabaseError) -> bool:
        """Return whether the server itself refused the first statement of an operation, and that is all there was."""
        fault = self.database.fault_of(error)
        refused = fault is None or fault.kind.contention
        return (
            refused
            and self.progress.statements <= 1
            and isinstance(operation, ops.RunSQL)
            # A build that failed leaves an INVALID index, and a procedure may have committed before it failed.
            and not holds_nobody_up(operation)
            and not re.match(r"\s*(DO|CALL)\b", self.progress.statement, re.IGNORECASE)
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

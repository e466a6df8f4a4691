"""The operations of one migration, carried out one by one as Django's `Migration.apply` does."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.operations import RunPython, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import override

from auto_migrate.applying.fallback import is_of_states, is_stock, once_more, stock
from auto_migrate.applying.locks.acquire import lock_ahead, lock_more
from auto_migrate.applying.locks.operation_locks import LockNeeds, is_schema_operation, schema_run, stronger
from auto_migrate.applying.operation_traits import holds_nobody_up
from auto_migrate.applying.states.lazy_state import advance, djangos, is_known
from auto_migrate.applying.states.registry import rendered_first
from auto_migrate.changes.field_differences import is_for_python
from auto_migrate.clock import Clock
from auto_migrate.code_lock import APP_CODE
from auto_migrate.databases.base import Database
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.postgresql.session_settings import expect_changes
from auto_migrate.emitter import Emitter
from auto_migrate.operations import Backfill
from auto_migrate.tenancy import kept_in_schema, tenancy_of
from auto_migrate.values import MigrationKey, TimedOperation

logger = logging.getLogger(__name__)

# EX_SOFTWARE of sysexits.h.
CHILD = 70


@dataclasses.dataclass
class Progress:
    """Where a migration is: the operation under way (1-based), and the statements sent for it."""

    migration: Migration
    backwards: bool = False
    clock: Clock = dataclasses.field(default_factory=Clock)
    index: int = 0
    statement: str = ""
    statements: int = 0
    raised: bool = False
    # Whether the operation has raised outside of any transaction, and nobody but its author knows what it has done.
    is_cut: bool = False
    # Whether what the operation under way has done is committed, or all of a migration that is one transaction.
    is_committed: bool = False
    # Whether it is carried out in steps although it is atomic.
    is_online: bool = False
    # Whether it is carried out in steps within a transaction of others.
    is_within: bool = False
    # The operation that has left a transaction open for those after it, as long as it is.
    opened: int | None = None
    # When each operation began, in the order in which they did.
    began: dict[int, datetime.datetime] = dataclasses.field(default_factory=dict)

    def enter(self, index: int) -> None:
        """Note that the next operation begins."""
        self.index, self.statement, self.statements = index, "", 0
        self.began.setdefault(index, self.clock.now())

    def timed(self) -> tuple[TimedOperation, ...]:
        """Return the operations so far with the time that each took, the one under way included."""
        ends = [*self.began.values(), self.clock.now()][1:]
        names = [type(self.migration.operations[index - 1]).__name__ for index in self.began]
        return tuple(
            TimedOperation(index, name, began, (end - began).total_seconds())
            for (index, began), name, end in zip(self.began.items(), names, ends, strict=True)
        )

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Leave out the engine's own statements within the block, which nobody can mend."""
        told = self.statement, self.statements
        try:
            yield
        finally:
            self.statement, self.statements = told

    def note_commit(self) -> None:
        """Note that the transaction under way is committed: what raises now is what was to come after it."""
        self.is_committed = True

    def restart(self) -> None:
        """Note that the migration begins anew."""
        self.index, self.statement, self.statements, self.raised, self.is_cut = 0, "", 0, False, False
        self.opened = None
        self.began.clear()

    def remember(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Keep the statement, without its parameters; for `connection.execute_wrapper`."""
        if not self.raised:
            self.statement = str(sql)
            self.statements += 1
        return execute(sql, params, many, context)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the statement at which the block raised, whatever tidying up executes afterwards."""
        process = os.getpid()
        try:
            yield
        except BaseException:
            self.raised = True
            raise
        finally:
            if os.getpid() != process:
                # A child that the migration forked comes out of it, too, with the runner's connection in its hands.
                os._exit(CHILD)

    @property
    def operation(self) -> Operation | None:
        """The operation under way, if one is."""
        return self.migration.operations[self.index - 1] if self.index else None


class Operations:
    """Carries out operations on one database, with the locks that they need taken ahead."""

    def __init__(self, database: Database, migration: Migration, progress: Progress, emit: Emitter) -> None:
        self.database = database
        self.migration = migration
        self.progress = progress
        self.emit = emit

    def apply_all(
        self, state: ProjectState, editor: BaseDatabaseSchemaEditor, *, locks_ahead: bool = True
    ) -> ProjectState:
        """Apply every operation in turn, in the transaction that is open, and return the state after the last."""
        if applies_itself(self.migration):
            with untranslated(), kept_in_schema(self.database.alias):
                return self.migration.apply(djangos(state), editor)
        operations = self.migration.operations
        computes = not all(map(is_schema_operation, operations))
        at_the_end: dict[str, LockMode] = {}
        # Whether the locks that the next operation needs are taken, or left to its statements.
        ahead = not locks_ahead
        for index, operation in enumerate(operations, start=1):
            self.progress.enter(index)
            # A table locked at the start would stay locked while Python works: lock for the next run of operations,
            # and what only deferred SQL will need when everything else is done.
            if is_schema_operation(operation) and not ahead:
                at_once, deferred = self.needs(schema_run(operations[index - 1 :]), state)
                at_the_end = stronger(at_the_end, deferred)
                with self.progress.aside():
                    self.lock(at_once if computes else stronger(at_once, deferred), first=index == 1)
            ahead = not locks_ahead or is_schema_operation(operation)
            state = self.apply_one(operation, state, editor)
        self.lock(at_the_end if computes else {}, first=False)
        return state

    def apply_one(self, operation: Operation, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> ProjectState:
        """Apply one operation and return the state after it, which takes the place of `state`."""
        with untranslated(), contextlib.ExitStack() as stack:
            if holds_nobody_up(operation):
                with self.progress.aside():
                    stack.enter_context(self.database.unbounded())
            with self.progress.watched():
                return apply_operation(self.migration, operation, state, editor)

    def needs(
        self, operations: Sequence[Operation], state: ProjectState
    ) -> tuple[dict[str, LockMode], dict[str, LockMode]]:
        """Return what operations lock when they run and what at the end, where tables can be locked ahead at all."""
        if self.database.table_locks is None:
            return {}, {}
        try:
            return LockNeeds(self.migration.app_label, state).split(operations)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001 # what cannot be told beforehand stays bounded by `lock_timeout`
            logger.debug("No lock is taken ahead for %s: %r", self.migration, error)
            return {}, {}

    def lock(self, needs: Mapping[str, LockMode], *, first: bool) -> None:
        """Take the locks that operations will need; `first` tells that the transaction has done nothing before."""
        tables = self.database.table_locks
        if tables is None or not needs:
            return
        if first:
            key = MigrationKey(self.migration.app_label, self.migration.name)
            lock_ahead(tables, needs, migration=key, emit=self.emit)
        else:
            lock_more(tables, needs)


def untranslated() -> override:
    """Switch translations off around a project's own code, as Django's `migrate` does.

    No migration shall write a translated default into the database; what the engine has to say stays translated.
    """
    return override(None)


def apply_operation(
    migration: Migration, operation: Operation, state: ProjectState, editor: BaseDatabaseSchemaEditor
) -> ProjectState:
    """Do for one operation what `Migration.apply` does for each, and return the state after it.

    One that fails before it has sent anything may have failed for its state, and is carried out on Django's own.
    """
    if is_stock(state) or not is_known(operation):
        return carry_out(migration, operation, state, editor)
    deferred = list(editor.deferred_sql)
    own_transaction = wants_own_transaction(migration, operation, editor)
    transactional = own_transaction and editor.connection.features.can_rollback_ddl

    def second() -> ProjectState:
        editor.deferred_sql[:] = deferred
        return carry_out(migration, operation, stock(state), editor)

    return once_more(
        operation,
        lambda: carry_out(migration, operation, state, editor),
        second,
        connection=editor.connection,
        is_undone=lambda sent, error: (
            (not sent.count and (not isinstance(operation, RunPython) or is_of_states(error)))
            or (transactional and not sent.ended_transaction)
        ),
    )


def carry_out(
    migration: Migration, operation: Operation, state: ProjectState, editor: BaseDatabaseSchemaEditor
) -> ProjectState:
    """Carry out one operation on the state that there is."""
    before, after = advance(state, migration.app_label, operation)
    if not is_stock(state) and is_for_python(operation, migration.app_label, before, editor):
        return after
    with contextlib.ExitStack() as stack:
        if editor.connection.vendor == "sqlite":
            stack.enter_context(rendered_first(before.apps, after.apps))
        if wants_own_transaction(migration, operation, editor):
            stack.enter_context(atomic(editor.connection.alias))
        if not is_schema_operation(operation):
            stack.enter_context(kept_in_schema(editor.connection.alias))
        if (entered := getattr(editor, "operation_entered", None)) is not None:
            # Whoever watches over the editor is not told of it otherwise.
            entered(after)
        database_forwards(migration, operation, editor, before, after)
    return after


def database_forwards(
    migration: Migration,
    operation: Operation,
    editor: BaseDatabaseSchemaEditor,
    before: ProjectState,
    after: ProjectState,
) -> None:
    """Let an operation do to the database what it does, unless whoever watches over the editor holds it back."""
    held = getattr(editor, "operation_held", None)
    if held is None or not held(migration, operation, before, after):
        operation.database_forwards(migration.app_label, editor, before, after)


def wants_own_transaction(migration: Migration, operation: Operation, editor: BaseDatabaseSchemaEditor) -> bool:
    """Return whether an operation is to be atomic although its migration cannot be; see `Migration.apply`."""
    return not editor.atomic_migration and bool(
        operation.atomic or (migration.atomic and operation.atomic is not False)
    )


def expect_session_changes(connection: BaseDatabaseWrapper, migration: Migration | None = None) -> None:
    """Note, outside of transactions, that code of others comes next, which may set the session, if a migration has any.

    Whose schema a session is in changes all the time where there are tenants, and `kept_in_schema` sees to that.
    """
    if (migration is None or not only_changes_schema(migration)) and tenancy_of(connection.alias) is None:
        expect_changes(connection)


def only_changes_schema(migration: Migration) -> bool:
    """Return whether nothing of a migration but Django's own schema operations runs, which end no transaction."""
    return not applies_itself(migration) and all(map(is_schema_operation, migration.operations))


def turn_of(migration: Migration, *, backwards: bool = False) -> contextlib.AbstractContextManager[None]:
    """Return what lets the code of a migration run in one thread at a time, if it has any."""
    return contextlib.nullcontext() if computes_nothing(migration, backwards=backwards) else APP_CODE


def computes_nothing(migration: Migration, *, backwards: bool = False) -> bool:
    """Return whether no operation of a migration is code of others, which may keep something of a schema in memory.

    Fields and their defaults are let work in several threads, as they do in every web server, and so are expressions.
    """
    plain = (
        is_schema_operation(operation)
        or type(operation) is RunSQL
        or (type(operation) is Backfill and operation.function is None)
        for operation in migration.operations
    )
    return not applies_itself(migration, backwards=backwards) and all(plain)


def applies_itself(migration: Migration, *, backwards: bool = False) -> bool:
    """Return whether anybody overrides the way of applying, so that nothing is known of the operations."""
    way = migration.unapply if backwards else migration.apply
    return getattr(way, "__module__", None) != Migration.__module__

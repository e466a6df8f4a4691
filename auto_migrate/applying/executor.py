"""How a plan is carried out: Django's executor, with the record in the same transaction as the change.

Django writes the record after the transaction whenever deferred SQL is left, as every foreign key and index leaves
some; a process killed between the two finds "already exists" for ever after. Here the deferred SQL and the record come
before the commit, and the record is looked at once more inside the transaction, so that two runners cannot apply one
migration twice.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from django.db import Error
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic

from auto_migrate.active_schema import active_schema
from auto_migrate.applying.backwards import unapplied
from auto_migrate.applying.bridges.bridge_manager import watched
from auto_migrate.applying.bridges.builder import BridgeBuilder
from auto_migrate.applying.failure import failure, failure_after_commit, way_back
from auto_migrate.applying.fallback import is_stock
from auto_migrate.applying.lazy_executor import LazyExecutor
from auto_migrate.applying.locks.acquire import POLL
from auto_migrate.applying.operation_loop import (
    Operations,
    Progress,
    applies_itself,
    expect_session_changes,
    only_changes_schema,
    turn_of,
)
from auto_migrate.applying.other_databases import OtherDatabases
from auto_migrate.applying.outcome import AlreadyDone, Outcome
from auto_migrate.applying.recovery import Resolutions, Verdict, verdict_on_whole
from auto_migrate.applying.states.lazy_state import djangos
from auto_migrate.applying.stepwise import Stepwise
from auto_migrate.applying.transaction import OwnTransaction
from auto_migrate.backfills.atomicity import is_atomic
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, DeployLock, Question
from auto_migrate.databases.deferred_sql import flush_deferred
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.postgresql.session_settings import look_for_changes
from auto_migrate.databases.stray_transactions import leave_session
from auto_migrate.emitter import Emitter
from auto_migrate.events import MigrationFinished, MigrationStarted, MigrationStopped, PoolerNoticed
from auto_migrate.exceptions import TransientError
from auto_migrate.history.journal import Journal, Position
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.schema_state import replaced_nodes
from auto_migrate.retry import teller
from auto_migrate.values import MigrationKey

if TYPE_CHECKING:
    from auto_migrate.applying.online.online_operations import OnlineOperations
    from auto_migrate.applying.online.planner import OnlinePlanner
    from auto_migrate.applying.table_alterations import TableAlterations


class Executor(LazyExecutor):
    """Carries out one comparison's plan while the deploy lock is held."""

    def __init__(
        self,
        database: Database,
        comparison: Comparison,
        *,
        lock: DeployLock,
        emit: Emitter,
        resolutions: Resolutions,
        bridges: BridgeBuilder,
        open_journals: Mapping[MigrationKey, Position] | None = None,
        in_use: bool = True,
        alterations: TableAlterations | None = None,
    ) -> None:
        # Django's own constructor would build the graph once more.
        self.connection = database.connection
        self.loader = comparison.loader
        self.recorder = MigrationRecorder(self.connection)
        self.progress_callback = None
        self.database = database
        self.lock = lock
        self.emit = emit
        self.total = emit.applied + len(comparison.plan)
        self.resolutions = resolutions
        self.bridges = bridges
        self.open_journals = open_journals or {}
        self.comparison = comparison
        self.is_new = not comparison.recorded
        self.in_use = in_use
        self.alterations = alterations

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Run a migration forwards and record it; raise `MigrationFailed` or `TransientError`."""
        with turn_of(migration), self._reported(migration, backwards=False) as report:
            try:
                online = self._goes_online(migration, state)
                if self._fits_transaction(migration) and not online:
                    return self._apply_at_once(state, migration, report)
                return self._apply_stepwise(state, migration, report.progress, online=online)
            except AlreadyDone:
                report.already = True
                return migration.mutate_state(djangos(state), preserve=False)

    @functools.cached_property
    def planner(self) -> OnlinePlanner | None:
        """What plans the operations that go online, None where none does."""
        if self.is_new and not (self.open_journals or get_settings().goes_online(is_new=True)):
            return None
        # Of a plan that is empty nothing is asked, nor where nobody uses anything yet.
        from auto_migrate.applying.online.planner import planner_of

        return planner_of(self.database, is_new=self.is_new)

    def _goes_online(self, migration: Migration, state: ProjectState) -> bool:
        """Return whether a migration is carried out in steps that would be one transaction otherwise."""
        if self.planner is None or not self._fits_transaction(migration) or applies_itself(migration):
            return False
        position = self.open_journals.get(MigrationKey.of(migration))
        begun = position is not None and not position.backwards and position.online is not None
        return begun or self.planner.is_wanted(migration, state)

    def _fits_transaction(self, migration: Migration) -> bool:
        return is_atomic(migration) and self.database.transactional_ddl

    def _apply_at_once(self, state: ProjectState, migration: Migration, report: Outcome) -> ProjectState:
        """Apply in one transaction, without locks ahead first where nobody is expected to be in the way."""
        locks_nothing = self.database.table_locks is None or self.in_use
        if locks_nothing or is_stock(state) or not only_changes_schema(migration):
            return self._apply_once_or_twice(state, migration, report)
        self.database.queue_limit = POLL
        try:
            return self._apply_once_or_twice(state, migration, report, locks_ahead=False)
        except Error as error:
            fault = self.database.fault_of(error)
            if fault is None or fault.kind is not FaultKind.LOCK_TIMEOUT:
                raise
            report.progress.restart()
        finally:
            self.database.queue_limit = None
        return self._apply_once_or_twice(state, migration, report)

    def _apply_once_or_twice(
        self, state: ProjectState, migration: Migration, report: Outcome, *, locks_ahead: bool = True
    ) -> ProjectState:
        """Apply in one transaction; one that was rolled back for its state is applied once more on Django's own."""
        done = self._was_done(migration, backwards=False)
        apply = functools.partial(
            self._apply_in_transaction, migration=migration, report=report, locks_ahead=locks_ahead
        )
        if done or is_stock(state) or applies_itself(migration):
            return apply(state, done=done)
        return report.once_or_twice(apply, state, self.connection)

    def _apply_in_transaction(
        self,
        state: ProjectState,
        migration: Migration,
        report: Outcome,
        *,
        locks_ahead: bool,
        done: bool = False,
    ) -> ProjectState:
        """Put the change, what it deferred and its record into one transaction."""
        report.own = self._own_transaction(report.progress)
        with self.connection.schema_editor(atomic=migration.atomic) as editor, report.progress.watched():
            with report.progress.aside():
                self._enter(migration, backwards=False)
            if done:
                state = migration.mutate_state(djangos(state), preserve=False)
            else:
                with report.own.guarded(), watched(self.bridges, editor, MigrationKey.of(migration)):
                    operations = Operations(self.database, migration, report.progress, self.emit)
                    state = operations.apply_all(state, editor, locks_ahead=locks_ahead)
                    flush_deferred(editor)
            self._record(migration, applied=True)
            self._forget_cut(migration)
            self.lock.verify()
        return state

    def _was_done(self, migration: Migration, *, backwards: bool) -> bool:
        """Return what the operator says of a migration that ended its own transaction; raise to ask."""
        position = self.open_journals.get(MigrationKey.of(migration))
        if position is None or position.backwards is not backwards:
            return False
        alias = self.database.alias
        return verdict_on_whole(migration, self.resolutions, backwards=backwards, database=alias) is Verdict.DONE

    def _own_transaction(self, progress: Progress) -> OwnTransaction:
        migration = progress.migration
        if only_changes_schema(migration):
            return OwnTransaction(self.database, progress, None)
        journal = Journal(
            self.database.alias, self.emit.run_id, MigrationKey.of(migration), backwards=progress.backwards
        )
        with progress.aside():
            # A history that cannot be written does not stop a deploy.
            return OwnTransaction(self.database, progress, journal if journal.is_kept() else None)

    def _apply_stepwise(
        self, state: ProjectState, migration: Migration, progress: Progress, *, online: bool
    ) -> ProjectState:
        """Carry out one operation after the other with a journal, then record the migration and close the journal."""
        self.database.hold_fence(self.lock, self.emit.clock, teller(self.emit))
        progress.is_online = online
        if online and self.database.pooled:
            self.emit(PoolerNoticed())
        stepwise = Stepwise(
            self.database,
            migration,
            progress,
            emit=self.emit,
            lock=self.lock,
            resolutions=self.resolutions,
            online=self._online_operations(migration),
            alterations=self.alterations,
        )
        stepwise.journal.is_online = online
        with self._step_by_step(stepwise, backwards=False) as (position, editor):
            return stepwise.apply(position, state, editor)

    def _online_operations(self, migration: Migration) -> OnlineOperations | None:
        if self.planner is None:
            return None
        from auto_migrate.applying.online.online_operations import OnlineOperations

        return OnlineOperations(
            self.database, migration, self.planner, lock=self.lock, emit=self.emit, bridges=self.bridges
        )

    def unapply_migration(self, state: ProjectState, migration: Migration, fake: bool = False) -> ProjectState:
        """Run a migration backwards and take its record away; raise `MigrationFailed` or `TransientError`."""
        with turn_of(migration, backwards=True), self._reported(migration, backwards=True) as report:
            try:
                if self._fits_transaction(migration):
                    return self._unapply_at_once(state, migration, report)
                return self._unapply_stepwise(state, migration, report.progress)
            except AlreadyDone:
                report.already = True
        return state

    def _unapply_at_once(self, state: ProjectState, migration: Migration, report: Outcome) -> ProjectState:
        done = self._was_done(migration, backwards=True)
        unapply = functools.partial(self._unapply_in_transaction, migration=migration, report=report, done=done)
        return unapply(state) if done or is_stock(state) else report.once_or_twice(unapply, state, self.connection)

    def _unapply_in_transaction(
        self, state: ProjectState, *, migration: Migration, report: Outcome, done: bool
    ) -> ProjectState:
        report.own = self._own_transaction(report.progress)
        with self.connection.schema_editor(atomic=migration.atomic) as editor, report.progress.watched():
            with report.progress.aside():
                self._enter(migration, backwards=True)
            if not done:
                with report.own.guarded(), watched(self.bridges, editor, MigrationKey.of(migration), backwards=True):
                    state = unapplied(migration, state, editor)
                    flush_deferred(editor)
            self._record(migration, applied=False)
            self._forget_cut(migration)
            self.lock.verify()
        return state

    def _unapply_stepwise(self, state: ProjectState, migration: Migration, progress: Progress) -> ProjectState:
        """Take back one operation after the other with a journal, then the record, and close the journal."""
        self.database.hold_fence(self.lock, self.emit.clock, teller(self.emit))
        stepwise = Stepwise(
            self.database,
            migration,
            progress,
            emit=self.emit,
            lock=self.lock,
            resolutions=self.resolutions,
            backwards=True,
        )
        with self._step_by_step(stepwise, backwards=True) as (position, editor):
            stepwise.unapply(position, state, editor)
        return state

    @contextlib.contextmanager
    def _step_by_step(
        self, stepwise: Stepwise, *, backwards: bool
    ) -> Iterator[tuple[Position, BaseDatabaseSchemaEditor]]:
        """Take a migration over where it was cut, and record it when the block has carried out what was left of it."""
        migration = stepwise.migration
        with atomic(using=self.database.alias):
            self._enter(migration, backwards=backwards)
            if backwards:
                self._complete_record(migration)
            position = stepwise.resume()
        with (
            self.connection.schema_editor(atomic=False) as editor,
            stepwise.noting(),
            watched(self.bridges, editor, stepwise.key, backwards=backwards),
            stepwise.progress.watched(),
        ):
            yield position, editor
        with atomic(using=self.database.alias):
            if self._begin(migration) is backwards:
                self._record(migration, applied=not backwards)
            stepwise.journal.clear()
            self.lock.verify()

    def _left_open(self, own: OwnTransaction | None, error: BaseException) -> bool:
        """Return whether the migration ended its own transaction before it failed."""
        if own is None or (isinstance(error, TransientError) and not own.ended):
            # The lock was lost, or tables were busy: what is known already is enough.
            return False
        return own.settle()

    def _record(self, migration: Migration, *, applied: bool) -> None:
        """Record what a squash replaced and the squash itself together, so that no kill leaves half of it."""
        note = self.recorder.record_applied if applied else self.recorder.record_unapplied
        # No savepoint: a record that fails fails the migration.
        with atomic(using=self.connection.alias, savepoint=False):
            for app_label, name in (*replaced_nodes(self.loader, migration), (migration.app_label, migration.name)):
                note(app_label, name)

    def _complete_record(self, migration: Migration) -> None:
        """Record a squash that is applied by its own name as well, by which it is known if it is cut."""
        own = {"app": migration.app_label, "name": migration.name}
        if migration.replaces and not self.recorder.migration_qs.filter(**own).exists():
            self.recorder.record_applied(**own)

    def _forget_cut(self, migration: Migration) -> None:
        """Close a journal that was left open: what it tells of is settled now."""
        key = MigrationKey.of(migration)
        if key in self.open_journals:
            Journal(self.database.alias, self.emit.run_id, key).clear()

    def _enter(self, migration: Migration, *, backwards: bool) -> None:
        """Look at the record where nobody else can be changing it; raise `AlreadyDone` if the work is done."""
        if self._begin(migration) is not backwards:
            raise AlreadyDone

    def _begin(self, migration: Migration) -> bool:
        """Set up the transaction, where one is open, and return whether the migration is recorded."""
        own, replaced = (migration.app_label, migration.name), replaced_nodes(self.loader, migration)
        table = self.connection.ops.quote_name(MigrationRecorder.Migration._meta.db_table)
        if schema := active_schema():
            # By its full name: a tenant that was dropped meanwhile must not be taken for the schema that all share, and
            # cannot be dropped any more while this transaction is open.
            table = f"{quoted(schema).replace('%', '%%')}.{table}"
        named = " OR ".join(["(app = %s AND name = %s)"] * (1 + len(replaced)))
        question = Question(
            f"SELECT app, name FROM {table} WHERE {named}",  # noqa: S608 # Django's own table
            [part for node in (own, *replaced) for part in node],
        )
        if self.connection.in_atomic_block:
            found = self.database.begin_migration(self.emit.clock, question, teller(self.emit))
        else:
            found = self.database.ask(question)
        return own in found or (bool(replaced) and set(found).issuperset(replaced))

    @contextlib.contextmanager
    def _reported(self, migration: Migration, *, backwards: bool) -> Iterator[Outcome]:
        """Return the listeners, outside the migration's transaction, that it began and how it ended."""
        self.emit.clock.check()
        place = (MigrationKey.of(migration), self.emit.applied + 1, self.total, backwards)
        self.emit(MigrationStarted(*place))
        started = self.emit.clock.monotonic()
        report = Outcome(Progress(migration, backwards, self.emit.clock))
        of_others, others, late = self.connection.in_atomic_block, OtherDatabases(self.connection), None
        expect_session_changes(self.connection, migration)
        try:
            with others.watched(), self.connection.execute_wrapper(report.progress.remember):
                yield report
        except BaseException as error:
            if self.emit.clock.is_stop(error):
                raise
            if not of_others:
                leave_session(self.database)
            if not report.is_committed:
                ended = self._failure(report, error, tuple(others.aliases))
                self.emit(MigrationStopped(*place, error=str(ended), operations=report.progress.timed()))
                if ended is error:
                    raise
                raise ended from error
            late = error
        look_for_changes(self.connection)
        duration, timed = self.emit.clock.monotonic() - started, report.progress.timed()
        self.emit(MigrationFinished(*place, duration, already=report.already, operations=timed))
        if late is not None:
            raise failure_after_commit(report.progress, late) from late

    def _failure(self, report: Outcome, error: BaseException, others: tuple[str, ...]) -> Exception:
        progress = report.progress
        left, fits = self._left_open(report.own, error), self._fits_transaction(progress.migration)
        told = progress.backwards and not (left or progress.is_cut)
        back = way_back(self.comparison, progress.migration, self.database.alias, rolled_back=fits) if told else ""
        return failure(self.database, error, progress, report.own, left=left, way_back=back, others=others)

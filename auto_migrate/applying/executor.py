"""How a plan is carried out: Django's executor, with the record in the same transaction as the change.

Django writes the record after the transaction whenever deferred SQL is left, as every foreign key and index leaves
some; a process killed between the two finds "already exists" for ever after. Here the deferred SQL and the record come
before the commit, and the record is looked at once more inside the transaction, so that two runners cannot apply one
migration twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import override

from auto_migrate.applying.failure import failure
from auto_migrate.applying.operations import Progress, apply_operations, flush_deferred
from auto_migrate.attempts import Emitter
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.events import MigrationFinished, MigrationKey, MigrationStarted, MigrationStopped
from auto_migrate.planning.comparison import Comparison


class AlreadyDone(Exception):
    """Another runner was quicker; the transaction is rolled back and nothing is lost."""


@dataclasses.dataclass
class Tally:
    """How far a run is, over all its attempts."""

    total: int = 0
    done: int = 0


class Executor(MigrationExecutor):
    """Carries out one comparison's plan while the deploy lock is held."""

    def __init__(
        self,
        database: Database,
        comparison: Comparison,
        *,
        lock: DeployLock,
        emit: Emitter,
        tally: Tally,
    ) -> None:
        # Django's own constructor would build the graph once more.
        self.connection = database.connection
        self.loader = comparison.loader
        self.recorder = MigrationRecorder(self.connection)
        self.progress_callback = None
        self.database = database
        self.lock = lock
        self.emit = emit
        self.tally = tally

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Run a migration forwards and record it; raise `MigrationFailed` or `PassingFault`."""

        def change(editor: BaseDatabaseSchemaEditor, progress: Progress) -> None:
            nonlocal state
            state = apply_operations(migration, state, editor, progress)
            flush_deferred(editor)
            self.record_migration(migration)

        if not self._carry_out(migration, change, backwards=False):
            state = migration.mutate_state(state, preserve=False)
        return state

    def unapply_migration(self, state: ProjectState, migration: Migration, fake: bool = False) -> ProjectState:
        """Run a migration backwards and take its record away; raise `MigrationFailed` or `PassingFault`."""

        def change(editor: BaseDatabaseSchemaEditor, progress: Progress) -> None:
            nonlocal state
            state = migration.unapply(state, editor)
            flush_deferred(editor)
            for app_label, name in (*migration.replaces, (migration.app_label, migration.name)):
                self.recorder.record_unapplied(app_label, name)

        self._carry_out(migration, change, backwards=True)
        return state

    def record_migration(self, migration: Migration) -> None:
        """Record what a squash replaced and the squash itself together, so that no kill leaves half of it."""
        with atomic(using=self.connection.alias):
            super().record_migration(migration)
            if migration.replaces:
                self.recorder.record_applied(migration.app_label, migration.name)

    def _carry_out(
        self, migration: Migration, change: Callable[[BaseDatabaseSchemaEditor, Progress], None], *, backwards: bool
    ) -> bool:
        """Do the change and its record; give False if another runner had done both."""
        self.emit.clock.check()
        self.lock.verify()
        with self._reported(migration, backwards=backwards) as (progress, outcome):
            try:
                # As in Django's `migrate`: no migration writes a translated default into the database.
                with override(None), self.connection.schema_editor(atomic=migration.atomic) as editor:
                    self._enter(migration, backwards=backwards)
                    change(editor, progress)
                    self.lock.verify()
            except AlreadyDone:
                outcome["already"] = True
        return "already" not in outcome

    def _enter(self, migration: Migration, *, backwards: bool) -> None:
        """Look at the record where nobody else can be changing it; raise `AlreadyDone` if the work is done."""
        self.database.begin_migration()
        nodes = migration.replaces or [(migration.app_label, migration.name)]
        recorded = all(self.recorder.migration_qs.filter(app=app, name=name).exists() for app, name in nodes)
        if recorded is not backwards:
            raise AlreadyDone

    @contextlib.contextmanager
    def _reported(self, migration: Migration, *, backwards: bool) -> Iterator[tuple[Progress, dict[str, bool]]]:
        """Tell the listeners, outside the migration's transaction, that it began and how it ended."""
        key = MigrationKey(migration.app_label, migration.name)
        index = self.tally.done + 1
        self.emit(MigrationStarted(key, index, self.tally.total, backwards))
        started = time.monotonic()
        progress = Progress(migration)
        outcome: dict[str, bool] = {}
        try:
            with self.connection.execute_wrapper(progress.remember):
                yield progress, outcome
        except Exception as error:
            ended = failure(self.database, error, progress)
            self.emit(MigrationStopped(key, index, self.tally.total, backwards, str(ended)))
            raise ended from error
        self.tally.done = index
        self.emit(MigrationFinished(key, index, self.tally.total, backwards, time.monotonic() - started, **outcome))

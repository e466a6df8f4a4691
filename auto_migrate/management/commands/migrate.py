"""The project's `migrate`, unchanged but faster where it is Django's, under the deploy lock and in the history.

Several apps may bring a `migrate`, and Django takes the first of INSTALLED_APPS. What ours is built on is the next one
in line, with all that it does and with its autodetector.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from itertools import starmap
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management import find_commands
from django.core.management.base import BaseCommand
from django.core.management.commands import migrate as djangos
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.models.signals import pre_migrate
from django.utils.translation import gettext as _

from auto_migrate.applying.lazy_executor import LazyExecutor, as_written
from auto_migrate.applying.operation_loop import expect_session_changes
from auto_migrate.applying.recovery import changed_meanwhile, stopped_at, unanswered
from auto_migrate.databases import adapter_for
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.postgresql.session_settings import look_for_changes
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.events import (
    Context,
    Event,
    Listener,
    LockAwaited,
    MigrationFinished,
    MigrationStarted,
    MigrationStopped,
    PlanMade,
)
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, summary_of
from auto_migrate.fleet.database_state import recorded_everywhere, whole_state
from auto_migrate.history.journal import Journal, Position, cut_schemas, open_journals
from auto_migrate.history.store import History
from auto_migrate.management.arguments import exit_codes
from auto_migrate.management.memory import collect_models_soon, keep_imports
from auto_migrate.management.unchanged import digest_of_models, handle_unchanged, noting
from auto_migrate.planning.fingerprint import Code, Fingerprint, Known, code_of_process
from auto_migrate.planning.loader import Loader
from auto_migrate.planning.partial_migrations import resuming
from auto_migrate.planning.schema_state import recorded_rows
from auto_migrate.redaction import presentable
from auto_migrate.reporting.console import Console
from auto_migrate.supervision import supervised
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import MigrationKey, SchemaState

if TYPE_CHECKING:
    from django.core.management.commands.migrate import Command as MigrateCommand
else:
    # In its place may be one that somebody has built on it, as pytest-django does for `--no-migrations`.
    MigrateCommand = next(kind for kind in djangos.Command.__mro__ if kind.__module__ == djangos.__name__)

logger = logging.getLogger(__name__)

OWN = "auto_migrate"
# Options with which Django's command does something else than to bring all apps to their leaf nodes.
LESS_OR_MORE = ("app_label", "fake", "run_syncdb", "prune", "plan", "check_unapplied")


def carried_out_by(executor: type[MigrationExecutor]) -> Callable[..., None]:
    """Return Django's `handle` with another executor, from a copy of its module in which the name means that one.

    Django asks nobody which executor to use, and what it does around it is not for us to repeat or to patch.
    """
    spec: Any = find_spec(djangos.__name__)
    own: Any = module_from_spec(spec)
    spec.loader.exec_module(own)
    own.MigrationExecutor = executor
    handle: Callable[..., None] = own.Command.handle
    return handle


class FasterCommand(MigrateCommand):
    """Django's command on states that are rendered on demand; other apps' commands find it where they call Django's."""

    # The apps whose migrations and models are known to be as they were when there was nothing to do.
    unchanged_apps: tuple[str, ...] | None = None
    # Whether no difference was found between the models and the migrations.
    reflects_models = False

    def handle(self, *args: Any, **options: Any) -> None:
        if self.unchanged_apps is not None and not any(map(options.get, LESS_OR_MORE)):
            handle_unchanged(self, self.unchanged_apps, **options)
            return
        differs: list[bool] = []
        looks_as_django = self.autodetector is MigrationAutodetector
        self.autodetector = noting(self.autodetector, differs)  # type: ignore[misc] # of this command alone
        on_lazy_states(self, *args, **options)
        self.reflects_models = looks_as_django and differs == [False]


on_lazy_states = carried_out_by(LazyExecutor)


def next_in_line(name: str = "migrate") -> type[BaseCommand] | None:
    """Return the command that Django would take if this app had none of this name; None for its own."""
    configs = list(apps.get_app_configs())
    own = next((index for index, config in enumerate(configs) if config.name == OWN), -1)
    for config in configs[own + 1 :]:
        if name in find_commands(os.path.join(config.path, "management")):
            try:
                return import_module(f"{config.name}.management.commands.{name}").Command  # type: ignore[no-any-return]
            except ImportError as error:
                # One that is built on this very command, and that Django does not take.
                if error.name != __name__:
                    raise
    return None


def parents(found: type[BaseCommand]) -> tuple[type[BaseCommand], ...]:
    """Return what the command is built on, so that whatever calls Django's command calls the faster one."""
    if issubclass(FasterCommand, found):
        return (FasterCommand,)
    return (found, FasterCommand) if issubclass(found, MigrateCommand) else (found,)


class Supervised(BaseCommand):
    """Any `migrate`, under the deploy lock and in the history."""

    # Beside the one that tells whom the command waits for.
    listeners: Sequence[Listener] = ()

    def run_from_argv(self, argv: list[str]) -> None:
        keep_imports()
        self.listeners = (collect_models_soon,)
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        database = options.get("database") or DEFAULT_DB_ALIAS
        if options.get("plan") or options.get("check_unapplied"):
            with exit_codes(of_django=True):
                refuse_what_was_cut(database)
            # Django's own answer is an exit.
            super().handle(*args, **options)
            return
        self.total, self.open_journals = 0, dict[MigrationKey, Position]()
        self.under_way: MigrationStarted | None = None
        self.console = Console(self.stderr, style=self.style, verbosity=options["verbosity"])
        # Read before any migration is imported. What is done to a part of the migrations says nothing of them all.
        code = None if options.get("app_label") or options.get("fake") else code_of_process(database)
        left = functools.partial(self._fingerprint, code, skip_checks=bool(options.get("skip_checks")))
        with (
            exit_codes(of_django=True),
            supervised(
                database, requested_by="migrate", listeners=[self._tell_waiting, *self.listeners], fingerprint=left
            ) as self.emit,
        ):
            with without_history(database):
                # Not in the signal's receiver: it is not sent where no app has models.
                self.open_journals = open_journals(database)
                if not options.get("fake"):
                    refuse_half_unapplied(database, self.open_journals)
                if code is not None and self._is_unchanged(code):
                    self.unchanged_apps = code.app_labels
            if tenancy_of(database) is None:
                pre_migrate.connect(self._note_plan, dispatch_uid="auto_migrate.migrate")
            else:
                # Each schema has a plan of its own, and none of their steps is told.
                refuse_cut_tenants(database)
            try:
                super().handle(*args, **options)
            except BaseException as error:
                self._note_stop(error)
                raise
            finally:
                pre_migrate.disconnect(dispatch_uid="auto_migrate.migrate")
            if not self.total and code is None:
                # What had nothing to apply is not in the history, but has sent `post_migrate`.
                with without_history(database):
                    History(database).forget_answers()

    def _fingerprint(self, code: Code | None, *, skip_checks: bool) -> str:
        """Return that of the state that the command has left; empty if the last run left it, or none can be had."""
        if code is None:
            return ""
        known = self._known(code)
        if known.is_same_schema or self._is_up_to_date():
            reflected = digest_of_models(code) if getattr(self, "reflects_models", False) else ""
            return known.learned(skipped_checks=skip_checks, reflected=reflected)
        return ""

    def _known(self, code: Code) -> Known:
        now = code.fingerprint(recorded_everywhere(self.emit.database))
        return Known(now, Fingerprint.parsed(History(self.emit.database).last_answer(but=self.emit.run_id).fingerprint))

    def _is_unchanged(self, code: Code) -> bool:
        """Return whether migrations and models are as they were when Django found nothing to do and no difference."""
        # Another's autodetector may find differences that Django's does not.
        if self.open_journals or getattr(self, "autodetector", None) is not MigrationAutodetector:
            return False
        if tenancy_of(self.emit.database) is not None:
            return False
        known = self._known(code)
        return known.is_same_schema and known.last.reflected == digest_of_models(code)

    def _is_up_to_date(self) -> bool:
        """Return whether nothing is left to apply, which a receiver of `pre_migrate` may have wanted."""
        try:
            found = whole_state(self.emit.database)
        except AutoMigrateError:
            # Whoever comes next will look.
            return False
        return found.state is SchemaState.UP_TO_DATE and not found.deferred

    def _tell_waiting(self, event: Event, context: Context) -> None:
        """Say whom the command waits for, apart from Django's own output."""
        if isinstance(event, LockAwaited):
            self.console(event, context)

    def _note_plan(self, *, plan: list[tuple[Migration, bool]], **_signal: Any) -> None:
        """Record the plan; the signal comes once for every app, and the first tells it all."""
        pre_migrate.disconnect(dispatch_uid="auto_migrate.migrate")
        keys = tuple(MigrationKey.of(migration) for migration, _backwards in plan)
        self.total = len(keys)
        self.emit(PlanMade((), None, keys, any(backwards for _migration, backwards in plan)))

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Show the progress as Django does, and note it in the history."""
        if action.endswith("apply_start") and migration is not None and not fake:
            self._check_not_cut(migration)
        super().migration_progress_callback(action, migration, fake)  # type: ignore[misc] # whose executor calls it
        if migration is None:
            return
        key, backwards = MigrationKey.of(migration), action.startswith("unapply")
        if action.endswith("_start"):
            expect_session_changes(connections[self.emit.database], as_written(migration))
            self.started = time.monotonic()
            self.under_way = MigrationStarted(key, self.emit.applied + 1, self.total, backwards)
            self.emit(self.under_way)
        elif action.endswith("_success"):
            self.under_way = None
            look_for_changes(connections[self.emit.database])
            duration = time.monotonic() - self.started
            self.emit(MigrationFinished(key, self.emit.applied + 1, self.total, backwards, duration))
            if key in self.open_journals:
                with without_history(self.emit.database):
                    Journal(self.emit.database, self.emit.run_id, key).clear()

    def _check_not_cut(self, migration: Migration) -> None:
        for key in starmap(MigrationKey, migration.replaces):
            if key in self.open_journals:
                raise changed_meanwhile(key, self.open_journals[key])
        position = self.open_journals.get(MigrationKey.of(migration))
        if position is not None:
            alias = self.emit.database
            command = resuming(migration, backwards=position.backwards, database=alias)
            # The executor hands over a copy that is applied in a way of its own.
            question = unanswered(adapter_for(alias), type(migration)(migration.name, migration.app_label), position)
            text = _("Migration {migration} was cut, and Django's migrate would begin it anew.")
            finish = _("Let it be finished where it was cut: {command}").format(command=command)
            raise MigrationFailed(
                text.format(migration=migration), hint=f"{question.message}\n{question.hint}" if question else finish
            )

    def _note_stop(self, error: BaseException) -> None:
        """Record at which migration the command ended, if it was in one."""
        if (at := self.under_way) is None:
            return
        if self._is_done(at):
            # What was to come after its commit has failed.
            duration = time.monotonic() - self.started
            self.emit(MigrationFinished(at.migration, at.index, at.total, at.backwards, duration))
        else:
            self.emit(MigrationStopped(at.migration, at.index, at.total, at.backwards, summary_of(error)))

    def _is_done(self, at: MigrationStarted) -> bool:
        """Return whether the migration is recorded as what it was to be, although the command ended in it."""
        try:
            rows = recorded_rows(connections[self.emit.database])
        except Error:
            return False
        return ((at.migration.app_label, at.migration.name) in rows) is not at.backwards


@contextlib.contextmanager
def without_history(database: str) -> Iterator[None]:
    """Let Django's `migrate` go on without what the block would read or write of a history that somebody has locked."""
    try:
        with savepoint(database):
            yield
    except Error as error:
        fault = adapter_for(database).fault_of(error)
        if fault is None or fault.kind is not FaultKind.HISTORY_LOCKED:
            raise
        text = _("Going on without the history: {reason}. {error}")
        logger.warning(text.format(reason=_(fault.kind.value), error=presentable(fault.detail)))


def refuse_what_was_cut(database: str) -> None:
    """Raise for what stands half unapplied, of which Django would say that nothing is to be done, or cut in tenants."""
    refuse_half_unapplied(database, open_journals(database))
    if tenancy_of(database) is not None:
        refuse_cut_tenants(database)


def refuse_cut_tenants(database: str) -> None:
    """Raise `MigrationFailed` for tenants in which a migration was cut, which Django's `migrate` would begin anew."""
    if cut := sorted(cut_schemas(database)):
        raise MigrationFailed(
            _("A migration was cut in the schemas of these tenants: {names}.").format(names=", ".join(cut)),
            hint=_("Let it be finished where it was cut: {command}").format(command="manage.py auto_migrate"),
        )


def refuse_half_unapplied(database: str, open_journals: Mapping[MigrationKey, Position]) -> None:
    """Raise `HistoryDiverged` for a migration that stands half unapplied: nothing would look pending."""
    found = [key for key, position in open_journals.items() if position.backwards]
    if not found:
        return
    recorded = recorded_rows(connections[database])
    disk = Loader(None, ignore_no_migrations=True).disk_migrations
    for key in found:
        node = (key.app_label, key.name)
        if node in recorded and node in disk:
            raise stopped_at(adapter_for(database), disk[node], open_journals[key])


found = next_in_line() or djangos.Command
Command = type(
    "Command",
    (Supervised, *parents(found)),
    {
        "__module__": __name__,
        "__doc__": Supervised.__doc__,
        "help": f"{found.help} Waits for other runners and keeps the record: see auto_migrate.",
    },
)

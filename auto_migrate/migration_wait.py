"""Asking and waiting, for those who do not migrate: is anything pending that this code needs?

`check` answers at once; `wait_for_migrations` returns when the answer is no. Whoever has waited may use the database:
it is up to date with this code, or ahead of it.
"""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Callable, Collection, Sequence

from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database
from auto_migrate.emitter import Emitter, report_ending
from auto_migrate.events import DatabaseAwaited, Event, Listener, MigrationsAwaited, NothingPending, StateCompared
from auto_migrate.exceptions import (
    AutoMigrateError,
    DatabaseBehind,
    DatabaseRefused,
    DatabaseUnreachable,
    HistoryDiverged,
    TransientError,
)
from auto_migrate.fleet.database_state import whole_state
from auto_migrate.fleet_events import SchemasCompared
from auto_migrate.inspection import Inspection, inspect
from auto_migrate.lock_wait import at_its_step
from auto_migrate.numerals import numeral
from auto_migrate.phases.phase import ALL
from auto_migrate.planning.comparison import SHOW
from auto_migrate.planning.targets import Goal
from auto_migrate.tenancy import shared_schema
from auto_migrate.values import Holder, SchemaState
from auto_migrate.watchdog import bounded_questions

# How often somebody who waits looks at the record, and how often it says so, in seconds.
POLL = 1.0
REPORT = 10.0
# How long a look may wait for locks, in seconds.
LOOK = 10.0


def check(
    database: str = DEFAULT_DB_ALIAS,
    *,
    goal: Goal | None = None,
    tenants: Collection[str] = (),
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> SchemaState:
    """Compare once, changing nothing; raise `DatabaseBehind` or `HistoryDiverged` if there is something to do.

    Without a goal, what the code needs before it starts is asked for. With `tenants` only those are looked at, and the
    schema that all share.
    """
    goal = goal or Goal.asked(None, None)
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    adapter = adapter_for(database)
    with report_ending(emit, waiting=True), bounded_questions(adapter, emit):
        emit.schema = shared_schema(adapter.alias)
        found = inspect(database, goal=goal, tenants=tenants)
        pending = tuple(planned.key for planned in found.pending)
        emit(StateCompared(found.state, pending, found.unknown, found.deferred, goal.phase or ALL))
        if found.schemas is not None:
            emit(found.schemas)
        if found.state is SchemaState.DIVERGED:
            raise HistoryDiverged(found.problem, hint=found.hint)
        if found.pending:
            raise behind(database, found, goal)
        # The release step imports this module, and does not pay for importing it.
        from auto_migrate.backfills.background import tell_unfinished

        tell_unfinished(database, emit)
    emit(NothingPending(found.state, 0.0))
    return found.state


def behind(database: str, found: Inspection, goal: Goal) -> DatabaseBehind:
    """Say what is to be done, and the command that does it."""
    text, hint = _("Database {database!r} is behind; migrations pending: {pending}."), _("Apply them: {command}")
    if found.pending[0].backwards:
        text = _("Database {database!r} is further than that; migrations to be unapplied: {pending}.")
        hint = _("Unapply them: {command}")
    if found.schemas is not None and found.schemas.behind:
        text = _(
            "Database {database!r} is behind; migrations pending: {pending}, in {behind} of {total} tenants' schemas."
        )
    command = " ".join(["manage.py auto_migrate", *goal.options(database)])
    schemas = found.schemas or SchemasCompared(0, ())
    told = {"pending": len(found.pending), "behind": numeral(schemas.behind), "total": numeral(schemas.total)}
    return DatabaseBehind(text.format(database=database, **told), hint=hint.format(command=command))


def wait_for_migrations(
    database: str = DEFAULT_DB_ALIAS,
    *,
    timeout: float | None = None,
    meanwhile: Callable[[], None] | None = None,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
) -> SchemaState:
    """Return the state as soon as nothing that this code needs is pending.

    After `timeout` seconds (None: the setting `MIGRATIONS_WAIT`) raise `DatabaseBehind`, or `DatabaseUnreachable` if
    the database cannot even be asked by then. `DatabaseRefused` and `HistoryDiverged` are raised at once. `meanwhile`
    is called after every look that found the database behind.
    """
    emit = Emitter(database, uuid.uuid4(), listeners, clock or Clock())
    watch = MigrationsWatch(adapter_for(database), get_settings().MIGRATIONS_WAIT if timeout is None else timeout, emit)
    with report_ending(emit, waiting=True):
        emit.schema = shared_schema(database)
        state = watch.until_nothing_pending(meanwhile or (lambda: None))
    emit(NothingPending(state, watch.waited))
    return state


class MigrationsWatch:
    """One wait for one database."""

    def __init__(self, database: Database, timeout: float, emit: Emitter) -> None:
        self.database = database
        self.timeout = timeout
        self.emit = emit
        self.started = emit.clock.monotonic()
        self.told: object = None
        self.next_report = 0.0

    @property
    def patience(self) -> float:
        """Return how long one look may wait for whoever locks what it reads: the next one comes soon."""
        return min(get_settings().LOCK_PATIENCE, LOOK, self.timeout)

    @property
    def waited(self) -> float:
        """Return the seconds since the wait began."""
        return self.emit.clock.monotonic() - self.started

    def until_nothing_pending(self, meanwhile: Callable[[], None]) -> SchemaState:
        """Look again and again; whole fleets wait, so the looks are spread."""
        clock = self.emit.clock
        clock.check()
        while (state := self.look()) is None:
            meanwhile()
            pause = POLL * random.uniform(0.8, 1.2)  # noqa: S311 # no secret depends on it
            clock.pause(min(pause, max(0.0, self.timeout - self.waited)))
        return state

    def look(self) -> SchemaState | None:
        """Ask once; None means wait. Raise what waiting cannot mend, or has not mended in time."""
        # Not around what is done meanwhile, which may be a run with limits of its own.
        with bounded_questions(self.database, self.emit, patience=self.patience):
            return self._look()

    def _look(self) -> SchemaState | None:
        try:
            found = whole_state(self.database.alias)
        except DatabaseUnreachable as error:
            if self.due("unreachable"):
                self.emit(DatabaseAwaited(self.waited, error.message, error.hint))
            self.check_time(error)
            return None
        if found.state is SchemaState.DIVERGED:
            raise self.diverged() or HistoryDiverged(_("The migration files do not fit together."), hint=_(SHOW))
        if found.state is not SchemaState.BEHIND:
            return found.state
        if self.due(found.pending):
            self.emit(self.report(found.pending))
        self.check_time(self.behind(found.pending))
        return None

    def check_time(self, error: AutoMigrateError) -> None:
        """Raise `error` if the time is up."""
        if self.waited >= self.timeout:
            raise error

    def due(self, what: object) -> bool:
        """Return whether to say what is waited for: when it is another thing than before, and now and then."""
        if what == self.told and self.waited < self.next_report:
            return False
        self.told, self.next_report = what, self.waited + REPORT
        return True

    def report(self, pending: int) -> Event:
        """Say who migrates; where nobody does, a history that nobody can migrate is not worth waiting for."""
        holder = holder_now(self.database)
        if holder is None and (problem := self.diverged()):
            raise problem
        return MigrationsAwaited(self.waited, pending, holder)

    def diverged(self) -> HistoryDiverged | None:
        """Compare thoroughly, which takes a whole graph."""
        with contextlib.suppress(DatabaseUnreachable):
            found = inspect(self.database.alias)
            if found.state is SchemaState.DIVERGED:
                return HistoryDiverged(found.problem, hint=found.hint)
        return None

    def behind(self, pending: int) -> DatabaseBehind:
        """Say that the time was up."""
        return DatabaseBehind(
            _("Database {database!r} is still behind after {waited:.0f}s; migrations pending: {pending}.").format(
                database=self.database.alias, waited=self.waited, pending=pending
            ),
            hint=_("Apply them: {command}").format(command="manage.py auto_migrate"),
        )


def holder_now(database: Database) -> Holder | None:
    """Return who migrates right now and, as the history has it, which migration; None if nobody is known to."""
    try:
        return at_its_step(database.lock_holder(), database)
    except (TransientError, DatabaseRefused):
        return None

"""Handing events to the listeners, and telling them how a run ended."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.clock import Clock
from auto_migrate.code_lock import LISTENERS
from auto_migrate.conf import get_settings
from auto_migrate.events import Context, Event, Listener, MigrationFinished, RunFailed, RunStopped
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, RunInterrupted, summary_of
from auto_migrate.redaction import redacted_fields

if TYPE_CHECKING:
    from auto_migrate.databases.base import Database

logger = logging.getLogger(__name__)

# Whether a listener of the project's is at work; a context, since the runs of several databases have threads.
_telling: ContextVar[bool] = ContextVar("_telling", default=False)


@dataclasses.dataclass
class Emitter:
    """Hands events to every listener, those of the setting `LISTENERS` included, with where and when they happened.

    `applied` migrations were told as finished. `schema` is the one that events are of while no tenant's is worked in.
    Without `tells_project`, those of the setting are left out.
    """

    database: str
    run_id: uuid.UUID
    listeners: Sequence[Listener]
    clock: Clock
    applied: int = dataclasses.field(default=0, init=False)
    schema: str = dataclasses.field(default="", init=False)
    tells_project: dataclasses.InitVar[bool] = True

    def __post_init__(self, tells_project: bool) -> None:
        # A run that a listener begins is not told to any: they would begin another, and so on for ever.
        if tells_project and not _telling.get() and (get_settings().LISTENERS or get_settings().NOTIFY):
            # Most projects have none, and every run would pay for the import.
            from auto_migrate.databases import adapter_for
            from auto_migrate.listeners import project_listeners

            database = adapter_for(self.database)
            self.listeners = (*self.listeners, *(apart(listener, database) for listener in project_listeners()))

    def __call__(self, event: Event) -> None:
        """Hand over one event; a listener that raises, whatever it is, is logged and does not stop the run."""
        self.applied += isinstance(event, MigrationFinished)
        event = redacted_fields(event)
        tenant = active_schema()
        context = Context(self.database, self.run_id, self.clock.now(), tenant or self.schema, bool(tenant))
        for listener in self.listeners:
            try:
                listener(event, context)
            except BaseException as error:
                # Of `sys.exit(0)` in a listener the run would end as if it were done.
                if self.clock.is_stop(error):
                    raise
                logger.exception("A listener failed at %s", event.kind)


def apart(listener: Listener, database: Database) -> Listener:
    """Return a listener of the project's that is told by one thread at a time, and leaves the run as it is."""
    from auto_migrate.databases.stray_transactions import is_left_open, leave_session

    def tell(event: Event, context: Context) -> None:
        was_open, token = is_left_open(database), _telling.set(True)
        try:
            with LISTENERS, ending_children():
                listener(event, context)
        finally:
            _telling.reset(token)
            if not was_open and is_left_open(database):
                leave_session(database)
                logger.error("A listener left a transaction open at %s, which was rolled back", event.kind)

    return tell


@contextlib.contextmanager
def ending_children() -> Iterator[None]:
    """End a process that is forked in the block with it: it shares the run's connections, and must not go on."""
    process = os.getpid()
    status = 1
    try:
        yield
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    finally:
        if os.getpid() != process:
            os._exit(status)


def one_at_a_time(listener: Listener, mutex: contextlib.AbstractContextManager[Any]) -> Listener:
    """Return a listener that is called by one thread at a time."""

    def tell(event: Event, context: Context) -> None:
        with mutex:
            listener(event, context)

    return tell


@contextlib.contextmanager
def report_ending(emit: Emitter, *, waiting: bool = False) -> Iterator[None]:
    """Report every ending but the good one to the listeners, and let it go on.

    Whoever is only `waiting`, or looking, changes nothing, and has nothing to go on with.
    """
    try:
        yield
    except RunInterrupted as stopped:
        emit(RunStopped(stopped.exit_code, emit.applied, waiting))
        if waiting:
            raise RunInterrupted(_("It was asked to stop while it only waited; nothing was changed.")) from None
        raise
    except AutoMigrateError as error:
        emit(RunFailed(error.exit_code, error.message, error.hint))
        raise
    except BaseException as error:
        if emit.clock.is_stop(error):
            emit(RunFailed(RunInterrupted.exit_code, _("Stopped at once by a second signal."), ""))
            raise
        emit(RunFailed(MigrationFailed.exit_code, summary_of(error), ""))
        if isinstance(error, Exception):
            raise
        # `sys.exit(0)` below a receiver must not pass for a deploy that is done.
        raise MigrationFailed(_("The run was ended from within: {error}.").format(error=summary_of(error))) from error

"""Handing events to the listeners, and telling them how a run ended."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import uuid
from collections.abc import Iterator, Sequence

from auto_migrate.clock import Clock
from auto_migrate.events import Context, Event, Listener, RunFailed, RunStopped
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, RunInterrupted

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Emitter:
    """Hands events to every listener, with where and when they happened."""

    database: str
    run_id: uuid.UUID
    listeners: Sequence[Listener]
    clock: Clock

    def __call__(self, event: Event) -> None:
        """Hand over one event; a listener that raises is logged and does not stop the run."""
        context = Context(self.database, self.run_id, self.clock.now())
        for listener in self.listeners:
            try:
                listener(event, context)
            except Exception:
                logger.exception("A listener failed at %s", event.kind)


@contextlib.contextmanager
def report_ending(emit: Emitter, tally: Tally) -> Iterator[None]:
    """Return the listeners of every ending but the good one, and let it go on."""
    try:
        yield
    except RunInterrupted as stopped:
        emit(RunStopped(stopped.exit_code, tally.done))
        raise
    except AutoMigrateError as error:
        emit(RunFailed(error.exit_code, error.message, error.hint))
        raise
    except BaseException as error:
        if emit.clock.is_stop(error):
            emit(RunFailed(RunInterrupted.exit_code, _("Stopped at once by a second signal."), ""))
            raise
        emit(RunFailed(MigrationFailed.exit_code, said(error), ""))
        if isinstance(error, Exception):
            raise
        # `sys.exit(0)` below a receiver must not pass for a deploy that is done.
        raise MigrationFailed(_("The run was ended from within: {error}.").format(error=said(error))) from error


@dataclasses.dataclass
class Tally:
    """How far a run is, over all its attempts."""

    total: int = 0
    done: int = 0

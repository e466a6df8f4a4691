"""Attempts, and the telling of what happens in them."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

from auto_migrate.clock import Clock, Retry
from auto_migrate.databases.base import Database
from auto_migrate.events import AttemptFailed, Context, Event, Listener, RetryScheduled
from auto_migrate.exceptions import PassingFault

logger = logging.getLogger(__name__)
T = TypeVar("T")


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


def until_usable(database: Database, work: Callable[[int], T], *, retry: Retry, emit: Emitter) -> T:
    """Do the work, given the number of the attempt, until no passing fault gets in its way."""
    for attempt in range(1, retry.attempts + 1):
        emit.clock.check()
        try:
            with database.faults_told():
                return work(attempt)
        except PassingFault as fault:
            database.discard_connection()
            emit(AttemptFailed(attempt, retry.attempts, fault.reason, fault.detail))
            if attempt == retry.attempts:
                raise database.exhausted(fault) from fault
        delay = retry.pause_after(attempt)
        emit(RetryScheduled(delay))
        emit.clock.pause(delay)
    raise AssertionError("there is at least one attempt")

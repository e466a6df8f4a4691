"""Trying again after a transient error: how often and after which pauses, and the loop that does it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import TypeVar

from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.session_waits import Reason, Tell, describe_blocker
from auto_migrate.emitter import Emitter
from auto_migrate.events import AttemptFailed, RetryScheduled, SessionsAwaited
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Blocker

T = TypeVar("T")


def teller(emit: Emitter) -> Tell:
    """Return what tells the listeners whom a wait of the database's adapter is for."""

    def tell(reason: Reason, waited: float, blockers: tuple[Blocker, ...]) -> None:
        emit(SessionsAwaited(reason.value, waited, blockers))

    return tell


def retry_transient_errors(database: Database, work: Callable[[int], T], *, retry: Retry, emit: Emitter) -> T:
    """Do the work, given the number of the attempt, until no transient error gets in its way."""
    for attempt in range(1, retry.attempts + 1):
        emit.clock.check()
        try:
            with database.translate_errors():
                return work(attempt)
        except TransientError as error:
            database.discard_connection()
            emit(AttemptFailed(attempt, retry.attempts, error.reason, detail_of(error, database)))
            if attempt == retry.attempts:
                raise database.exhausted(error) from error
        delay = retry.pause_after(attempt)
        emit(RetryScheduled(delay))
        emit.clock.pause(delay)
    raise AssertionError("there is at least one attempt")


def detail_of(error: TransientError, database: Database) -> str:
    """Return what the driver said, and who is in the way where the history is locked."""
    if not error.of_history:
        return error.detail
    return "; ".join([error.detail, *(describe_blocker(one).strip() for one in database.history_holders())])


@dataclasses.dataclass(frozen=True)
class Retry:
    """How many attempts there are and how long the pauses between them last.

    The first pause is `delay` exactly; later ones double, up to `ceiling`, and are spread by `jitter` so that replicas
    which failed together do not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter").
    """

    attempts: int
    delay: float
    ceiling: float = 60.0
    jitter: float = 0.2

    @classmethod
    def configured(cls, attempts: int | None = None, delay: float | None = None) -> Retry:
        """Return what the settings say where nothing else is asked for."""
        settings = get_settings()
        return cls(
            settings.MAX_RETRIES if attempts is None else attempts, settings.RETRY_DELAY if delay is None else delay
        )

    def pause_after(self, attempt: int, *, spread: float | None = None) -> float:
        """Return the seconds to wait after the failed `attempt` (1-based); `spread` is in [-1, 1], else random."""
        if attempt == 1:
            return self.delay
        grown: float = min(self.delay * 2 ** min(attempt - 1, 16), max(self.ceiling, self.delay))
        spread = random.uniform(-1, 1) if spread is None else spread  # noqa: S311 # no secret depends on it
        return round(grown * (1 + self.jitter * spread), 1)

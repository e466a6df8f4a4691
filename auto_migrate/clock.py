"""Time, and the wish to stop: every pause of the engine goes through one clock, so that a signal ends it."""

from __future__ import annotations

import dataclasses
import datetime
import random
import threading
import time

from auto_migrate.exceptions import RunInterrupted


class Clock:
    """The real time. `interrupt` may be called from a signal handler or another thread."""

    def __init__(self) -> None:
        self._interrupted = threading.Event()

    def now(self) -> datetime.datetime:
        """Give the time of day, aware, in UTC."""
        return datetime.datetime.now(tz=datetime.UTC)

    def monotonic(self) -> float:
        """Give seconds since some fixed instant."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass; raise `RunInterrupted` as soon as somebody asks to stop."""
        self._interrupted.wait(seconds)
        self.check()

    def interrupt(self) -> None:
        """Ask the run to stop at the next safe place."""
        self._interrupted.set()

    @property
    def interrupted(self) -> bool:
        """Tell whether somebody asked to stop."""
        return self._interrupted.is_set()

    def check(self) -> None:
        """Raise `RunInterrupted` if somebody asked to stop; called where stopping is safe."""
        if self.interrupted:
            raise RunInterrupted("The run was asked to stop.", hint="Run it again: what is left will be applied then.")


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

    def pause_after(self, attempt: int, *, spread: float | None = None) -> float:
        """Give the seconds to wait after the failed `attempt` (1-based); `spread` is in [-1, 1], random by default."""
        if attempt == 1:
            return self.delay
        grown: float = min(self.delay * 2 ** min(attempt - 1, 16), max(self.ceiling, self.delay))
        spread = random.uniform(-1, 1) if spread is None else spread  # noqa: S311 # no secret depends on it
        return round(grown * (1 + self.jitter * spread), 1)

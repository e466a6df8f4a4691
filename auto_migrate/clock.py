"""Time, and the wish to stop: every pause of the engine goes through one clock, so that a signal ends it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import queue
import random
import signal
import time
from collections.abc import Iterator
from types import FrameType

from django.utils.translation import gettext as _

from auto_migrate.exceptions import RunInterrupted

# Platforms that signal every process of a container reach this one twice, once more through its parent's shell: seconds
# within which a second signal is the echo of the first.
ECHO = 0.5


class Clock:
    """The real time. `interrupt` may be called from a signal handler or another thread."""

    def __init__(self) -> None:
        self._interrupted = False
        # Not a threading.Event: a signal handler that sets one in the instant in which the same thread begins to wait
        # for it waits forever for itself. This queue is made to be put into from anywhere.
        self._wishes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def now(self) -> datetime.datetime:
        """Give the time of day, aware, in UTC."""
        return datetime.datetime.now(tz=datetime.UTC)

    def monotonic(self) -> float:
        """Give seconds since some fixed instant."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass; raise `RunInterrupted` as soon as somebody asks to stop."""
        if not self._interrupted:
            with contextlib.suppress(queue.Empty):
                self._wishes.get(timeout=max(0.0, seconds))
        self.check()

    def interrupt(self) -> None:
        """Ask the run to stop at the next safe place."""
        self._interrupted = True
        self._wishes.put(None)

    @property
    def interrupted(self) -> bool:
        """Tell whether somebody asked to stop."""
        return self._interrupted

    def check(self) -> None:
        """Raise `RunInterrupted` if somebody asked to stop; called where stopping is safe."""
        if self.interrupted:
            raise RunInterrupted(_("The run was asked to stop."), hint=_("Run it again to go on where it stopped."))


@contextlib.contextmanager
def interruptible() -> Iterator[Clock]:
    """Give a clock that signals interrupt: the first asks to stop at a safe place, the second stops at once."""
    clock = Clock()

    asked = 0.0

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not clock.interrupted:
            asked = clock.monotonic()
            clock.interrupt()
        elif clock.monotonic() - asked >= ECHO:
            raise KeyboardInterrupt

    try:
        before = {name: signal.signal(name, ask) for name in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:
        # Not the main thread (a web server, a test): signals are somebody else's.
        before = {}
    try:
        yield clock
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


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

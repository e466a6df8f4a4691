"""Time, and the wish to stop: every pause of the engine goes through one clock, so that a signal ends it."""

from __future__ import annotations

import contextlib
import datetime
import queue
import time

from django.utils.translation import gettext as _

from auto_migrate.exceptions import RunInterrupted


class Clock:
    """The real time. `interrupt` may be called from a signal handler or another thread.

    `listening` tells that signals come here, `insisted` that a second one did: any other KeyboardInterrupt is then
    none of the operator's.
    """

    listening = False
    insisted = False

    def __init__(self) -> None:
        self._interrupted = False
        # Not a threading.Event: a signal handler that sets one in the instant in which the same thread begins to wait
        # for it waits forever for itself. This queue is made to be put into from anywhere.
        self._wishes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def now(self) -> datetime.datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.datetime.now(tz=datetime.UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed instant."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass; raise `RunInterrupted` as soon as somebody asks to stop."""
        if not self._interrupted:
            with contextlib.suppress(queue.Empty):
                self._wishes.get(timeout=max(0.0, seconds))
                if self.interrupted:
                    # Several threads may pause, and one has taken what was for all.
                    self._wishes.put(None)
        self.check()

    def interrupt(self) -> None:
        """Ask the run to stop at the next safe place."""
        self._interrupted = True
        self._wishes.put(None)

    def wake(self) -> None:
        """End the pause that is under way, or else the next one; may be called from another thread."""
        self._wishes.put(None)

    @property
    def interrupted(self) -> bool:
        """Return whether somebody asked to stop."""
        return self._interrupted

    def is_stop(self, error: BaseException) -> bool:
        """Return whether an exception is somebody's wish to stop at once, and not what code raised by itself."""
        return isinstance(error, KeyboardInterrupt) and (self.insisted or not self.listening)

    def check(self) -> None:
        """Raise `RunInterrupted` if somebody asked to stop; called where stopping is safe."""
        if self.interrupted:
            raise RunInterrupted(_("The run was asked to stop."), hint=_("Run it again to go on where it stopped."))

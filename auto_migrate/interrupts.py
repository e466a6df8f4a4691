"""SIGTERM and SIGINT: the first asks a run to stop at a safe place, the second stops it at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from auto_migrate.clock import Clock

# Platforms that signal every process of a container reach this one twice, once more through its parent's shell: seconds
# within which a second signal is the echo of the first.
ECHO = 0.5


@contextlib.contextmanager
def interruptible() -> Iterator[Clock]:
    """Return a clock that signals interrupt: the first asks to stop at a safe place, the second stops at once."""
    clock = Clock()

    asked = 0.0

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not clock.interrupted:
            asked = clock.monotonic()
            clock.interrupt()
        elif clock.monotonic() - asked >= ECHO:
            clock.insisted = True
            raise KeyboardInterrupt

    try:
        before = {name: signal.signal(name, ask) for name in (signal.SIGTERM, signal.SIGINT)}
        clock.listening = True
    except ValueError:
        # Not the main thread (a web server, a test): signals are somebody else's.
        before = {}
    try:
        yield clock
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)

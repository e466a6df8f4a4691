"""SIGTERM and SIGINT: the first asks a run to stop at a safe place, the second stops it at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from auto_migrate.clock import Clock

# Platforms that signal every process of a container reach this one twice, once more through its parent's shell: seconds
# within which a second signal is the echo of the first.
ECHO = 0.5
STDERR = 2


@contextlib.contextmanager
def interruptible(*, acknowledge: str = "") -> Iterator[Clock]:
    """Return a clock that signals interrupt: the first asks to stop at a safe place, the second stops at once.

    The first is answered on standard error by a text, since what is under way may take long.
    """
    clock = Clock()
    # Encoded now, and written by no object: a handler may come in the middle of a write of the same.
    answer = f"\n{acknowledge}\n".encode(errors="replace") if acknowledge else b""

    asked = 0.0

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not clock.interrupted:
            asked = clock.monotonic()
            clock.interrupt()
            with contextlib.suppress(OSError):
                os.write(STDERR, answer)
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

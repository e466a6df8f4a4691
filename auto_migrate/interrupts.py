"""Ways to end a run before its end: SIGTERM and SIGINT, of which the first asks for a safe place, and `os._exit`.

And after it: whoever calls `os._exit(0)` as the interpreter exits does not make a run that failed one that did not.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from django.utils.translation import gettext as _

from auto_migrate.clock import Clock

# Platforms that signal every process of a container reach this one twice, once more through its parent's shell: seconds
# within which a second signal is the echo of the first.
ECHO = 0.5
STDERR = 2
FAILED = 1


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


@contextlib.contextmanager
def seen_to_exit() -> Iterator[None]:
    """Let `os._exit(0)` within the block, which nobody could catch, not pass for a command that did its work."""
    process, leave, is_over = os.getpid(), os._exit, False

    def exit_seen(status: int) -> NoReturn:
        # A child process ends as it likes, and so does what was only registered for the end of the interpreter.
        if os.getpid() == process and not is_over:
            text = _("The run was ended from within: {error}.").format(error=f"os._exit({status})")
            with contextlib.suppress(OSError):
                os.write(STDERR, f"{text}\n".encode(errors="replace"))
            status = status or FAILED
        leave(status)

    os._exit = exit_seen
    try:
        yield
    finally:
        os._exit, is_over = leave, True


_expected = 0


@contextlib.contextmanager
def seen_to_end() -> Iterator[None]:
    """Let the process not end with 0 if the block, all of a command, raises, whoever leaves it as it exits."""
    try:
        yield
    except BaseException as error:
        _expect_status(getattr(error, "returncode", FAILED))
        raise
    _expect_status(0)


def _expect_status(status: int) -> None:
    """Keep with what the process is to end, whichever command of it came last."""
    global _expected  # noqa: PLW0603 # a process has one exit status
    _expected = int(status)
    # Who came last is called first.
    atexit.unregister(_keep_status)
    atexit.register(_keep_status)
    if status:
        # Who was to be called with 0 and nothing else cannot be told otherwise. Later none could be taken out: from
        # Python 3.14 on those are called that were registered when the exit began.
        atexit.unregister(os._exit)


def _keep_status() -> None:
    """Let those who are called after this one, as the interpreter exits, not end it with 0 if the command failed."""
    process, leave, expected = os.getpid(), os._exit, _expected

    def exit_kept(status: int) -> NoReturn:
        leave(status or (expected if os.getpid() == process else status))

    if expected:
        os._exit = exit_kept

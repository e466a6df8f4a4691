"""Signals in a rehearsal: the first ends it at once, since nothing in it is worth finishing, save tidying up."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.exceptions import RunInterrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first signal that asks to stop into `RunInterrupted`; later ones disturb nothing."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        # The driver answers this exception, and no other, by cancelling the statement that is under way.
        raise KeyboardInterrupt

    with handled_by(stop):
        try:
            yield
        except KeyboardInterrupt as error:
            text = _("The rehearsal was asked to stop, and its scratch database is dropped.")
            raise RunInterrupted(text, hint=_("Begin again: manage.py rehearse_migrations")) from error


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal into the block."""
    with handled_by(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def handled_by(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    """Handle the signals that ask to stop in one way while the block runs."""
    try:
        before = {number: signal.signal(number, handler) for number in SIGNALS}
    except ValueError:
        # Not the main thread (a web server, a test): signals are somebody else's.
        before = {}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)

"""What a report is written to, for as long as somebody takes it."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any


class Outlet:
    """A stream that is written to until it refuses, and never again.

    A reader that went away (`| head -1`) or a disk that is full is no reason to disturb a deploy.
    """

    def __init__(self, stream: Any) -> None:
        # Django's wrapper hides what it writes to. A process that was started without a standard output has None there.
        self.file = getattr(stream, "_out", stream)
        self.stream = None if self.file is None else stream
        # A run tells from several threads, and so do several runs.
        self._mutex = threading.Lock()

    @property
    def is_terminal(self) -> bool:
        """Return whether a person watches, so that a line may be written over."""
        isatty = getattr(self.file, "isatty", None)
        return self.stream is not None and isatty is not None and bool(isatty())

    def write(self, text: str, **options: str) -> None:
        """Write at once, so that a log that is followed shows it."""
        with self._mutex:
            if self.stream is None:
                return
            try:
                self.stream.write(text, **options)
                self.stream.flush()
            except (OSError, ValueError) as error:
                # A migration may have closed it.
                if isinstance(error, ValueError) and not getattr(self.file, "closed", False):
                    raise
                self.stream = None
                if self.file is sys.stdout:
                    discard(self.file)


class MarkedLines:
    """A stream whose lines go to an outlet whole, each with a mark: others write there at the same time."""

    def __init__(self, outlet: Outlet, mark: str) -> None:
        self.outlet = outlet
        self.mark = mark
        self._begun = ""

    def write(self, text: str) -> None:
        """Hand on the lines that are complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self.outlet.write("".join(f"{self.mark}{line}\n" for line in lines), ending="")

    def flush(self) -> None:
        """Keep what has no end yet."""

    def end(self) -> None:
        """Hand on a last line that was never ended."""
        if self._begun:
            self.write("\n")


def discard(file: Any) -> None:
    """Let go nowhere what `file` still holds and is given, so that Python does not fail over it when it ends.

    See https://docs.python.org/3/library/signal.html#note-on-sigpipe.
    """
    try:
        number = file.fileno()
    except (AttributeError, OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)

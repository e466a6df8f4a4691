"""The right to run code of others, had by one thread of this process at a time.

Migrations' functions, signal receivers, system checks and listeners were written for one `migrate` at a time, and keep
in their modules what they like. Several runs of one process, or several schemas of one run, take turns with them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class CodeLock:
    """A lock that a thread may take more than once, and lays aside as a whole while it waits for another run."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # Changed by the thread that has the lock alone.
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._owner, self._depth = threading.get_ident(), self._depth + 1

    def __exit__(self, *_raised: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
        self._lock.release()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have it within the block, which waits for what they do; nothing, if this thread has not got it."""
        depth = self._depth if self._owner == threading.get_ident() else 0
        for _ in range(depth):
            self.__exit__()
        try:
            yield
        finally:
            for _ in range(depth):
                self.__enter__()


# What migrates, or looks at migrations.
APP_CODE = CodeLock()
# What is told of runs. Another lock: a function that works for an hour keeps no other run from telling something.
LISTENERS = CodeLock()


@contextlib.contextmanager
def code_aside() -> Iterator[None]:
    """Let others run code within the block, which waits for what they do."""
    with APP_CODE.aside(), LISTENERS.aside():
        yield

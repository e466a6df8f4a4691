"""How long an answer of the database is waited for, whatever was asked, and whoever asks.

Django has a wrapper around each call of a driver, to translate its errors: statements and the rows that they give,
commits, and what it sends when it has connected. Put in its place is one that notes since when an answer is awaited. A
thread looks at that and ends a wait that is too long, so that Python may compute meanwhile for as long as it likes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from time import monotonic
from types import TracebackType
from typing import Any

from django.db import Error, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseErrorWrapper

from auto_migrate.databases.faults import causes
from auto_migrate.databases.name_lookup import await_address
from auto_migrate.databases.sockets import VENDORS, duplicate

# How often to look, as a part of the limit.
LOOKS = 5


class AwaitedAnswers(DatabaseErrorWrapper):
    """Stands around each call of the driver, and knows since when the answer to it is awaited."""

    wrapper: BaseDatabaseWrapper

    def __init__(self, wrapper: BaseDatabaseWrapper) -> None:
        super().__init__(wrapper)
        # Since when each call has waited that is not over, the innermost last.
        self._since: list[float] = []
        # The driver's connection, its socket, and its number in the server where that is MySQL's: a driver that waits
        # tells another thread nothing.
        self._driver: Any = None
        self._socket: socket.socket | None = None
        self.number = 0

    @property
    def since(self) -> float | None:
        """The time of the monotonic clock since which an answer is awaited, None while none is; for any thread."""
        innermost = self._since[-1:]
        return innermost[0] if innermost else None

    def cut(self) -> None:
        """End the wait for an answer: what waits finds its connection lost. May be called from any thread.

        One that is only being made has no socket yet, and a limit of its own.
        """
        # The answer may come in this moment, and the socket be closed.
        handle = self._socket
        if handle is not None and self.wrapper.connection is self._driver:
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Forget the connection."""
        if self._socket is not None:
            self._socket.close()
        self._driver = self._socket = None

    def __enter__(self) -> None:
        driver: Any = self.wrapper.connection
        if driver is not None and driver is not self._driver:
            self.close()
            self._driver, self._socket = driver, duplicate(self.wrapper)
            self.number = driver.thread_id() if self.wrapper.vendor == "mysql" else 0
        self._since.append(monotonic())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._since.pop()
        if self._since:
            # Something was answered.
            self._since[-1] = monotonic()
        super().__exit__(kind, error, traceback)


class AnswerLimit(AwaitedAnswers):
    """Gives each answer `seconds` to come, and whoever waited in vain no second wait."""

    def __init__(self, wrapper: BaseDatabaseWrapper, seconds: float) -> None:
        super().__init__(wrapper)
        self.seconds = seconds
        self.was_cut = False
        self.ended = threading.Event()
        self._raised: BaseException | None = None
        # Whether an answer was waited for in vain: whoever goes on with the rest does not wait for each anew.
        self._is_spent = False

    def __enter__(self) -> None:
        if self.wrapper.connection is None:
            self._check_reachable()
        super().__enter__()

    def _check_reachable(self) -> None:
        if self._is_spent:
            raise OperationalError(*(self._raised.args if self._raised else ())) from self._raised
        try:
            await_address(self.wrapper, self.seconds)
        except OperationalError as error:
            self._raised, self._is_spent = error, True
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._raised = error
            self._is_spent = self.was_cut or self.wrapper.connection is None
        super().__exit__(kind, error, traceback)

    def has_raised(self, error: BaseException) -> bool:
        """Return whether an error came over this connection, and not over that of another database."""
        return self._raised is not None and self._raised in causes(error)

    def watch(self) -> None:
        """End each wait that is too long, until the block has ended."""
        while not self.ended.wait(self.seconds / LOOKS):
            if (since := self.since) is not None and monotonic() - since >= self.seconds:
                self.cut()

    def cut(self) -> None:
        # Before whoever waits goes on, and looks.
        self.was_cut = self._socket is not None
        super().cut()


@contextlib.contextmanager
def awaited_answers(connection: BaseDatabaseWrapper) -> Iterator[AwaitedAnswers]:
    """Know within the block since when an answer is awaited over a connection."""
    around = vars(connection).get("wrap_database_errors")
    if isinstance(around, AwaitedAnswers):
        yield around
        return
    answers = AwaitedAnswers(connection)
    with _in_place(connection, answers):
        yield answers


@contextlib.contextmanager
def answered_within(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[AnswerLimit]:
    """Let no call of the block wait for longer for the answer that is to come over a connection.

    What waits finds its connection lost; it is closed at the end, so that the next statement makes another one.
    """
    limit = AnswerLimit(connection, seconds)
    if connection.vendor not in VENDORS:
        yield limit
        return
    threading.Thread(target=limit.watch, daemon=True, name=f"auto_migrate answers {connection.alias}").start()
    try:
        with _in_place(connection, limit):
            yield limit
    finally:
        limit.ended.set()
        if limit.was_cut and not connection.in_atomic_block:
            with contextlib.suppress(Error):
                connection.close()


@contextlib.contextmanager
def _in_place(connection: BaseDatabaseWrapper, answers: AwaitedAnswers) -> Iterator[None]:
    attributes: dict[str, Any] = vars(connection)
    usual = attributes.get("wrap_database_errors")
    attributes["wrap_database_errors"] = answers
    try:
        yield
    finally:
        # Django makes its own at the first look.
        attributes.pop("wrap_database_errors")
        if usual is not None:
            attributes["wrap_database_errors"] = usual
        answers.close()

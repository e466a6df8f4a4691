from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

PLACES = {"KILL_AT": signal.SIGKILL, "STOP_AT": signal.SIGSTOP}


class Counter:
    """Counts over all connections, in the order in which the statements are sent."""

    def __init__(self) -> None:
        self.count = 0

    def execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Count a statement; for `connection.execute_wrappers`."""
        number = self.begin(sql, context["connection"])
        try:
            return execute(sql, params, many, context)
        finally:
            # Statements of the journal may have come within this one.
            self.reach(f"{number}:after", context["connection"])

    def begin(self, sql: str, connection: BaseDatabaseWrapper) -> int:
        """Write the statement down and, if this is the place, die before it; give its number."""
        self.count += 1
        if path := os.environ.get("COUNT_TO"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"\n#{self.count} {' '.join(str(sql).split())}\n")
        self.reach(f"{self.count}:before", connection)
        return self.count

    def reach(self, place: str, connection: BaseDatabaseWrapper) -> None:
        """Die, stop, or lose the connection, if this is the place."""
        if os.environ.get("CUT_AT") == place:
            cut(connection)
        for variable, number in PLACES.items():
            if os.environ.get(variable) == place:
                os.kill(os.getpid(), number)

    def attach(self, *, connection: BaseDatabaseWrapper, **_: Any) -> None:
        """Count what is sent through a connection that was just made.

        Not in threads: those of a run that keep watch speak up when time has passed, and the numbers would be others.
        """
        if threading.current_thread() is not threading.main_thread() or self.execute in connection.execute_wrappers:
            return
        connection.execute_wrappers.append(self.execute)
        commit = connection._commit

        def counted_commit() -> None:
            number = self.begin("COMMIT", connection)
            commit()
            self.reach(f"{number}:after", connection)

        connection._commit = counted_commit  # type: ignore[method-assign]


def cut(connection: BaseDatabaseWrapper) -> None:
    """Lose the connection and, with it, whatever the server has answered."""
    wrapper: Any = connection
    with socket.socket(fileno=os.dup(wrapper.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    raise OperationalError("lost") from wrapper.Database.OperationalError("the connection is closed")


class Counting(AppConfig):
    """Attaches one counter to every connection of the process."""

    name = "tests.projects.counting"

    def ready(self) -> None:
        self.counter = Counter()
        connection_created.connect(self.counter.attach)

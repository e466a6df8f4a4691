from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

PLACES = {"KILL_AT": signal.SIGKILL, "STOP_AT": signal.SIGSTOP}


class Counter:
    """Counts over all connections, in the order in which the statements are sent."""

    def __init__(self) -> None:
        self.count = 0

    def execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Count a statement; for `connection.execute_wrappers`."""
        self.begin(sql)
        try:
            return execute(sql, params, many, context)
        finally:
            self.reach("after")

    def begin(self, sql: str) -> None:
        """Write the statement down and, if this is the place, die before it."""
        self.count += 1
        if path := os.environ.get("COUNT_TO"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"\n#{self.count} {' '.join(str(sql).split())}\n")
        self.reach("before")

    def reach(self, side: str) -> None:
        """Die, or stop, if this is the place."""
        for variable, number in PLACES.items():
            if os.environ.get(variable) == f"{self.count}:{side}":
                os.kill(os.getpid(), number)

    def attach(self, *, connection: BaseDatabaseWrapper, **_: Any) -> None:
        """Count what is sent through a connection that was just made."""
        if self.execute in connection.execute_wrappers:
            return
        connection.execute_wrappers.append(self.execute)
        commit = connection._commit

        def counted_commit() -> None:
            self.begin("COMMIT")
            commit()
            self.reach("after")

        connection._commit = counted_commit  # type: ignore[method-assign]


class Counting(AppConfig):
    """Attaches one counter to every connection of the process."""

    name = "tests.projects.counting"

    def ready(self) -> None:
        self.counter = Counter()
        connection_created.connect(self.counter.attach)

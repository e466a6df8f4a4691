"""What the sessions of a run are set to while it lasts: their waits end, and they leave nothing behind.

A session that Django makes anew is set up as the first one was. Behind a pooler no session is ours to set, and each
statement may go to another one: there, one that is not in a transaction gets one of its own, in which it waits no
longer than it would elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.databases.statement_kinds import reads, writes_rows

LOCK_TIMEOUT = "lock_timeout"

# What is set is read together with whether the session is ours: a pooler makes up the backend's pid.
SESSION = """
    SELECT pg_backend_pid(), array_agg(name), array_agg(current_setting(name))
    FROM unnest(%s::text[]) AS name WHERE current_setting(name, true) IS NOT NULL
"""


def session_of(connection: BaseDatabaseWrapper, names: Iterable[str]) -> tuple[int, dict[str, str]]:
    """Return the backend's pid, and what those of some settings are that the server knows."""
    with connection.cursor() as cursor:
        cursor.execute(SESSION, [list(names)])
        pid, known, settings = cursor.fetchone()
    return pid, dict(zip(known or (), settings or (), strict=True))


class ConfigurableDatabase(Protocol):
    """The database whose connection is watched over."""

    alias: str

    @property
    def connection(self) -> BaseDatabaseWrapper: ...

    def configure(self, settings: Mapping[str, str], *, local: bool) -> None: ...

    def has_transaction_open(self) -> bool: ...


class SessionGuard:
    """Sets sessions up and back."""

    def __init__(self, database: ConfigurableDatabase) -> None:
        self.database = database
        self._settings: Mapping[str, str] = {}
        # The driver's connection that is set up, and what its session was before.
        self._before: tuple[object, Mapping[str, str]] | None = None
        # Of which one it is known whether a pooler is in between, and whether one is.
        self._pooled: tuple[object, bool] = (None, False)

    @property
    def is_pooled(self) -> bool:
        """Return whether a pooler stands between us and the server."""
        connection = self.database.connection
        connection.ensure_connection()
        own: Any = connection.connection
        if self._pooled[0] is not own:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pooled = (own, cursor.fetchone()[0] != own.info.backend_pid)
        return self._pooled[1]

    @property
    def is_known_pooled(self) -> bool:
        """Return whether the connection that there was last is known to lead through a pooler."""
        return self._pooled[1]

    @contextlib.contextmanager
    def holding(self, settings: Mapping[str, str]) -> Iterator[None]:
        """Have every session that is set up within the block set to `settings`."""
        self._settings = settings
        try:
            with self.database.connection.execute_wrapper(self._bound):
                yield
        finally:
            self._settings = {}
            self._set_back()

    def set_up(self) -> None:
        """Set the session up, once for each connection, where there is a session of our own."""
        connection = self.database.connection
        own: Any = connection.connection
        if not self._settings or connection.in_atomic_block or (self._before or (None,))[0] is own:
            return
        pid, before = session_of(connection, self._settings)
        self._pooled = (own, pid != own.info.backend_pid)
        if pid == own.info.backend_pid:
            self._before = (own, before)
            self.database.configure(self._settings, local=False)

    def _set_back(self) -> None:
        connection = self.database.connection
        before, self._before = self._before, None
        if before is not None and before[0] is connection.connection and not connection.in_atomic_block:
            with contextlib.suppress(Error):
                self.database.configure(before[1], local=False)

    def _bound(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        connection = self.database.connection
        is_lent = self._pooled == (connection.connection, True) and not connection.in_atomic_block
        # Somebody may have sent BEGIN, of which Django does not know.
        is_lent = is_lent and not self.database.has_transaction_open()
        # Django puts each query of a union in brackets.
        text = str(sql).lstrip("( ")
        if not is_lent or LOCK_TIMEOUT not in self._settings or not (reads(text) or writes_rows(text)):
            return execute(sql, params, many, context)
        with atomic(using=self.database.alias):
            self.database.configure({LOCK_TIMEOUT: self._settings[LOCK_TIMEOUT]}, local=True)
            return execute(sql, params, many, context)

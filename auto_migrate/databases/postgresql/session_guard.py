"""What the sessions of a run are set to while it lasts: their waits end, and they leave nothing behind.

A session that Django makes anew is set up as the first one was. Behind a pooler no session is ours to set, and each
statement may go to another one: there, one that is not in a transaction gets one of its own, in which it waits no
longer than it would elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.psycopg_any import is_psycopg3
from django.db.transaction import atomic

from auto_migrate.databases.postgresql.session_settings import HISTORY, OWN, may_be_swayed, own_session, session_of
from auto_migrate.databases.statement_kinds import reads, writes_rows

LOCK_TIMEOUT = "lock_timeout"
# In a session without any limit; for the statement behind it in the same text, since these are one transaction.
LIMIT = "SELECT set_config('lock_timeout', '{}', true) WHERE current_setting('lock_timeout') = '0'; "
# Marks an error of a statement that was about the history, or about Django's record.
OF_HISTORY = "auto_migrate_of_history"


class ConfigurableDatabase(Protocol):
    """The database whose connection is watched over."""

    alias: str

    @property
    def connection(self) -> BaseDatabaseWrapper: ...

    def configure(self, settings: Mapping[str, str], *, local: bool) -> dict[str, str]: ...

    def has_transaction_open(self) -> bool: ...


class SessionGuard:
    """Sets sessions up and back."""

    def __init__(self, database: ConfigurableDatabase) -> None:
        self.database = database
        self._settings: Mapping[str, str] = {}
        self._patience = ""
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
    def holding(self, settings: Mapping[str, str], patience: str) -> Iterator[None]:
        """Have every session that is set up within the block set to `settings`.

        Statements about the history wait for `patience` at the longest, whatever the session does.
        """
        self._settings, self._patience = settings, patience
        try:
            with (
                self.database.connection.execute_wrapper(self._own),
                self.database.connection.execute_wrapper(self._bound),
            ):
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

    @contextlib.contextmanager
    def limited(self, settings: Mapping[str, str], claimed: set[str] | None = None) -> Iterator[None]:
        """Set and set back, in the transaction if there is one, else in the session unless it is a pooled one.

        What the block itself sets in the session stays, and is `claimed`: a limit that is claimed is left alone.
        """
        connection = self.database.connection
        local = connection.in_atomic_block
        if not local and self.is_pooled:
            # Another client would inherit the setting, and the next statement may go to another session anyway.
            yield
            return
        claimed = set() if claimed is None else claimed
        _pid, before = session_of(connection, settings)
        # What has no limit gets one.
        wanted = {name: limit for name, limit in settings.items() if name not in claimed or before.get(name) == "0"}
        ours = self.database.configure(wanted, local=local)
        try:
            yield
        finally:
            if connection.connection is not None and not connection.needs_rollback:
                with contextlib.suppress(Error):
                    self._give_back(before, ours, claimed, local=local)

    def _give_back(self, before: Mapping[str, str], ours: Mapping[str, str], claimed: set[str], *, local: bool) -> None:
        changed = set[str]()
        if not local:
            if self.database.has_transaction_open():
                # Somebody has sent BEGIN, and may be about to say what kind of transaction it is: nothing may be asked.
                return
            _pid, now = session_of(self.database.connection, ours)
            changed = {name for name, setting in now.items() if setting != ours[name]}
            claimed |= changed
        self.database.configure({name: before[name] for name in ours if name not in changed}, local=local)

    def _own(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Carry out what reads or writes our own tables as if no migration had set anything, and have its wait end."""
        text, connection = str(sql), self.database.connection
        is_plain = LOCK_TIMEOUT in self._settings and not may_be_swayed(connection)
        try:
            if is_plain or OWN.search(text) is None:
                return execute(sql, params, many, context)
            with own_session(connection), self._ending(text, many=many) as limit:
                result = execute(limit + text if limit else sql, params, many, context)
                if limit and is_psycopg3:
                    context["cursor"].nextset()
                return result
        except Error as error:
            if OWN.search(text) is not None:
                setattr(error, OF_HISTORY, True)
            raise

    @contextlib.contextmanager
    def _ending(self, sql: str, *, many: bool) -> Iterator[str]:
        """Have a wait for the history end where sessions have no limit; the record is the migrations' own.

        Return what is to stand in front of the statement for that, in the same round trip, if anything.
        """
        connection = self.database.connection
        if LOCK_TIMEOUT in self._settings or HISTORY.search(sql) is None:
            yield ""
        elif (
            many
            or connection.in_atomic_block
            or self.database.has_transaction_open()
            or connection.features.uses_server_side_binding  # type: ignore[attr-defined] # PostgreSQL has it
        ):
            with self.limited({LOCK_TIMEOUT: self._patience}):
                yield ""
        else:
            yield LIMIT.format(self._patience)

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

"""One question to the database, asked by a thread that is lent a connection, and taken back where it hangs.

A network that swallows what is sent leaves a thread waiting for an answer for as long as the system's own timeouts
take, which is hours. So whoever gives up shuts the connection's socket, which ends the wait at once; a connection that
is only being made has a short `connect_timeout` of its own.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from django.db import Error, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from auto_migrate.databases.sockets import duplicate, hurried
from auto_migrate.planning.schema_state import QuickState
from auto_migrate.web import probe_connection

# Seconds that a probe gives a connection to come about: whoever is given up must not wait on for long.
CONNECT_TIMEOUT = 5

_asking = threading.local()


class BoundedQuery:
    """A question that is put on a connection of the caller's, on the kept one or on one of its own."""

    def __init__(self, own: BaseDatabaseWrapper, ask: Callable[[str], QuickState], *, borrow: bool = True) -> None:
        self.own = own
        self.ask = ask
        # Whoever asks anew must not do so over what hangs already.
        self.borrow = borrow
        self.lent: BaseDatabaseWrapper | None = None
        self.given_up = False
        self._socket: socket.socket | None = None
        # Held while the connection changes hands, between the thread that asks and the one that waits for it.
        self._handing_over = threading.Lock()

    def carry_out(self) -> QuickState:
        """Ask, in a thread made for it."""
        connection = self._lend()
        connection.inc_thread_sharing()
        connections[self.own.alias] = connection
        _asking.query = self
        try:
            with hurried(connection, CONNECT_TIMEOUT):
                found = self.ask(self.own.alias)
        finally:
            _asking.query = None
            self._give_back(connection)
        if self.borrow:
            probe_connection.note_served(connection)
        return found

    def give_up(self) -> bool:
        """End the wait for the answer; return whether the caller's own connection went with it."""
        with self._handing_over:
            self.given_up = True
            lent = self.lent
            if lent is None:
                return False
            vars(lent)["connect"] = _refuse
            probe_connection.drop(lent)
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            return lent is self.own

    def note_socket(self, connection: BaseDatabaseWrapper) -> None:
        """Keep a handle of the connection's socket, which stays this one's even if the connection is closed."""
        with self._handing_over:
            if connection is self.lent:
                self._close_socket()
                self._socket = duplicate(connection)
                if self.given_up and self._socket is not None:
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _lend(self) -> BaseDatabaseWrapper:
        with self._handing_over:
            # Whoever gave up before this thread came to run uses its connection for other work by now.
            borrowed = self.borrow and not self.given_up
            self.lent = probe_connection.choose(self.own) if borrowed else self.own.copy()
            self._socket = duplicate(self.lent)
            return self.lent

    def _give_back(self, connection: BaseDatabaseWrapper) -> None:
        with self._handing_over:
            self._close_socket()
            if self.given_up or not self.borrow:
                with contextlib.suppress(Error):
                    connection.close()
            connection.dec_thread_sharing()
            self.lent = None

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _refuse(*_arguments: Any, **_options: Any) -> NoReturn:
    raise OperationalError("This question was given up.")


def _note(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    inquiry: BoundedQuery | None = getattr(_asking, "query", None)
    if inquiry is not None:
        inquiry.note_socket(connection)


connection_created.connect(_note, dispatch_uid="auto_migrate.web.bounded_query")

"""The socket behind a connection: noticing a peer that vanished, and ending a wait that nothing else would end.

A host that loses its network or its power says nothing to anybody. Unless TCP is told to ask, the system asks after two
hours: until then the one side waits for an answer, and the other keeps the locks of the transaction that it waits for.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

# Seconds of silence before TCP asks, between two questions, and how many may go unanswered: 30 s in all. What was sent
# and is not confirmed for as long ends the connection too.
IDLE, INTERVAL, COUNT = 15, 5, 3
UNCONFIRMED = IDLE + INTERVAL * COUNT

# How long a connection may take to come about, and how long it may take to say whether it can be used, in seconds.
CONNECT_TIMEOUT = 10

# The same at the server's end, where a vanished client would otherwise keep its locks.
SERVER_SETTINGS: Mapping[str, str] = {
    "tcp_keepalives_idle": str(IDLE),
    "tcp_keepalives_interval": str(INTERVAL),
    "tcp_keepalives_count": str(COUNT),
    "tcp_user_timeout": f"{UNCONFIRMED}s",
}

# Not every operating system has each of them.
CLIENT_OPTIONS = {
    "TCP_KEEPIDLE": IDLE,
    "TCP_KEEPINTVL": INTERVAL,
    "TCP_KEEPCNT": COUNT,
    "TCP_USER_TIMEOUT": 1000 * UNCONFIRMED,
}

# Those whose driver knows the option `connect_timeout`.
VENDORS = frozenset({"postgresql", "mysql"})


def duplicate(connection: BaseDatabaseWrapper) -> socket.socket | None:
    """Return a second handle of the socket behind an open connection; None where there is none to be had."""
    fileno = getattr(connection.connection, "fileno", None)
    if connection.vendor not in VENDORS or fileno is None:
        return None
    try:
        return socket.socket(fileno=os.dup(fileno()))
    except Exception:  # noqa: BLE001 # each driver has its own error for a connection that is closed
        return None


def keep_alive(connection: BaseDatabaseWrapper) -> None:
    """Let this end of an open connection notice within half a minute that the other one has vanished."""
    handle = duplicate(connection)
    if handle is None:
        return
    with handle:
        if handle.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in CLIENT_OPTIONS.items():
            with contextlib.suppress(AttributeError, OSError):
                handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@contextlib.contextmanager
def hurried(connection: BaseDatabaseWrapper, seconds: int) -> Iterator[None]:
    """Bound how long the connection may take to come about, if it is made here; a shorter bound stays."""
    usual = connection.settings_dict
    options: dict[str, Any] = usual["OPTIONS"]
    if connection.vendor in VENDORS and "pool" not in options:
        # The dict itself is shared by the connections of all threads.
        connection.settings_dict = {**usual, "OPTIONS": {**options, "connect_timeout": bounded(options, seconds)}}
    try:
        yield
    finally:
        connection.settings_dict = usual


def bounded(options: Mapping[str, Any], seconds: int) -> Any:
    """Return the project's `connect_timeout` if it is shorter, or is none that can be read, else `seconds`."""
    timeout = options.get("connect_timeout")
    if timeout is None:
        return seconds
    try:
        # Zero and less are no limit. A text stays one, since not every driver takes it.
        return timeout if 0 < int(timeout) <= seconds else type(timeout)(seconds)
    except (TypeError, ValueError):
        # The driver says what is wrong with it.
        return timeout


@contextlib.contextmanager
def ended_after(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """End whatever the block waits for over a connection when it takes longer, what Django sends first included."""
    if connection.vendor not in VENDORS:
        yield
        return
    handle, ended = duplicate(connection), threading.Event()

    def watch() -> None:
        # While the driver connects there is none to be had, and that has a limit of its own.
        while not ended.wait(seconds):
            if (found := handle or duplicate(connection)) is not None:
                with contextlib.suppress(OSError), found:
                    found.shutdown(socket.SHUT_RDWR)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        if handle is not None:
            handle.close()

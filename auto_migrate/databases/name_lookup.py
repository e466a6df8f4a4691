"""Looking up a server's name, for which drivers wait as long as the system's resolver does: half a minute is common."""

from __future__ import annotations

import contextlib
import socket
import threading

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

_guard = threading.Lock()
# One thread a name, however many ask: a resolver that is silent leaves no more than that behind.
_lookups: dict[str, threading.Thread] = {}


def await_address(connection: BaseDatabaseWrapper, seconds: float) -> None:
    """Return when the name of a connection's server is known, or known to be none; raise `OperationalError` too late.

    What is wrong with it, the driver says.
    """
    host = str(connection.settings_dict.get("HOST") or "")
    if not host or host.startswith("/"):
        return
    with _guard:
        lookup = _lookups.get(host)
        # In a process that was forked meanwhile, nobody carries out what its parent has begun.
        if lookup is None or not lookup.is_alive():
            lookup = _lookups[host] = threading.Thread(target=_look_up, args=[host], daemon=True)
            lookup.start()
    lookup.join(seconds)
    if lookup.is_alive():
        raise OperationalError(f"the name {host!r} was not resolved within {seconds:g} s")


def _look_up(host: str) -> None:
    with contextlib.suppress(OSError, UnicodeError):
        socket.getaddrinfo(host, None)

"""The SQLSTATE with which PostgreSQL refuses a connection, which libpq passes on to nobody.

An error at connecting comes as text in the server's language. The protocol has the code all the same, and libpq's own
trace of the protocol shows it.
"""

from __future__ import annotations

import os
import re
import select
from typing import Any

CONNINFO = frozenset(
    {"host", "port", "user", "password", "dbname", "service", "connect_timeout"}
    | {"sslmode", "sslrootcert", "sslcert", "sslkey"}
)
PATIENCE = 5.0


def refused_sqlstate(parameters: dict[str, Any]) -> str | None:
    """Connect once more, with the trace on, and return the SQLSTATE with which the server refuses.

    None where it cannot be had: psycopg2, an operating system without the call, no answer within five seconds, or a
    server that lets us in this time. The trace shows what was sent, and is kept in memory only.
    """
    try:
        trace = os.memfd_create("libpq-trace")
    except (AttributeError, OSError):
        return None
    try:
        _connect(parameters, trace)
        with open(os.dup(trace), encoding="utf-8", errors="replace") as lines:
            lines.seek(0)
            found = re.findall(r'\bErrorResponse\b.*? C "([0-9A-Z]{5})" M ', lines.read())
    except Exception:  # noqa: BLE001 # a diagnosis must not fail louder than what it is to explain
        return None
    finally:
        os.close(trace)
    return found[-1] if found else None


def _connect(parameters: dict[str, Any], trace: int) -> None:
    from psycopg import pq
    from psycopg.conninfo import make_conninfo

    words = {name: value for name, value in parameters.items() if isinstance(value, str | int) and name in CONNINFO}
    connection = pq.PGconn.connect_start(make_conninfo("", **words).encode())
    try:
        connection.trace(trace)
        _poll(connection, pq)
        # Only this writes out what libpq has buffered.
        connection.untrace()
    finally:
        connection.finish()


def _poll(connection: Any, pq: Any) -> None:
    wanted = {pq.PollingStatus.READING: select.POLLIN, pq.PollingStatus.WRITING: select.POLLOUT}
    status = connection.connect_poll()
    while status in wanted:
        poller = select.poll()
        poller.register(connection.socket, wanted[status])
        if not poller.poll(PATIENCE * 1000):
            return
        status = connection.connect_poll()

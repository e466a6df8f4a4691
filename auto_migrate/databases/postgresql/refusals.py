"""The SQLSTATE with which PostgreSQL refuses a connection, which libpq passes on to nobody.

An error at connecting comes as text in the server's language. The protocol has the code all the same, and libpq's own
trace of the protocol shows it.
"""

from __future__ import annotations

import os
import re
import select
from typing import Any

from auto_migrate.databases.faults import FaultKind

CONNINFO = frozenset(
    {"host", "port", "user", "password", "dbname", "service", "connect_timeout"}
    | {"sslmode", "sslrootcert", "sslcert", "sslkey"}
)
PATIENCE = 5.0

# protocol_violation, which PgBouncer says of whatever it refuses: its words tell, which it speaks in English alone.
POOLERS_ONLY = "08P01"
# What a server says of settings that come with the connection: data exceptions, and names that it does not know.
OF_SETTINGS = frozenset({"22", "42"})

# What libpq and psycopg say where `connect_timeout` has passed.
TIMED_OUT = "timeout expired"

# libpq's own words (it ships without translations in the driver's wheels), for what never reached a server.
LIBPQ_WORDS = (
    (re.compile(r"certificate|does not support SSL|SSL was required|sslmode value", re.IGNORECASE), FaultKind.TLS),
    (
        re.compile(
            r"invalid (port|connection option|integer|URI|percent-encoded|\w+ value:)|missing \"=\"|unterminated|"
            r"service (file )?\"[^\"]*\" not found|in service file|could not match \d+ |out of memory parsing",
            re.IGNORECASE,
        ),
        FaultKind.BAD_ADDRESS,
    ),
    (re.compile(r"statement pooling mode"), FaultKind.POOL_MODE),
    (re.compile(r"unsupported startup parameter|unrecognized configuration parameter"), FaultKind.BAD_ADDRESS),
    # Only where no SQLSTATE can be had (psycopg2, or a platform that does not tell which libpq is loaded), or none that
    # says anything.
    (
        re.compile(r"authentication failed|no pg_hba.conf entry|no password supplied|no such user"),
        FaultKind.CREDENTIALS,
    ),
    (re.compile(r"database \".*\" does not exist|no such database"), FaultKind.NO_DATABASE),
    (re.compile(r"role \".*\" (does not exist|is not permitted)"), FaultKind.CREDENTIALS),
    (re.compile(r"the database system is |shutting down|suspended"), FaultKind.STARTING),
    (
        re.compile(r"too many (clients|connections)|remaining connection slots|no more connections allowed"),
        FaultKind.TOO_MANY_CONNECTIONS,
    ),
    (
        re.compile(r"closed the connection unexpectedly|connection (is|was|already) (lost|closed)|reset by peer"),
        FaultKind.CONNECTION_LOST,
    ),
)


def kind_of_words(detail: str) -> FaultKind | None:
    """Return what a text of libpq's or of a pooler's says."""
    return next((kind for words, kind in LIBPQ_WORDS if words.search(detail)), None)


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

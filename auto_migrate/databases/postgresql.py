"""PostgreSQL: readiness, faults by SQLSTATE, and what a migration's transaction is set up with."""

from __future__ import annotations

import os
import re
import select
from typing import Any

from django.db import Error, InterfaceError, OperationalError
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database, DeployLock, NoLock
from auto_migrate.databases.faults import Fault, Kind, causes, first_line
from auto_migrate.databases.postgresql_lock import AdvisoryLock
from auto_migrate.exceptions import PassingFault

# https://www.postgresql.org/docs/current/errcodes-appendix.html; a class (two characters) stands for all its codes.
KINDS = {
    "08": Kind.CONNECTION_LOST,
    "25006": Kind.READ_ONLY,
    "25P03": Kind.CONNECTION_LOST,  # idle_in_transaction_session_timeout
    "25P04": Kind.CONNECTION_LOST,  # transaction_timeout
    "28": Kind.CREDENTIALS,
    "3D000": Kind.NO_DATABASE,
    "40001": Kind.DEADLOCK,
    "40P01": Kind.DEADLOCK,
    "42501": Kind.NO_PERMISSION,
    "53300": Kind.FULL,
    "55P03": Kind.LOCK_TIMEOUT,
    "57014": Kind.STATEMENT_TIMEOUT,
    "57P01": Kind.CONNECTION_LOST,  # admin_shutdown
    "57P02": Kind.CONNECTION_LOST,  # crash_shutdown
    "57P03": Kind.STARTING,
    "57P05": Kind.CONNECTION_LOST,  # idle_session_timeout
}

# libpq's own words (it ships without translations in the driver's wheels), for what never reached a server.
LIBPQ_WORDS = (
    (re.compile(r"certificate|does not support SSL|SSL was required|sslmode value", re.IGNORECASE), Kind.TLS),
    (re.compile(r"invalid (port|connection option|integer|URI)|missing \"=\"", re.IGNORECASE), Kind.BAD_ADDRESS),
    # Only where no SQLSTATE can be had: psycopg2, or a platform on which libpq cannot trace.
    (re.compile(r"authentication failed|no pg_hba.conf entry|no password supplied"), Kind.CREDENTIALS),
    (re.compile(r"database \".*\" does not exist"), Kind.NO_DATABASE),
    (re.compile(r"role \".*\" (does not exist|is not permitted)"), Kind.CREDENTIALS),
    (re.compile(r"the database system is "), Kind.STARTING),
    (re.compile(r"too many (clients|connections)|remaining connection slots"), Kind.FULL),
    (
        re.compile(r"closed the connection unexpectedly|connection (is|was|already) (lost|closed)|reset by peer"),
        Kind.CONNECTION_LOST,
    ),
)


class PostgreSQL(Database):
    """PostgreSQL 13 or newer, with psycopg 3 or 2, directly or behind a pooler."""

    vendor = "postgresql"

    def check_writable(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean")
            (read_only,) = cursor.fetchone()
        if read_only:
            raise PassingFault(_(Kind.READ_ONLY.value))

    def fault_of(self, error: BaseException) -> Fault | None:
        for cause in causes(error):
            if sqlstate := sqlstate_of(cause):
                kind = KINDS.get(sqlstate) or KINDS.get(sqlstate[:2])
                return Fault(kind, first_line(cause)) if kind else None
        if isinstance(error, OperationalError | InterfaceError):
            return self._fault_without_sqlstate(error)
        return None

    def _fault_without_sqlstate(self, error: Error) -> Fault:
        """Tell what a failed or lost connection means: libpq does not pass on the SQLSTATE of a refused one."""
        detail = first_line(error)
        if "FATAL" in detail or "failed:" in detail:
            sqlstate = traced_sqlstate(self.connection.get_connection_params()) or ""
            if kind := KINDS.get(sqlstate) or KINDS.get(sqlstate[:2]):
                return Fault(kind, detail)
        for words, kind in LIBPQ_WORDS:
            if words.search(detail):
                return Fault(kind, detail)
        return Fault(Kind.UNREACHABLE, detail)

    def deploy_lock(self, runner: str) -> DeployLock:
        return NoLock() if get_settings().LOCK == "none" else AdvisoryLock(self, runner)

    def version(self) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            return str(cursor.fetchone()[0])


def sqlstate_of(error: BaseException) -> str | None:
    """Give the SQLSTATE that a driver's error carries: psycopg 3 names it `sqlstate`, psycopg2 `pgcode`."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def traced_sqlstate(parameters: dict[str, Any]) -> str | None:
    """Connect once more with libpq's protocol trace on, and give the SQLSTATE with which the server refuses.

    The trace is kept in memory only, since it shows what was sent. None where it cannot be had: psycopg2, an operating
    system without the call, no answer within five seconds, or a server that lets us in this time.
    """
    try:
        from psycopg import pq
        from psycopg.conninfo import make_conninfo

        trace = os.memfd_create("libpq-trace")
    except (ImportError, AttributeError, OSError):
        return None
    words = {name: value for name, value in parameters.items() if isinstance(value, str | int) and name in CONNINFO}
    try:
        connection = pq.PGconn.connect_start(make_conninfo("", **words).encode())
        try:
            connection.trace(trace)
            _poll(connection, pq)
        finally:
            connection.finish()
        with os.fdopen(os.dup(trace), encoding="utf-8", errors="replace") as lines:
            lines.seek(0)
            found = re.findall(r'\bErrorResponse\b.*? C "([0-9A-Z]{5})" M ', lines.read())
        return found[-1] if found else None
    except Exception:  # noqa: BLE001 # a diagnosis must not fail louder than what it is to explain
        return None
    finally:
        os.close(trace)


CONNINFO = frozenset(
    {
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "connect_timeout",
        "service",
    }
)


def _poll(connection: Any, pq: Any, *, patience: float = 5.0) -> None:
    wanted = {pq.PollingStatus.READING: select.POLLIN, pq.PollingStatus.WRITING: select.POLLOUT}
    status = connection.connect_poll()
    while status in wanted:
        poller = select.poll()
        poller.register(connection.socket, wanted[status])
        if not poller.poll(patience * 1000):
            return
        status = connection.connect_poll()

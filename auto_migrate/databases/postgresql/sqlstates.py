"""What PostgreSQL's codes of errors mean for a run, and where a driver's error has them."""

from __future__ import annotations

from auto_migrate.databases.faults import FaultKind

# https://www.postgresql.org/docs/current/errcodes-appendix.html; a class (two characters) stands for all its codes.
KINDS = {
    "08": FaultKind.CONNECTION_LOST,
    "25006": FaultKind.READ_ONLY,
    "25P03": FaultKind.CONNECTION_LOST,  # idle_in_transaction_session_timeout
    "25P04": FaultKind.CONNECTION_LOST,  # transaction_timeout
    "28": FaultKind.CREDENTIALS,
    "3D000": FaultKind.NO_DATABASE,
    "40001": FaultKind.DEADLOCK,
    "40P01": FaultKind.DEADLOCK,
    "42501": FaultKind.NO_PERMISSION,
    "53300": FaultKind.TOO_MANY_CONNECTIONS,
    "55P03": FaultKind.LOCK_TIMEOUT,
    "57P01": FaultKind.CONNECTION_LOST,  # admin_shutdown
    "57P02": FaultKind.CONNECTION_LOST,  # crash_shutdown
    "57P03": FaultKind.STARTING,
    "57P05": FaultKind.CONNECTION_LOST,  # idle_session_timeout
}


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE that a driver's error carries: psycopg 3 names it `sqlstate`, psycopg2 `pgcode`."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)

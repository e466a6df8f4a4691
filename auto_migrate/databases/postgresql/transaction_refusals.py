"""Statements that PostgreSQL does not carry out within a transaction."""

from __future__ import annotations

from auto_migrate.databases.faults import causes
from auto_migrate.databases.postgresql.sqlstates import sqlstate_of

# What cannot be in a transaction (active_sql_transaction), or ends its own (invalid_transaction_termination).
OUTSIDE = frozenset({"25001", "2D000"})


def refuses_transaction(error: BaseException) -> bool:
    """Return whether a statement was refused for the transaction that it was in, and for nothing else."""
    return any(sqlstate_of(cause) in OUTSIDE for cause in causes(error))

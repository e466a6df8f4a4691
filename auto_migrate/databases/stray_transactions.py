"""Transactions that code of others leaves open on the connection that works: all that follows would be lost in them."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db import Error

from auto_migrate.databases.base import Database


def is_left_open(database: Database) -> bool:
    """Return whether a transaction is open, or the next statement would open one that nobody ends."""
    connection = database.connection
    if connection.connection is None:
        return connection.in_atomic_block
    return connection.in_atomic_block or not connection.autocommit or database.has_transaction_open()


def leave_session(database: Database) -> None:
    """Get a session in which what failed has set nothing: a role, a search path, a transaction of its own."""
    connection: Any = database.connection
    if connection.in_atomic_block:
        # Django's editor for SQLite checks constraints before it leaves its transaction, and stays in it if that fails.
        connection.in_atomic_block = connection.needs_rollback = False
        connection.savepoint_ids, connection.atomic_blocks = [], []
        with contextlib.suppress(Error):
            connection.rollback()
            connection.set_autocommit(True)
    if connection.closed_in_transaction:
        connection.connection = None
    database.discard_connection()

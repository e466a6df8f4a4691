"""What bounds the transaction of one batch, so that it ends although somebody is in its way or it was too large."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

from django.db import Error
from django.db.migrations.recorder import MigrationRecorder

from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.faults import causes

# Of the time that a batch shall take. Together with reading its keys it stays below twice that time.
LONGEST = 1.5
# Seconds after which the server ends the transaction of a worker that was stopped in it, and with it its locks.
IDLE = 60.0
# How servers say that a statement took too long: SQLSTATE of PostgreSQL, numbers of MariaDB.
TOO_LONG = frozenset({"57014", 1969})


def limit_batch(database: Database, target: float, *, cut_short: bool, computes: bool) -> None:
    """Bound the transaction that was just begun; `cut_short` ends a statement that takes too long.

    Nothing of it outlives the transaction, so that a pooled connection goes back without a trace.
    """
    if database.vendor == "postgresql":
        _limit_postgresql(database, target, cut_short=cut_short, computes=computes)
    elif database.vendor == "sqlite":
        # A transaction that begins by reading, and writes then, is refused at once while another one writes.
        table = database.connection.ops.quote_name(MigrationRecorder.Migration._meta.db_table)
        with database.connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE 0")  # noqa: S608 # Django's own table
    elif getattr(database.connection, "mysql_is_mariadb", False):
        with database.connection.cursor() as cursor:
            cursor.execute("SET SESSION max_statement_time = %s", [target * LONGEST if cut_short else 0])


def _limit_postgresql(database: Any, target: float, *, cut_short: bool, computes: bool) -> None:
    from auto_migrate.databases.postgresql.adapter import NOTICE_DEAD_CLIENTS, milliseconds

    settings = {
        **NOTICE_DEAD_CLIENTS,
        "lock_timeout": milliseconds(min(get_settings().LOCK_TIMEOUT_CEILING, target)),
        "statement_timeout": milliseconds(target * LONGEST) if cut_short else "0",
    }
    if not computes:
        settings["idle_in_transaction_session_timeout"] = milliseconds(max(IDLE, 10 * target))
    database.configure(settings, local=True)


@contextlib.contextmanager
def session_kept(database: Database, target: float) -> Iterator[None]:
    """Bound waits for rows where only a session can, and set back at the end what the batches have set."""
    if database.vendor != "mysql":
        yield
        return
    names = ["innodb_lock_wait_timeout"]
    if getattr(database.connection, "mysql_is_mariadb", False):
        names.append("max_statement_time")
    with database.connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'@@SESSION.{name}' for name in names)}")
        before = cursor.fetchone()
        cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", [max(1, math.floor(target))])
    try:
        yield
    finally:
        if database.connection.connection is not None:
            with contextlib.suppress(Error), database.connection.cursor() as cursor:
                cursor.execute(f"SET {', '.join(f'SESSION {name} = %s' for name in names)}", before)


def took_too_long(error: BaseException) -> bool:
    """Return whether the server ended a statement since it took too long."""
    for cause in causes(error):
        code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or next(iter(cause.args), None)
        if isinstance(code, str | int) and code in TOO_LONG:
            return True
    return False

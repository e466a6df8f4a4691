"""For whom a session of MySQL or MariaDB waits, as far as the server tells that to the account that asks.

Each of the two tells it in places of its own, some of which are plugins or are switched off, and most of which want the
privilege PROCESS. They are asked one after the other, and what is exact comes before what is only likely.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.databases.session_waits import blocker_of

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from auto_migrate.values import Blocker

# What a session waits for that is no row, and since when.
STATE = "SELECT state, time FROM information_schema.processlist WHERE id = %s"
# How the server calls waits for tables, their definitions and the locks of whole servers.
OF_TABLES = "Waiting for "
ROWS_AWAITED = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT'"

HOLDERS = (
    # Rows, of MariaDB.
    """
    SELECT DISTINCT holder.trx_mysql_thread_id FROM information_schema.innodb_lock_waits AS wait
    JOIN information_schema.innodb_trx AS waiter ON waiter.trx_id = wait.requesting_trx_id
    JOIN information_schema.innodb_trx AS holder ON holder.trx_id = wait.blocking_trx_id
    WHERE waiter.trx_mysql_thread_id = %s
    """,
    # Rows, of MySQL.
    """
    SELECT DISTINCT holder.processlist_id FROM performance_schema.data_lock_waits AS wait
    JOIN performance_schema.threads AS waiter ON waiter.thread_id = wait.requesting_thread_id
    JOIN performance_schema.threads AS holder ON holder.thread_id = wait.blocking_thread_id
    WHERE waiter.processlist_id = %s
    """,
    # Definitions of tables: where the server keeps account of them, as MySQL does, and MariaDB if it is told to.
    """
    SELECT DISTINCT holder.processlist_id FROM performance_schema.metadata_locks AS wanted
    JOIN performance_schema.threads AS waiter ON waiter.thread_id = wanted.owner_thread_id
    JOIN performance_schema.metadata_locks AS held ON held.object_type = wanted.object_type
     AND held.object_schema <=> wanted.object_schema AND held.object_name <=> wanted.object_name
     AND held.lock_status = 'GRANTED' AND held.owner_thread_id <> wanted.owner_thread_id
    JOIN performance_schema.threads AS holder ON holder.thread_id = held.owner_thread_id
    WHERE wanted.lock_status = 'PENDING' AND waiter.processlist_id = %s
    """,
    # MariaDB's plugin metadata_lock_info knows what is held and not what is wanted: the statement names that.
    """
    SELECT DISTINCT held.thread_id FROM information_schema.metadata_lock_info AS held
    JOIN information_schema.processlist AS waiter ON waiter.id = %s
    WHERE held.thread_id <> waiter.id AND held.table_schema = waiter.db AND held.table_name <> ''
      AND LOCATE(held.table_name, waiter.info) > 0
    """,
    # Whoever has a transaction open in the same database is likely to be in the way of a change of its tables.
    """
    SELECT DISTINCT holder.trx_mysql_thread_id FROM information_schema.innodb_trx AS holder
    JOIN information_schema.processlist AS session ON session.id = holder.trx_mysql_thread_id
    JOIN information_schema.processlist AS waiter ON waiter.id = %s
    WHERE session.id <> waiter.id AND session.db <=> waiter.db AND waiter.state LIKE 'Waiting for %%'
    """,
)
SESSION = """
    SELECT session.user, session.host, session.command,
           (SELECT TIMESTAMPDIFF(SECOND, trx_started, NOW()) FROM information_schema.innodb_trx
            WHERE trx_mysql_thread_id = session.id), session.info
    FROM information_schema.processlist AS session WHERE session.id = %s
"""


def seconds_waited(cursor: CursorWrapper, number: int) -> float | None:
    """Return for how long the session of this number has waited for a lock of others, None if it does not."""
    rows = _rows(cursor, STATE, number) or []
    for state, seconds in rows:
        if str(state or "").startswith(OF_TABLES) or _rows(cursor, ROWS_AWAITED, number):
            return float(seconds or 0)
    return None


def blockers_of(cursor: CursorWrapper, number: int) -> tuple[Blocker, ...]:
    """Return who is in the way of the session of this number, or somebody of whom the account may know nothing."""
    refused = False
    for query in HOLDERS:
        found = _rows(cursor, query, number)
        refused = refused or found is None
        if found:
            return tuple(_described(cursor, row[0]) for row in found)
    return (_nobody_known(),) if refused else ()


def _described(cursor: CursorWrapper, number: int) -> Blocker:
    for user, host, command, age, query in _rows(cursor, SESSION, number) or []:
        return blocker_of((number, f"{user}@{host}", "", command, age, query))
    return blocker_of((number, "", "", "", None, ""))


def _nobody_known() -> Blocker:
    who = _("somebody whom this account may not see: GRANT PROCESS ON *.* TO it")
    return blocker_of((None, who, "", "", None, ""))


def _rows(cursor: CursorWrapper, query: str, number: int) -> Iterable[Any] | None:
    """Return what is found, None where there is no such place, or this account may not look there."""
    try:
        cursor.execute(query, [number])
        return list(cursor.fetchall())
    except Error:
        return None

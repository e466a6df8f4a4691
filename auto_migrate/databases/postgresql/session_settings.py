"""What a session is set to, and our own statements in one that a migration has set to something else.

A search path, a role or a transaction mode that a migration sets outside of its transactions is there for what comes
after it, as with Django's executor; so it stays. What is noted in between has to go where it went before, with the
rights that we had then: for the time of such a statement the session is as it was when the migration began.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from django.utils.regex_helper import _lazy_re_compile

# What is read is read together with whether the session is ours: a pooler makes up the backend's pid.
SESSION = """
    SELECT pg_backend_pid(), array_agg(name), array_agg(current_setting(name))
    FROM unnest(%s::text[]) AS name WHERE current_setting(name, true) IS NOT NULL
"""
# A name that this server does not know (transaction_timeout before 17) is left out. Asking pg_settings instead would
# make the server describe every setting that it has. The answer tells how the server spells each.
CONFIGURE = """
    SELECT json_object_agg(wanted.name, set_config(wanted.name, wanted.setting, %s))
    FROM unnest(%s::text[], %s::text[]) AS wanted(name, setting) WHERE current_setting(wanted.name, true) IS NOT NULL
"""

READ_ONLY = "default_transaction_read_only"
# What would lead a statement of ours elsewhere, have it refused or cut, or have its answer read as another one. Who may
# take a role comes before the role.
SWAYING = (
    "session_authorization",
    "role",
    "search_path",
    READ_ONLY,
    "default_transaction_isolation",
    "row_security",
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
    "client_encoding",
    "standard_conforming_strings",
    "DateStyle",
)
# The tables of the history (see auto_migrate.history.models) and Django's record.
HISTORY_TABLES = "auto_migrate_(run|step|event|bridge|backfill)"
OWN_TABLES = f"({HISTORY_TABLES}|django_migrations)"
HISTORY = _lazy_re_compile(rf"\b{HISTORY_TABLES}\b")
OWN = _lazy_re_compile(rf"\b{OWN_TABLES}\b")


def session_of(connection: BaseDatabaseWrapper, names: Iterable[str]) -> tuple[int, dict[str, str]]:
    """Return the backend's pid, and what those of some settings are that the server knows."""
    with connection.cursor() as cursor:
        cursor.execute(SESSION, [list(names)])
        pid, known, settings = cursor.fetchone()
    return pid, dict(zip(map(_text, known or ()), map(_text, settings or ()), strict=True))


def configure(connection: BaseDatabaseWrapper, settings: Mapping[str, str], *, local: bool) -> dict[str, str]:
    """Set what the server knows of `settings`, for the transaction or the session; return them as the server has them.

    They are set in their order.
    """
    with connection.cursor() as cursor:
        cursor.execute(CONFIGURE, [local, list(settings), list(settings.values())])
        (answer,) = cursor.fetchone()
    told: dict[str, str] = json.loads(_text(answer)) if isinstance(answer, str | bytes) else answer or {}
    return told


def _text(value: Any) -> str:
    """Return a text of the server's; to a client that was set to SQL_ASCII psycopg gives bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _Kept:
    """What a session was set to before a migration could change it, and whether one may have done so since."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self.may_differ = True


# By the driver's connection: the next one has another session.
_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()


def _kept_of(connection: BaseDatabaseWrapper) -> _Kept | None:
    driver: Any = connection.connection
    return None if driver is None or connection.vendor != "postgresql" else _kept.get(driver)


def expect_changes(connection: BaseDatabaseWrapper) -> None:
    """Note that code of a migration's author comes next, and before the first what the session is set to.

    To be called outside of transactions.
    """
    if connection.vendor != "postgresql":
        return
    if (kept := _kept_of(connection)) is not None:
        kept.may_differ = True
    elif not connection.in_atomic_block:
        _pid, settings = session_of(connection, SWAYING)
        _kept[connection.connection] = _Kept(settings)


def look_for_changes(connection: BaseDatabaseWrapper) -> None:
    """Find out, outside of transactions, whether code of a migration's author has left the session as it was."""
    kept = _kept_of(connection)
    if kept is not None and kept.may_differ and not (connection.in_atomic_block or is_in_transaction(connection)):
        # What comes next will meet whatever keeps this from being asked.
        with contextlib.suppress(Error):
            kept.may_differ = bool(_changed(connection, kept))


def _changed(connection: BaseDatabaseWrapper, kept: _Kept) -> dict[str, str]:
    """Return what the session is set to, as far as it was set to something else before."""
    _pid, now = session_of(connection, SWAYING)
    return {name: setting for name, setting in now.items() if setting != kept.settings.get(name, setting)}


def may_be_swayed(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a migration may have set the session to something else."""
    kept = _kept_of(connection)
    return kept is not None and kept.may_differ


@contextlib.contextmanager
def own_session(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have the block's statements carried out as if no migration had set anything in the session.

    Afterwards it is as it was. In a transaction that only reads nothing can be written all the same.
    """
    kept = _kept_of(connection)
    theirs = _changed(connection, kept) if kept and kept.may_differ and not connection.needs_rollback else {}
    if kept is None or not theirs:
        yield
        return
    ours = {name: kept.settings[name] for name in theirs}
    if connection.in_atomic_block or is_in_transaction(connection):
        configure(connection, ours, local=True)
        yield
        # What is set for the transaction ends with it; what was set for the session before is there again then.
        configure(connection, theirs, local=True)
        return
    with atomic(using=connection.alias):
        if READ_ONLY in ours:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ WRITE")
        configure(connection, ours, local=True)
        yield


# What libpq knows of a connection, for every driver (PGTransactionStatusType).
PQTRANS_IDLE, PQTRANS_UNKNOWN = 0, 4


def is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a transaction is certainly open, whoever began it, as far as the client knows."""
    # PQTRANS_UNKNOWN, which is above all others, is of a connection that was lost or closed.
    driver: Any = connection.connection
    return driver is not None and PQTRANS_IDLE < driver.info.transaction_status < PQTRANS_UNKNOWN

"""The connection that the question of a probe is put on.

The request's own is borrowed: one more for probes would be one fewer for the work. Only where such connections turn out
not to outlive their request (`CONN_MAX_AGE = 0`, a thread for each request) does the process keep one for its probes.
"""

from __future__ import annotations

import os
import weakref

from django.db.backends.base.base import BaseDatabaseWrapper

# By process: a connection must be neither used nor closed on both sides of a fork.
_kept: dict[tuple[int, str], BaseDatabaseWrapper] = {}
_served: dict[str, weakref.ref[BaseDatabaseWrapper]] = {}


def choose(own: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return the request's own connection or the kept one; whoever calls sees to it that nobody else does meanwhile."""
    if own.connection is not None:
        return own
    key = (os.getpid(), own.alias)
    if key not in _kept and _was_closed(own.alias):
        _kept[key] = own.copy()
    return _kept.get(key, own)


def note_served(connection: BaseDatabaseWrapper) -> None:
    """Remember what the last answer came over, to see whether it is still open when the next one is wanted."""
    _served[connection.alias] = weakref.ref(connection)


def drop(connection: BaseDatabaseWrapper) -> None:
    """Keep a connection no longer over which no answer came."""
    for key in [key for key, kept in list(_kept.items()) if kept is connection]:
        _kept.pop(key, None)


def forget() -> None:
    """Close what this process keeps, as tests must before their database is dropped."""
    for key in [key for key in _kept if key[0] == os.getpid()]:
        kept = _kept.pop(key)
        kept.inc_thread_sharing()
        kept.close()
    _served.clear()


def _was_closed(alias: str) -> bool:
    if alias not in _served:
        return False
    last = _served[alias]()
    return last is None or last.connection is None

"""A pool of connections that the project's own process keeps: `"pool"` in the OPTIONS of PostgreSQL (Django 5.1)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.sockets import CONNECT_TIMEOUT, VENDORS, bounded


@contextlib.contextmanager
def outside_pool(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let the block's connections be made for it, and closed at its end.

    Whatever closes one of the pool's gives it to somebody else, who would inherit what is set for its session and every
    lock that it holds; and who waits for a place in a pool, or for one that its thread makes, waits without our limits.
    """
    usual = connection.settings_dict
    if not usual["OPTIONS"].get("pool") or connection.in_atomic_block:
        yield
        return
    connection.close()
    # The dict itself is shared by the connections of all threads.
    connection.settings_dict = {
        **usual, "OPTIONS": {name: value for name, value in usual["OPTIONS"].items() if name != "pool"},
    }  # fmt: skip
    try:
        yield
    finally:
        with contextlib.suppress(Error):
            connection.close()
        connection.settings_dict = usual


def copy_outside_pool(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return a connection beside another one, not yet open, which takes no place in the pool and no long time to make.

    The place would be taken for as long as it is used, and with one place in all nobody would go on.
    """
    copy = connection.copy()
    options = copy.settings_dict["OPTIONS"]
    options.pop("pool", None)
    if copy.vendor in VENDORS:
        options["connect_timeout"] = bounded(options, CONNECT_TIMEOUT)
    return copy

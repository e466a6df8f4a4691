"""Databases beside those of the settings, under aliases of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.db.utils import ConnectionHandler

from tests.projects.base_settings import database


@contextlib.contextmanager
def alias(name: str, url: str = "", **settings: Any) -> Iterator[str]:
    """Let this thread know a database by `name` while the block lasts."""
    handler = ConnectionHandler({"default": {}, name: {**(database(url) if url else {}), **settings}})
    connections[name] = handler[name]
    try:
        yield name
    finally:
        own: Any = connections[name]
        if own.connection is not None:
            own.connection.close()
        if own.vendor == "postgresql":
            # Django keeps one pool for each name, and the next test means another database by it.
            own.close_pool()
        del connections[name]

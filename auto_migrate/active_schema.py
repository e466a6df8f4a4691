"""The schema of a tenant that this thread works in, where a database has one for each of its tenants.

What is kept of a run, and the locks by which runners know of each other, are of one schema; so whoever writes or takes
them asks here, and nobody has to be handed a name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_active: ContextVar[str] = ContextVar("auto_migrate_schema", default="")


def active_schema() -> str:
    """Return its name; empty in the schema that all tenants share, and where there are none."""
    return _active.get()


@contextlib.contextmanager
def within_schema(name: str) -> Iterator[None]:
    """Let this thread work in a tenant's schema; an empty name is the one that all share."""
    token = _active.set(name)
    try:
        yield
    finally:
        _active.reset(token)

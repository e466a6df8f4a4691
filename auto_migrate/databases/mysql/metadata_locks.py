"""The locks on the definitions of tables of MySQL and MariaDB, for which even a look at a size may have to wait."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

# In seconds; MySQL takes none below one.
PATIENCE = 1


@contextlib.contextmanager
def impatient(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let statements wait for a second at most for whoever has a table locked or changes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        (usual,) = cursor.fetchone()
        cursor.execute("SET SESSION lock_wait_timeout = %s", [PATIENCE])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = %s", [usual])

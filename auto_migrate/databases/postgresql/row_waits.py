"""How long Python code of a migration waits for locks outside of a transaction of ours: for rows long, for tables not.

Whoever waits for a row holds up none but those who want what it has changed itself; behind whoever waits for a table,
everybody queues who comes after. A function that fills rows in batches cannot be begun anew by anybody but its author,
so that it must not be cut because somebody has a row for a second.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.statement_kinds import wants_tables


@contextlib.contextmanager
def hurrying_for_tables(
    connection: BaseDatabaseWrapper,
    hurry_transaction: Callable[[], None],
    hurried: Callable[[], contextlib.AbstractContextManager[None]],
) -> Iterator[None]:
    """Carry out what wants tables `hurried`; in a transaction of the code's own, let all that follows it hurry too."""

    def hurry(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not wants_tables(str(sql)):
            return execute(sql, params, many, context)
        if connection.in_atomic_block:
            # Others may wait for what it holds from here on.
            hurry_transaction()
            return execute(sql, params, many, context)
        with hurried():
            return execute(sql, params, many, context)

    with connection.execute_wrapper(hurry):
        yield

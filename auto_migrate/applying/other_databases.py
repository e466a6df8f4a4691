"""The other databases that a migration uses, which no transaction of this one takes back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.statement_kinds import reads


class OtherDatabases:
    """Notes the aliases of other connections that may have written within the block, in the order of their use."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.aliases: dict[str, None] = {}

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the connections that there are; one that is made meanwhile may have written anything."""
        known = [other for other in connections.all(initialized_only=True) if other is not self.connection]
        with contextlib.ExitStack() as stack:
            for other in known:
                stack.enter_context(other.execute_wrapper(self._note))
            try:
                yield
            finally:
                for other in connections.all(initialized_only=True):
                    if other is not self.connection and other not in known:
                        self.aliases[other.alias] = None

    def _note(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not reads(str(sql)):
            self.aliases[context["connection"].alias] = None
        return execute(sql, params, many, context)

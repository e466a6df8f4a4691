"""Django's loader, for which the first and the last migration of an app are looked up once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder

ENDS = frozenset({"__first__", "__latest__"})


class Loader(MigrationLoader):
    """Builds the same graph.

    Django goes through all of it for each dependency on the user model, which grows with the square of the migrations.
    Meanwhile it adds dependencies between apps, which do not change the ends of any.
    """

    def build_graph(self) -> None:
        """Build the graph anew, from the files and the record."""
        self._ends: dict[tuple[str, str], Any] = {}
        super().build_graph()

    def add_external_dependencies(self, key: tuple[str, str], migration: Migration) -> None:
        """Add what a migration has to do with those of other apps."""
        super().add_external_dependencies(key, migration)
        if migration.run_before:
            # These may be of the same app.
            self._ends.clear()

    def check_key(self, key: tuple[str, str], current_app: str) -> Any:
        """Return the node that a dependency means, or None if it is to be passed over."""
        if key[1] not in ENDS or key[0] == current_app:
            return super().check_key(key, current_app)
        if key not in self._ends:
            self._ends[key] = super().check_key(key, current_app)
        return self._ends[key]


class Planner(MigrationExecutor):
    """Django's executor with this loader."""

    def __init__(self, connection: BaseDatabaseWrapper, progress_callback: Callable[..., Any] | None = None) -> None:
        self.connection = connection
        self.loader = Loader(connection)
        self.recorder = MigrationRecorder(connection)
        self.progress_callback = progress_callback

"""Something done before each migration that Django's own `migrate` applies.

Runs within a package's project, in the package's own interpreter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from unittest import mock

from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState


@contextlib.contextmanager
def before_each_migration(do: Callable[[Migration], object]) -> Iterator[None]:
    """Have each migration handed over before Django's own executor applies it, while the block lasts."""

    class HookedExecutor(MigrationExecutor):
        def apply_migration(
            self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
        ) -> ProjectState:
            do(migration)
            return super().apply_migration(state, migration, fake, fake_initial)

    with mock.patch.object(migrate, "MigrationExecutor", HookedExecutor):
        yield

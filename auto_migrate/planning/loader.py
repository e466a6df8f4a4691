"""Django's loader, for which the first and the last migration of an app are looked up once; and what may stop it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import (
    BadMigrationError,
    CircularDependencyError,
    InconsistentMigrationHistory,
    NodeNotFoundError,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from auto_migrate.code_lock import APP_CODE
from auto_migrate.databases import adapter_for
from auto_migrate.exceptions import AutoMigrateError, HistoryDiverged, TransientError, UsageError, summary_of
from auto_migrate.planning.raised_at import raised_at

# What a project's own files can be broken in; no database can mend it.
BROKEN_FILES = (BadMigrationError, CircularDependencyError, NodeNotFoundError)
# What says by itself what is wrong, or is about the database.
TOLD = (InconsistentMigrationHistory, Error, AutoMigrateError, TransientError)
UNKNOWN = re.compile(r"Dependency on unknown app: (\w+)")
UNMIGRATED = re.compile(r"Dependency on app with no migrations: (\w+)")

ENDS = frozenset({"__first__", "__latest__"})


class Loader(MigrationLoader):
    """Builds the same graph.

    Django goes through all of it for each dependency on the user model, which grows with the square of the migrations.
    Meanwhile it adds dependencies between apps, which do not change the ends of any.
    """

    def load_disk(self) -> None:
        """Import the migrations; raise `HistoryDiverged` for a module whose own question the database refuses.

        What they do in being imported, or imported anew, they do in one thread.
        """
        try:
            with APP_CODE:
                super().load_disk()
        except Error as error:
            if _is_fault(error):
                raise
            raise unloadable(error) from error
        for migration in self.disk_migrations.values():
            _keep_operations(migration)

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


def _is_fault(error: Error) -> bool:
    """Return whether it is one of the databases that cannot answer; which, a module that is imported does not say."""
    for alias in connections:
        with contextlib.suppress(UsageError):
            if adapter_for(alias).fault_of(error) is not None:
                return True
    return False


def _keep_operations(migration: Migration) -> None:
    """Let operations that can be read only once, such as a generator's, be there for whoever loads them the next time.

    They would pass for none at all, and the migration for applied.
    """
    kind = type(migration)
    if not isinstance(kind.operations, list | tuple):
        kind.operations = list(migration.operations)


class Planner(MigrationExecutor):
    """Django's executor with this loader."""

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        progress_callback: Callable[..., Any] | None = None,
        *,
        loader: Loader | None = None,
    ) -> None:
        self.connection = connection
        self.loader = loader or Loader(connection)
        self.recorder = MigrationRecorder(connection)
        self.progress_callback = progress_callback


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Raise `HistoryDiverged` where the migrations cannot be loaded: their modules may raise whatever they like."""
    try:
        yield
    except TOLD:
        raise
    except BROKEN_FILES as error:
        text = _("The migration files do not fit together: {error}").format(error=error)
        raise HistoryDiverged(text, hint=_("Mend the dependencies that it names, and deploy again.")) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise unloadable(error) from error


def unloadable(error: BaseException) -> HistoryDiverged:
    """Return what to say of something that a module of the migrations has raised."""
    text = _("The migrations cannot be loaded: {error}").format(error=summary_of(error))
    return HistoryDiverged(text, hint=_way_out(error))


def _way_out(error: BaseException) -> str:
    if found := UNMIGRATED.match(str(error)):
        return _("Make its migrations, and have them deployed: manage.py makemigrations {app_label}").format(
            app_label=found[1]
        )
    if found := UNKNOWN.match(str(error)):
        return _("Install the app {app_label}, or take the dependency out: grep -rn {app_label} */migrations").format(
            app_label=found[1]
        )
    return "\n".join([*raised_at(error), _("Mend it and deploy again.")])

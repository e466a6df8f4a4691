"""Django's `migrate` where nothing has changed since it last looked: its output and its signals, and nothing built.

Its graph, its states and its models are made when a receiver of a signal looks at one, or wants something carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import no_translations
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import Signal

from auto_migrate.applying.fallback import note
from auto_migrate.applying.lazy_executor import LazyExecutor
from auto_migrate.applying.migrate_signals import UnreadModels, final_models, register_receivers, send_by_app
from auto_migrate.planning.fingerprint import Code
from auto_migrate.planning.model_digest import model_digest
from auto_migrate.planning.receivers import with_models_of_code
from auto_migrate.values import Audience


def digest_of_models(code: Code) -> str:
    """Return that of the models, empty where none can be had; never raises."""
    try:
        return model_digest(code.values_read())
    except Exception as error:  # noqa: BLE001 # it only saves time, and a project's fields may do anything
        note("What compares models with migrations", error)
        return ""


def noting(autodetector: type[MigrationAutodetector], found: list[bool]) -> type[MigrationAutodetector]:
    """Return an autodetector that notes whether it found a change."""

    class Noting(autodetector):  # type: ignore[misc,valid-type]
        def changes(self, *args: Any, **kwargs: Any) -> Any:
            changes = super().changes(*args, **kwargs)
            found.append(bool(changes))
            return changes

    return Noting


@no_translations
def handle_unchanged(command: MigrateCommand, app_labels: tuple[str, ...], **options: Any) -> None:
    """Do what Django's `handle` does with no migration pending and no model changed, for these apps with migrations."""
    command.verbosity, command.interactive = options["verbosity"], options["interactive"]
    register_receivers()
    connection = connections[options["database"]]
    connection.prepare_database()
    unread, plan = UnreadModels(connection), list[tuple[Migration, bool]]()
    if command.verbosity >= 1:
        labels = ", ".join(sorted(app_labels)) or "(none)"
        command.stdout.write(command.style.MIGRATE_HEADING("Operations to perform:"))
        command.stdout.write(command.style.MIGRATE_LABEL("  Apply all migrations: ") + labels)
    send(command, pre_migrate, "pre", connection, apps=unread.before, plan=plan)
    if command.verbosity >= 1:
        command.stdout.write(command.style.MIGRATE_HEADING("Running migrations:"))
        if not plan:
            command.stdout.write("  No migrations to apply.")
    historical = final_models(carried_out(command, connection, plan, options)) if plan else unread.after
    send(command, post_migrate, "post", connection, apps=historical, plan=plan)


def send(
    command: MigrateCommand,
    signal: Signal,
    name: str,
    connection: BaseDatabaseWrapper,
    *,
    apps: object,
    plan: list[tuple[Migration, bool]],
) -> None:
    """Send one of the signals as Django does."""
    audience = Audience(command.verbosity, command.interactive, command.stdout)
    heading = f"Running {name}-migrate handlers for application %s" if command.verbosity >= 2 else ""
    told = signal if plan else with_models_of_code(signal)
    send_by_app(told, audience, using=connection.alias, apps=apps, plan=plan, heading=heading)


def carried_out(
    command: MigrateCommand,
    connection: BaseDatabaseWrapper,
    plan: list[tuple[Migration, bool]],
    options: Mapping[str, Any],
) -> ProjectState:
    """Carry out what a receiver has put into the plan, and return the state after it."""
    executor = LazyExecutor(connection, command.migration_progress_callback)
    state = executor._create_project_state(with_applied_migrations=True)
    targets = executor.loader.graph.leaf_nodes()
    return executor.migrate(targets, plan, state, options["fake"], options["fake_initial"])

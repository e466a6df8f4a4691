"""Migrations that stand half-way, applied or unapplied in part: which they are, and what goes on with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.databases.base import Database
from auto_migrate.exceptions import HistoryDiverged
from auto_migrate.history.journal import Position, open_journals
from auto_migrate.values import MigrationKey, Node, ValueObject


class PartialMigrations(ValueObject):
    """The migrations that stand half-way: `cut` with nobody at work on them, `undone` by who holds the lock."""

    cut: Mapping[MigrationKey, Position]
    undone: Mapping[MigrationKey, Position]


def interruptions(database: Database, recorded: Collection[Node]) -> PartialMigrations:
    """Return what stands half-way; what was recorded by hand since, as applied or as unapplied, is settled."""
    found = {
        key: position
        for key, position in open_journals(database.alias).items()
        if ((key.app_label, key.name) in recorded) is position.backwards
    }
    running = {key: position for key, position in found.items() if position.running}
    if not running or database.lock_holder() is None:
        return PartialMigrations(found, {})
    return PartialMigrations(
        {key: position for key, position in found.items() if key not in running},
        {key: position for key, position in running.items() if position.backwards},
    )


def half_way(migration: Migration, position: Position, database: str = DEFAULT_DB_ALIAS) -> HistoryDiverged:
    """Say that a migration stands half-way, and which command goes on with it."""
    count = len(migration.operations)
    text = ngettext(
        "Migration {migration} was cut while it was applied, after {done} of its {count} operation.",
        "Migration {migration} was cut while it was applied, after {done} of its {count} operations.",
        count,
    )
    if position.backwards:
        text = ngettext(
            "Migration {migration} was cut while it was unapplied, after {done} of its {count} operation.",
            "Migration {migration} was cut while it was unapplied, after {done} of its {count} operations.",
            count,
        )
    command = resuming(migration, backwards=position.backwards, database=database)
    return HistoryDiverged(
        text.format(migration=migration, done=position.done, count=count),
        hint=_("Let it be finished: {command}").format(command=command),
    )


def resuming(migration: Migration, *, backwards: bool, database: str = DEFAULT_DB_ALIAS) -> str:
    """Return the command that goes on with a migration that was cut."""
    parts = ["manage.py auto_migrate"]
    if backwards:
        names = [name for app_label, name in migration.dependencies if app_label == migration.app_label]
        parts += [migration.app_label, names[-1] if names else "zero"]
    if database != DEFAULT_DB_ALIAS:
        parts += ["--database", database]
    return " ".join(parts)


def resolving(
    migration: Migration, operation: int, verdict: str, *, backwards: bool, database: str = DEFAULT_DB_ALIAS
) -> str:
    """Return the command that says what became of an operation (1-based), `done` or `redo`, and goes on."""
    command = resuming(migration, backwards=backwards, database=database)
    return f"{command} --resolve {migration}:{operation}={verdict}"

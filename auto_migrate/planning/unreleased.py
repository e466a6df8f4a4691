"""Tables that no release has used yet: a run made them, was cut before its plan was carried out, and they are empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.migrations.migration import Migration
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

from auto_migrate.changes.model_tables import automatic_tables, table_of
from auto_migrate.databases.base import Database
from auto_migrate.history.store import History
from auto_migrate.planning.comparison import Comparison
from auto_migrate.values import MigrationKey


def unreleased_tables(database: Database, comparison: Comparison, state: Callable[[], ProjectState]) -> frozenset[str]:
    """Return the tables that were made since a run has ended well; `state` gives that of the recorded migrations.

    Only of plans of which this one is the rest: another tool may have carried out what is recorded as a whole. Nor any
    that holds rows, whoever wrote them: they may be lost.
    """
    recorded = {MigrationKey(*node) for node in comparison.recorded}
    pending = frozenset(comparison.whole_keys)
    done: set[MigrationKey] = set()
    for keys in History(database.alias).unfinished_plans():
        left = keys - recorded
        if left and left <= pending:
            done |= keys & recorded
    if not done:
        return frozenset()
    before = state()
    migrations = (comparison.loader.disk_migrations.get((key.app_label, key.name)) for key in done)
    made = {table for migration in migrations if migration for table in tables_made(migration, before)}
    found = database.statistics.of_tables(made, 1) if made and database.statistics else {}
    return frozenset(table for table, seen in found.items() if seen.counted and not seen.rows)


def tables_made(migration: Migration, state: ProjectState) -> Iterator[str]:
    """Return the tables that a migration makes for models that a state has still."""
    for operation in migration.operations:
        if isinstance(operation, CreateModel):
            model = state.models.get((migration.app_label, operation.name_lower))
            if model is not None:
                yield table_of(model)
                yield from automatic_tables(model)

"""Squashed migrations that another tool was killed in: applied as a whole, recorded by half.

Django's `migrate` records what a squash replaced row by row, after the schema is committed. Cut between two rows, the
next load takes the squash for partially applied, and runs what is there already. Where tables and columns prove that
all of it was applied, the missing rows are written; where they prove nothing, it is left as Django sees it.
"""

from __future__ import annotations

import dataclasses

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.db.migrations.operations import AddField, CreateModel
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic

from auto_migrate.databases.base import Database
from auto_migrate.exceptions import HistoryDiverged
from auto_migrate.planning.loader import Loader, loading
from auto_migrate.planning.schema_state import recorded_rows, replaced_nodes
from auto_migrate.values import MigrationKey, Node

# Table → its columns.
Schema = dict[str, frozenset[str]]


@dataclasses.dataclass(frozen=True)
class Squash:
    """A squash, with what of it is recorded and what is missing."""

    migration: Migration
    recorded: tuple[Node, ...]
    missing: tuple[Node, ...]

    @property
    def node(self) -> Node:
        """The squash's own name."""
        return self.migration.app_label, self.migration.name


def half_recorded(database: Database) -> list[Squash]:
    """Return the squashes with rows for the first of what they replaced and for no more, as a kill leaves them."""
    rows = set(recorded_rows(database.connection))
    if not rows:
        return []
    loader = Loader(None, load=False)
    try:
        with loading():
            loader.load_disk()
    except HistoryDiverged:
        # No squash can be told from such files; the comparison says what is wrong with them.
        return []
    found = []
    for migration in loader.disk_migrations.values():
        nodes = replaced_nodes(loader, migration)
        there = [node in rows for node in nodes]
        if any(there) and not all(there) and there == sorted(there, reverse=True):
            found.append(Squash(migration, nodes[: sum(there)], nodes[sum(there) :]))
    return found


def finish_squashes(database: Database) -> tuple[MigrationKey, ...]:
    """Record what is provably applied, while the deploy lock is held; give the squashes that were completed."""
    finished = [squash for squash in half_recorded(database) if is_applied(squash, database)]
    recorder = MigrationRecorder(database.connection)
    with atomic(using=database.alias):
        for squash in finished:
            for app_label, name in (*squash.missing, squash.node):
                recorder.record_applied(app_label, name)
    return tuple(MigrationKey(*squash.node) for squash in finished)


# What tables and columns can prove where all of a migration is committed at once: what else these make came with them.
VISIBLE = (CreateModel, AddField)


def is_applied(squash: Squash, database: Database) -> bool:
    """Return whether tables and columns are those after the whole squash, and could not be of its recorded part."""
    try:
        with loading():
            part, whole, missing = _parts(squash)
    except HistoryDiverged:
        # The replaced files are gone: nothing tells what was missing.
        return False
    at_once = database.transactional_ddl and all(migration.atomic for migration in (squash.migration, *missing))
    operations = [operation for migration in missing for operation in migration.operations]
    if not at_once or not all(isinstance(operation, VISIBLE) for operation in operations):
        return False
    return _actual(database.connection, {*whole, *part}) == whole != part


def _parts(squash: Squash) -> tuple[Schema, Schema, list[Migration]]:
    """Return the schemas after the recorded part and after the whole, and the migrations between them."""
    parts = Loader(None, replace_migrations=False)
    missing = [parts.disk_migrations[node] for node in squash.missing]
    part = _schema(parts.project_state([squash.recorded[-1]]), squash.migration.app_label)
    whole = _schema(Loader(None).project_state([squash.node]), squash.migration.app_label)
    return part, whole, missing


def _schema(state: ProjectState, app_label: str) -> Schema:
    """Return the tables that a state has for an app."""
    models = [
        model._meta
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.app_label == app_label and model._meta.managed and not model._meta.proxy
    ]
    return {
        options.db_table: frozenset(str(field.column) for field in options.local_concrete_fields) for options in models
    }


def _actual(connection: BaseDatabaseWrapper, tables: set[str]) -> Schema:
    """Return those of the tables that the database has."""
    introspection = connection.introspection
    with connection.cursor() as cursor:
        existing = tables & set(introspection.table_names(cursor))
        return {
            table: frozenset(column.name for column in introspection.get_table_description(cursor, table))
            for table in existing
        }

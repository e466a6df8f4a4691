"""The versions of each table along a plan: what it should look like after each migration that changes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.migrations.migration import Migration
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.operations.models import ModelOperation
from django.db.migrations.state import ModelState, ProjectState

from auto_migrate.adoption.unprovable import unpaired
from auto_migrate.applying.states.lazy_state import LazyState, foresee
from auto_migrate.drift.state_tables import Model, is_made, quoted_names, table_name, tables_of
from auto_migrate.drift.table_shape import TableShape
from auto_migrate.drift.table_source import TableSource

Models = Mapping[tuple[str, str], ModelState]


@dataclasses.dataclass(frozen=True)
class Version:
    """A table after migration number `since` of the plan, or before all with -1; `shape` is None where it is gone.

    `unknown` says why the shape could not be had, if it could not. Columns are `forgotten` that the state alone has
    lost, and that may be there or not; so may a table that `may_stay`.
    """

    since: int
    shape: TableShape | None
    unknown: str = ""
    forgotten: frozenset[str] = frozenset()
    may_stay: bool = False

    def is_like(self, other: Version) -> bool:
        """Return whether both say the same of the table."""
        return dataclasses.replace(self, since=other.since) == other


@dataclasses.dataclass
class VersionedTable:
    """A table's versions in order, its quoted name, and the app whose migrations make it."""

    name: str
    quoted: str
    app_label: str
    versions: list[Version]

    def add(self, version: Version) -> None:
        """Add what a migration makes of it, unless that is what it was."""
        last = self.versions[-1]
        if not version.is_like(last):
            self.versions.append(version)


class TableVersions:
    """All tables that a plan touches, with their versions."""

    def __init__(self, source: TableSource, state: ProjectState) -> None:
        self.source = source
        self.state: ProjectState = LazyState.of(state)
        self.tables: dict[str, VersionedTable] = {}
        # Which tables each model has at the moment.
        self.owned: dict[tuple[str, str], tuple[str, ...]] = {}
        # What states alone have lost: tables and columns, without a column where the table is lost.
        self.forgotten: set[tuple[str, str]] = set()
        # What the database has lost already, before the state does.
        self.dropped: set[tuple[str, str]] = set()
        self._read(-1, dict(self.state.models))

    def go(self, number: int, migration: Migration) -> None:
        """Add what migration `number` of the plan makes."""
        before: Models = dict(self.state.models)
        self._forget(migration)
        self.state = foresee(self.state, migration.app_label, migration.operations)
        self._read(number, changed_models(before, self.state.models))

    def _forget(self, migration: Migration) -> None:
        """Note what a migration takes from the state and nobody from the database."""
        for operation in migration.operations:
            if isinstance(operation, SeparateDatabaseAndState):
                promised, done = operation.state_operations, operation.database_operations
                for lost in unpaired(done, promised):
                    self.dropped |= set(self._places(migration.app_label, lost))
                for lost in unpaired(promised, done):
                    self.forgotten |= set(self._places(migration.app_label, lost)) - self.dropped

    def _places(self, app_label: str, operation: ModelOperation | FieldOperation) -> Iterator[tuple[str, str]]:
        """Return what an operation takes away: tables, or the column of one."""
        try:
            if isinstance(operation, FieldOperation):
                model = self.state.apps.get_model(app_label, operation.model_name)
                field: Any = model._meta.get_field(operation.name)
                through = getattr(field.remote_field, "through", None)
                yield (table_name(model), field.column) if through is None else (table_name(through), "")
            else:
                model = self.state.apps.get_model(app_label, operation.name)
                yield from ((table_name(one), "") for one in tables_of([model]))
        except (LookupError, FieldDoesNotExist):
            # It came into the state in the same migration.
            return

    def _version(self, number: int, table: str, shape: TableShape | None, unknown: str = "") -> Version:
        """Return a version with what may be left of those before."""
        lost = {column for name, column in self.forgotten if name == table}
        columns = lost - {"", *(shape.columns if shape else ())}
        return Version(number, shape, unknown, frozenset(columns), may_stay=shape is None and "" in lost)

    def _read(self, number: int, changed: Mapping[tuple[str, str], ModelState | None]) -> None:
        there = (self.state.apps.get_model(*key) for key, state in changed.items() if state is not None)
        made = [model for model in there if is_made(model, self.source.connection)]
        quoted = quoted_names(self.source.connection, made)
        gone = {name for key in changed for name in self.owned.pop(key, ())}
        for model in made:
            owned = tuple(table_name(one) for one in tables_of([model]))
            self.owned[model._meta.app_label, str(model._meta.model_name)] = owned
            self._register(owned, quoted, model)
        expected = self.source.expected(made)
        for name, shape in expected.shapes.items():
            self.tables[name].add(self._version(number, name, shape))
        for name, reason in expected.unknown.items():
            self.tables[name].add(self._version(number, name, None, reason))
        for name in gone - {name for names in self.owned.values() for name in names}:
            self.tables[name].add(self._version(number, name, None))

    def _register(self, owned: Iterable[str], quoted: Mapping[str, str], model: Model) -> None:
        for name in owned:
            if name not in self.tables:
                absent = Version(-2, None)
                self.tables[name] = VersionedTable(name, quoted[name], model._meta.app_label, [absent])

    def touched(self) -> Iterator[VersionedTable]:
        """Return the tables that a migration of the plan changes, each from the version that the record stands for."""
        for table in self.tables.values():
            before = [version for version in table.versions if version.since < 0][-1]
            since = [version for version in table.versions if version.since >= 0]
            if since:
                yield dataclasses.replace(table, versions=[before, *since])


def changed_models(before: Models, after: Models) -> dict[tuple[str, str], ModelState | None]:
    """Return the models that are not as they were, None for those that are gone."""
    changed: dict[tuple[str, str], ModelState | None] = {key: None for key in before if key not in after}
    for key, state in after.items():
        old = before.get(key)
        if old is not state and (old is None or old != state):
            changed[key] = state
    return changed

"""A plan read operation by operation: what each does to the database, told without touching it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping, Sequence

from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.changes.bindings import Bindings
from auto_migrate.changes.bridgeable import obstacle_of_tightening
from auto_migrate.changes.change import Change, OpaqueChange, SetNotNull
from auto_migrate.changes.collected_sql import statements_of_operation
from auto_migrate.changes.dependents import Dependents
from auto_migrate.changes.model_tables import field_at
from auto_migrate.changes.offending_rows import OffendingRows
from auto_migrate.changes.operations import changes_of
from auto_migrate.changes.presence import Presence
from auto_migrate.changes.replacements import marked_again
from auto_migrate.changes.rights import Rights
from auto_migrate.changes.validity import Validity
from auto_migrate.exceptions import MigrationFailed, TransientError, summary_of
from auto_migrate.findings import OnlineStep
from auto_migrate.values import MigrationKey

# Tells the steps of an operation, from the states before and after it and from what it does.
TellSteps = Callable[
    [Migration, Operation, ProjectState, ProjectState, Sequence[Change]],
    tuple[OnlineStep, ...],
]


@dataclasses.dataclass(frozen=True)
class OperationChanges:
    """One operation (`index` is 1-based), what it does to the database in order, and its statements if asked for.

    `online` are the steps in which it is carried out instead, none where it is carried out as it stands.
    """

    index: int
    operation: Operation
    changes: tuple[Change, ...]
    sql: tuple[str, ...] = ()
    online: tuple[OnlineStep, ...] = ()


@dataclasses.dataclass(frozen=True)
class MigrationChanges:
    """One migration of a plan, with its operations in the order in which they are carried out or taken back."""

    migration: Migration
    backwards: bool
    operations: tuple[OperationChanges, ...]

    @property
    def key(self) -> MigrationKey:
        """The migration's identity."""
        return MigrationKey(self.migration.app_label, self.migration.name)

    def changes(self) -> Iterator[tuple[OperationChanges, Change]]:
        """Return every change together with the operation that makes it."""
        return ((operation, change) for operation in self.operations for change in operation.changes)


def read_plan(
    connection: BaseDatabaseWrapper,
    plan: Sequence[tuple[Migration, bool]],
    state: ProjectState,
    *,
    before: MutableMapping[MigrationKey, ProjectState] | None = None,
    with_sql: bool = False,
    online: TellSteps | None = None,
    done: Collection[MigrationKey] = (),
    rows: OffendingRows | None = None,
) -> Iterator[MigrationChanges]:
    """Read the migrations of a plan in its order, advancing `state` from where the plan begins.

    What is unapplied is read from the state `before` it, which is used up; nothing is where that is not given. `online`
    is asked, operation by operation, for the steps in which each is carried out. What is `done` the database has.
    `rows` looks for those that forbid a change.
    """
    reader = Reader(connection, state, with_sql=with_sql, online=online, done=done, rows=rows)
    for migration, backwards in plan:
        if not backwards:
            yield reader.read(migration)
        elif before is not None and (start := before.pop(MigrationKey.of(migration), None)) is not None:
            # What is rendered for it goes with it.
            yield reader.read_back(migration, start)
        else:
            yield MigrationChanges(migration, backwards, ())


class Reader:
    """Reads one migration after the other, each in the light of those before it; `state` goes along."""

    def __init__(
        self,
        connection: BaseDatabaseWrapper,
        state: ProjectState,
        *,
        with_sql: bool = False,
        online: TellSteps | None = None,
        done: Collection[MigrationKey] = (),
        rows: OffendingRows | None = None,
    ) -> None:
        self.connection = connection
        self.state = state
        self.with_sql = with_sql
        self.online = online
        self.validity = Validity(connection)
        self.dependents = Dependents(connection)
        self.rights = Rights(connection)
        self.presence = Presence(connection)
        self.bindings = Bindings(connection)
        self.done = done
        self.rows = rows

    def read(self, migration: Migration) -> MigrationChanges:
        """Read the next migration."""
        return MigrationChanges(migration, backwards=False, operations=made_again(tuple(self._operations(migration))))

    def pass_over(self, migration: Migration) -> None:
        """Take a migration for applied."""
        migration.mutate_state(self.state, preserve=False)

    def read_back(self, migration: Migration, state: ProjectState) -> MigrationChanges:
        """Read the next migration to be unapplied, of which `state` is the one before it; see `Migration.unapply`."""
        states = [state]
        for index, operation in enumerate(migration.operations, start=1):
            states.append(states[-1].clone())
            try:
                operation.state_forwards(migration.app_label, states[-1])
            except Exception as error:
                raise misfit(migration, index, error) from error
        steps = list(zip(migration.operations, states[1:], states, strict=False))
        operations = (
            self._operation(migration, index, *steps[index - 1], backwards=True) for index in range(len(steps), 0, -1)
        )
        return MigrationChanges(migration, backwards=True, operations=tuple(operations))

    def _operations(self, migration: Migration) -> Iterator[OperationChanges]:
        for index, operation in enumerate(migration.operations, start=1):
            before = self.state.clone()
            try:
                operation.state_forwards(migration.app_label, self.state)
            except Exception as error:
                raise misfit(migration, index, error) from error
            yield self._operation(migration, index, operation, before, self.state)

    def _operation(
        self,
        migration: Migration,
        index: int,
        operation: Operation,
        before: ProjectState,
        after: ProjectState,
        *,
        backwards: bool = False,
    ) -> OperationChanges:
        place = (operation, migration.app_label, self.connection, before, after)
        changes = tuple(self._told(read_changes(*place, backwards=backwards), before, migration))
        self.rights.pass_by(operation, changes)
        sql = statements_of_operation(*place, backwards=backwards) if self.with_sql else ()
        # What is unapplied is carried out as it stands.
        online = None if backwards else self.online
        steps = online(migration, operation, before, after, changes) if online else ()
        return OperationChanges(index, operation, changes, sql, steps)

    def _told(self, changes: Iterable[Change], before: ProjectState, migration: Migration) -> Iterator[Change]:
        """Return changes with what the database at hand and the plan before them make of each."""
        key = MigrationKey.of(migration)
        for change in changes:
            bound = self.bindings.told(change)
            if key not in self.done:
                self.bindings.follow(change)
                bound = self.presence.told(bound, key.app_label)
            for told in self.validity.tell(bound, before):
                yield told
                yield from self.dependents.told(told)
                yield from self.rights.told(told)
                yield from self.rows.told(told) if self.rows is not None else ()


def made_again(operations: tuple[OperationChanges, ...]) -> tuple[OperationChanges, ...]:
    """Return what a migration does, with what it drops and makes again marked as such."""
    changes = [(operation.index, change) for operation in operations for change in operation.changes]
    marked = marked_again([change for _index, change in changes])
    if marked is None:
        return operations
    told: dict[int, list[Change]] = {operation.index: [] for operation in operations}
    for (index, _change), change in zip(changes, marked, strict=True):
        told[index].append(change)
    return tuple(dataclasses.replace(one, changes=tuple(told[one.index])) for one in operations)


def misfit(migration: Migration, index: int, error: Exception) -> MigrationFailed:
    """Say that an operation is about something that the migrations before it do not make."""
    text = _(
        "Migration {migration} does not fit those before it, at operation {index} of {count}, {operation}: {error}."
    )
    return MigrationFailed(
        text.format(
            migration=migration,
            index=index,
            count=len(migration.operations),
            operation=migration.operations[index - 1].describe(),
            error=summary_of(error),
        ),
        hint=_("Nothing was changed. Mend the migration and deploy again."),
    )


def read_changes(
    operation: Operation,
    app_label: str,
    connection: BaseDatabaseWrapper,
    before: ProjectState,
    after: ProjectState,
    *,
    backwards: bool = False,
) -> tuple[Change, ...]:
    """Return what an operation does; one of a project's own that cannot even be looked at must not stop a deploy."""
    try:
        changes = changes_of(operation, app_label, connection, before, after, backwards=backwards)
        return tuple(with_obstacle_of_sql(change, connection, after) for change in changes)
    except (DatabaseError, InterfaceError, TransientError):
        raise
    except Exception as error:  # noqa: BLE001 # whatever it is, it is told as a finding
        return (OpaqueChange(table="", text=operation.describe(), reason=summary_of(error)),)


def with_obstacle_of_sql(change: Change, connection: BaseDatabaseWrapper, after: ProjectState) -> Change:
    """Return a column that SQL lets take NULL no more with what the state after it says of a bridge for it."""
    if not isinstance(change, SetNotNull) or change.obstacle is not None:
        return change
    editor = connection.SchemaEditorClass(connection)
    field = field_at(after, change.table, change.column)
    return dataclasses.replace(change, obstacle=obstacle_of_tightening(field, editor, is_filled=change.keeps_default))

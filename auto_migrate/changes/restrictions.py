"""What an operation holds a table's rows to from now on, and what of a plan counts on that.

Such a thing can be made when the old code is gone, by a definition that was written down: then nothing may have
changed meanwhile of what it is about.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from django.db.migrations import operations as ops

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    Change,
    ColumnChange,
    CreateIndex,
    DataChange,
    DropConstraint,
    DropDefault,
    DropIndex,
    LockTable,
    OpaqueChange,
    Reindex,
    RenameTable,
    SetDefault,
    SetNotNull,
    WriteInBatches,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.values import BridgeKind

# What looks at each row by itself. What compares rows with one another the new code may count on at once: an upsert
# names the columns of a unique index, and two rows that should be one are told from one another by nobody.
BY_ROW = frozenset({ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY})
# What leaves alone whatever else there is on its table.
HARMLESS = (
    AddColumn,
    AddConstraint,
    CreateIndex,
    DataChange,
    DropDefault,
    DropIndex,
    LockTable,
    Reindex,
    SetDefault,
    WriteInBatches,
)


@dataclasses.dataclass(frozen=True)
class Restriction:
    """NOT NULL of a column, or a constraint by its `name`; `tables` are those that it speaks of, its own first."""

    kind: BridgeKind
    tables: tuple[str, ...]
    column: str
    name: str = ""

    def is_touched_by(self, change: Change) -> bool:
        """Return whether it would have to be there for a change, or be another after it."""
        if isinstance(change, OpaqueChange):
            return True
        if not {change.table, change.to if isinstance(change, RenameTable) else ""}.intersection(self.tables):
            return False
        if isinstance(change, SetNotNull | DropConstraint):
            return self._is_itself(change)
        return not isinstance(change, HARMLESS) or (isinstance(change, AddConstraint) and change.name == self.name)

    def _is_itself(self, change: SetNotNull | DropConstraint) -> bool:
        if isinstance(change, ColumnChange):
            return self.kind is BridgeKind.HELD_NOT_NULL and change.column == self.column
        # Another that goes may be what a foreign key points to.
        return change.table != self.tables[0] or change.name in {"", self.name}


def restrictions_of(read: OperationChanges) -> tuple[Restriction, ...]:
    """Return what one of Django's operations tightens, if it does nothing else but to drop constraints.

    A key that Django drops and makes again stays as it is.
    """
    if type(read.operation) not in {ops.AddConstraint, ops.AlterField}:
        return ()
    rest = [change for change in read.changes if not isinstance(change, DropConstraint) and not is_made_again(change)]
    found = [restriction for change in rest if (restriction := restriction_of(change)) is not None]
    return tuple(found) if len(found) == len(rest) else ()


def is_made_again(change: Change) -> bool:
    """Return whether a change makes a foreign key once more that the same operation has dropped."""
    return isinstance(change, AddConstraint) and change.again and change.kind is ConstraintKind.FOREIGN_KEY


def restriction_of(change: Change) -> Restriction | None:
    """Return what a change tightens, None where it can only be made at once, or where NULL is filled in."""
    if isinstance(change, SetNotNull):
        field = change.definition
        is_own = field is None or field.primary_key or field.generated
        if is_own or not change.obstacle or change.proven_by:
            return None
        return Restriction(BridgeKind.HELD_NOT_NULL, (change.table,), change.column)
    if not isinstance(change, AddConstraint) or change.kind not in BY_ROW or not is_made_here(change):
        return None
    tables = tuple(filter(None, (change.table, change.references)))
    return Restriction(BridgeKind.HELD_CONSTRAINT, tables, (*change.columns, "")[0], change.name)


def is_made_here(change: AddConstraint) -> bool:
    """Return whether a constraint is a new one, of Django's own wording, which does nothing by itself."""
    relation = getattr(change.definition, "remote_field", None)
    acts = getattr(getattr(relation, "on_delete", None), "on_delete_sql", None) is not None
    return change.definition is not None and change.valid and not (change.again or change.using_index or acts)


def touched(restrictions: Collection[Restriction], change: Change) -> bool:
    """Return whether a change touches any of them."""
    return any(restriction.is_touched_by(change) for restriction in restrictions)

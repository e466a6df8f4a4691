"""What a plan has made so far. Nobody uses it yet: what is done to it holds nobody up and breaks no release."""

from __future__ import annotations

import dataclasses
from typing import Self

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    Change,
    CreateIndex,
    CreateObject,
    CreateTable,
    DropColumn,
    DropObject,
    DropTable,
    RenameColumn,
    RenameTable,
)


@dataclasses.dataclass
class NewObjects:
    """Tables, columns (each with its table), indexes and other objects, followed through a plan change by change."""

    tables: set[str] = dataclasses.field(default_factory=set)
    columns: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    # Without their table, since SQL does not tell that of an index that it drops.
    indexes: set[str] = dataclasses.field(default_factory=set)
    # Views, functions and what else has a name and is used by queries.
    objects: set[str] = dataclasses.field(default_factory=set)

    def copy(self) -> Self:
        """Return one that goes on from here by itself."""
        return type(self)(set(self.tables), set(self.columns), set(self.indexes), set(self.objects))

    def follow(self, change: Change) -> None:
        """Take in what a change makes, drops or renames."""
        match change:
            case CreateTable(unsure=False):
                self.tables.add(change.table)
                self.indexes.update(change.names)
            case DropTable():
                self._forget(change.table)
            case RenameTable():
                self._rename_table(change)
            case AddColumn(unsure=False):
                self.columns.add((change.table, change.column))
            case DropColumn() | RenameColumn():
                self._follow_column(change)
            case CreateIndex() | AddConstraint():
                self.indexes.add(change.name)
            case CreateObject() | DropObject():
                self._follow_object(change)

    def _follow_object(self, change: CreateObject | DropObject) -> None:
        if isinstance(change, DropObject):
            self.objects.discard(change.table)
        elif not change.unsure:
            self.objects.add(change.table)

    def _forget(self, table: str) -> None:
        self.tables.discard(table)
        self.columns = {column for column in self.columns if column[0] != table}

    def _rename_table(self, change: RenameTable) -> None:
        # The name that it gives up may become an older table's, and the one that it takes may have been a newer one's.
        is_new = change.table in self.tables and not change.unsure
        columns = {name for table, name in self.columns if table == change.table and not change.unsure}
        self._forget(change.table)
        self._forget(change.to)
        self.tables |= {change.to} if is_new else set()
        self.columns |= {(change.to, name) for name in columns}

    def _follow_column(self, change: DropColumn | RenameColumn) -> None:
        if isinstance(change, DropColumn):
            self.columns.discard((change.table, change.column))
            return
        old, new = (change.table, change.column), (change.table, change.to)
        is_new = old in self.columns and not change.unsure
        self.columns -= {old, new}
        if is_new:
            self.columns.add(new)

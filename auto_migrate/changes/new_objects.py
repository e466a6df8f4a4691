"""What a plan has made so far. Nobody uses it yet: what is done to it holds nobody up and breaks no release."""

from __future__ import annotations

import dataclasses
from typing import Self

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    Change,
    ColumnChange,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
    SetDefault,
    SetNotNull,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.object_change import CreateObject, DropObject

# Constraints that compare rows with one another.
DISTINGUISHING = frozenset({ConstraintKind.UNIQUE, ConstraintKind.EXCLUSION})


@dataclasses.dataclass
class NewObjects:
    """Tables, columns (each with its table), indexes and other objects, followed through a plan change by change."""

    tables: set[str] = dataclasses.field(default_factory=set)
    columns: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    # Those of them that hold NULL where a writer leaves them out.
    nullable: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    # Without their table, since SQL does not tell that of an index that it drops.
    indexes: set[str] = dataclasses.field(default_factory=set)
    # Views, functions and what else has a name and is used by queries.
    objects: set[str] = dataclasses.field(default_factory=set)

    def lets_in_any(self, change: AddConstraint | CreateIndex) -> bool:
        """Return whether what is new to be unique refuses nothing of writers that do not know its columns.

        They leave a column NULL that was added just before, and what is NULL is like nothing else.
        """
        if isinstance(change, AddConstraint) and change.kind not in DISTINGUISHING:
            return False
        found = any((change.table, column) in self.nullable for column in change.columns)
        return found and change.nulls_distinct

    def copy(self) -> Self:
        """Return one that goes on from here by itself."""
        return type(self)(*(set(getattr(self, field.name)) for field in dataclasses.fields(self)))

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
            case AddColumn() | DropColumn() | RenameColumn() | SetNotNull() | SetDefault():
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
        self.nullable &= self.columns

    def _rename_table(self, change: RenameTable) -> None:
        # The name that it gives up may become an older table's, and the one that it takes may have been a newer one's.
        is_new = change.table in self.tables and not change.unsure
        columns = {name for table, name in self.columns if table == change.table and not change.unsure}
        nullable = {name for table, name in self.nullable if table == change.table and name in columns}
        self._forget(change.table)
        self._forget(change.to)
        self.tables |= {change.to} if is_new else set()
        self.columns |= {(change.to, name) for name in columns}
        self.nullable |= {(change.to, name) for name in nullable}

    def _follow_column(self, change: ColumnChange) -> None:
        column = change.table, change.column
        match change:
            case AddColumn(unsure=False):
                self.columns.add(column)
                self.nullable |= {column} if change.null and not change.keeps_default else set()
            case SetNotNull() | SetDefault():
                self.nullable.discard(column)
            case DropColumn():
                self.columns.discard(column)
                self.nullable.discard(column)
            case RenameColumn():
                self._rename_column(change)

    def _rename_column(self, change: RenameColumn) -> None:
        old, new = (change.table, change.column), (change.table, change.to)
        is_new = old in self.columns and not change.unsure
        self.columns -= {old, new}
        if is_new:
            self.columns.add(new)
            self.nullable |= {new} if old in self.nullable else set()
        self.nullable &= self.columns

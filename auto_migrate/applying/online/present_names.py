"""What tables and columns are called in the database that a plan will have given other names by then."""

from __future__ import annotations

import dataclasses
from typing import Self

from auto_migrate.changes.change import Change, RenameColumn, RenameTable


@dataclasses.dataclass
class PresentNames:
    """The names that there are, each by the one that it will have; columns are those of a table by its present name."""

    tables: dict[str, str] = dataclasses.field(default_factory=dict)
    columns: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)

    def table(self, name: str) -> str:
        """Return what a table is called."""
        return self.tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """Return what a column of a table is called, both by the names that they will have."""
        return self.columns.get((self.table(table), name), name)

    def rename_table(self, table: str, to: str) -> None:
        """Let a table have another name from here on."""
        self.tables[to] = self.tables.pop(table, table)

    def rename_column(self, table: str, column: str, to: str) -> None:
        """Let a column have another name from here on."""
        there = self.table(table)
        self.columns[there, to] = self.columns.pop((there, column), column)

    def follow(self, change: Change) -> None:
        """Take in what a change of the plan renames."""
        if isinstance(change, RenameTable):
            self.rename_table(change.table, change.to)
        elif isinstance(change, RenameColumn):
            self.rename_column(change.table, change.column, change.to)

    def copy(self) -> Self:
        """Return one that goes on from here by itself."""
        return type(self)(dict(self.tables), dict(self.columns))

"""The names that tables and columns have now, by those that a plan gives them."""

from __future__ import annotations

from auto_migrate.changes.change import Change, RenameColumn, RenameTable


class FormerNames:
    """Follows the renames of a plan; what it does not rename has its name already."""

    def __init__(self) -> None:
        self._tables: dict[str, str] = {}
        self._columns: dict[tuple[str, str], str] = {}

    def copy(self) -> FormerNames:
        """Return one that goes on from here by itself."""
        other = FormerNames()
        other._tables, other._columns = dict(self._tables), dict(self._columns)
        return other

    def follow(self, change: Change) -> None:
        """Take in what a change renames."""
        match change:
            case RenameTable():
                self._tables[change.to] = self.table(change.table)
                for (table, column), former in list(self._columns.items()):
                    if table == change.table:
                        self._columns[change.to, column] = former
            case RenameColumn():
                self._columns[change.table, change.to] = self.column(change.table, change.column)

    def table(self, name: str) -> str:
        """Return the name that a table has now."""
        return self._tables.get(name, name)

    def column(self, table: str, name: str) -> str:
        """Return the name that a column has now; the table is named as the plan names it by then."""
        return self._columns.get((table, name), name)

"""What binds a column or table that goes, as the database at hand has it.

A model does not tell it all, and SQL tells nothing of it. What the plan has given another name by then is looked for
under the one that it has now. Without an open connection nothing is known.
"""

from __future__ import annotations

import dataclasses

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.changes.change import Change, DropColumn, DropNotNull, DropTable, SetDefault
from auto_migrate.changes.former_names import FormerNames
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.quoting import parts_of


class Bindings:
    """Follows the names of a plan, and asks the database about what it drops."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.is_asked = connection.vendor == "postgresql"
        self.known = Catalog(connection, {})
        self.former = FormerNames()
        # Columns that may be left out by the time they go, unless something else holds them.
        self.loosened: set[tuple[str, str]] = set()

    def told(self, change: Change) -> Change:
        """Return a change with what the database says of the column or table that it drops."""
        if isinstance(change, DropColumn):
            return self._of_column(change)
        return self._of_table(change) if isinstance(change, DropTable) else change

    def follow(self, change: Change) -> None:
        """Take in what a change renames or loosens, unless the database has that by now."""
        if isinstance(change, DropNotNull | SetDefault):
            self.loosened.add((self.former.table(change.table), self.former.column(change.table, change.column)))
        self.former.follow(change)

    def _of_column(self, change: DropColumn) -> DropColumn:
        table, column = self.former.table(change.table), self.former.column(change.table, change.column)
        named = dataclasses.replace(change, present=(table, column))
        asked = ".".join(parts_of(table))
        if not self.is_asked or (binding := self.known.binding(asked, column)) is None:
            return named
        if (table, column) in self.loosened:
            binding = binding._replace(required=binding.required and binding.held)
        if change.definition is None:
            references = change.references or self.known.reference(asked, column)
            return dataclasses.replace(named, references=references, required=binding.required, held=binding.held)
        required = change.required or binding.required
        return dataclasses.replace(named, required=required, held=required and binding.held)

    def _of_table(self, change: DropTable) -> DropTable:
        table = self.former.table(change.table)
        named = dataclasses.replace(change, present=table)
        if not self.is_asked:
            return named
        keys = [key for key in self.known.constraints(".".join(parts_of(table))) if key.references]
        kept = {key.references for key in keys if key.inherited} - {key.references for key in keys if not key.inherited}
        found = {} if change.definition is not None else {key.references: None for key in keys}
        found.pop(".".join(parts_of(table)), None)
        return dataclasses.replace(
            named, references=change.references or tuple(sorted(found)), kept=tuple(sorted(kept))
        )

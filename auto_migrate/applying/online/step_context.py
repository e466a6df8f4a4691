"""What is known of an operation while its statements are read one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.changes.change import AddColumn, AlterType, Change, RenameColumn, RenameTable
from auto_migrate.changes.type_changes import Work, work_of

C = TypeVar("C", bound=Change)


class NotOnline(Exception):
    """A statement that has no steps: the operation is carried out as it is written."""


@dataclasses.dataclass
class StepContext:
    """The operation's changes, the server with its version (major), and the fills that wait for their NOT NULL."""

    changes: Sequence[Change]
    version: int
    connection: BaseDatabaseWrapper
    # Quoted table and column → the statement that fills it.
    fills: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)

    def of_kind(self, kind: type[C]) -> list[C]:
        """Return the changes of a kind."""
        return [change for change in self.changes if isinstance(change, kind)]

    @property
    def keeps_rows(self) -> bool:
        """Whether no column's new type touches the rows or the indexes that are there."""
        return all(work_of(change) is Work.NOTHING for change in self.of_kind(AlterType))

    @property
    def changes_type(self) -> bool:
        """Whether any column gets another type."""
        return bool(self.of_kind(AlterType))

    @property
    def renames(self) -> bool:
        """Whether a table or a column gets another name."""
        return bool(self.of_kind(RenameTable) or self.of_kind(RenameColumn))

    @property
    def added_columns(self) -> list[AddColumn]:
        """The columns that the operation adds."""
        return self.of_kind(AddColumn)

"""One step of an operation that is carried out online, as a value that the journal can keep."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.findings import OnlineStep


class Kind(enum.StrEnum):
    """What a step does, and how it is carried out."""

    LOOK = "look"
    """Rows that would be refused are looked for, before anything is changed."""
    CHANGE = "change"
    """A transaction that takes no longer than an instant once it has its locks."""
    BUILD = "build_index"
    """An index is built concurrently."""
    DROP = "drop_index"
    """An index is dropped concurrently."""
    VALIDATE = "validate"
    """Old rows are held to a constraint, under a lock that lets reads and writes pass."""
    FILL = "fill"
    """Rows are written block by block, each few in a transaction of their own."""


class Rank(enum.IntEnum):
    """Where the steps of a statement stand among those of an operation."""

    COLUMN = 0
    INDEX = 1
    ADDITION = 2
    """What may be refused, and can be taken back."""
    CHANGE = 3
    REMOVAL = 4
    """What nobody could bring back comes last, when nothing can be refused any more."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One step; all names in it are quoted as they stand in the SQL.

    `table` is the one that it changes, `others` are locked with it; `subject` is the index, constraint or column that
    it is about. `undo` is what takes it back. Of a step that looks, `sql` is the condition that no row may meet.
    """

    kind: Kind
    sql: tuple[str, ...]
    table: str
    subject: str = ""
    lock: LockMode | None = None
    others: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()

    @property
    def is_transaction(self) -> bool:
        """Whether the step is a transaction together with the note that it was made."""
        return self.kind in {Kind.CHANGE, Kind.VALIDATE}

    def as_planned(self) -> OnlineStep:
        """Return what people and programs are told of the step."""
        sql = self.sql
        if self.kind is Kind.LOOK:
            sql = tuple(f"SELECT FROM {self.table} WHERE {condition} LIMIT 1" for condition in sql)
        lock = "" if self.lock is None else self.lock.sql
        return OnlineStep(str(self.kind), sql, lock, self.is_transaction)

    def as_json(self) -> dict[str, Any]:
        """Return the step as the journal keeps it."""
        return {**dataclasses.asdict(self), "lock": None if self.lock is None else int(self.lock)}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Step:
        """Return a step that the journal has kept."""
        lock = kept["lock"]
        return cls(
            kind=Kind(kept["kind"]),
            sql=tuple(kept["sql"]),
            table=kept["table"],
            subject=kept["subject"],
            lock=None if lock is None else LockMode(lock),
            others=tuple(kept["others"]),
            undo=tuple(kept["undo"]),
        )


Placed = tuple[Rank, Step]

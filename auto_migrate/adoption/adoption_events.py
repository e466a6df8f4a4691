"""What is found where migrations are to be recorded that the schema proves: see `auto_migrate.events`."""

from __future__ import annotations

from auto_migrate.drift.differences import Difference
from auto_migrate.events import Event
from auto_migrate.values import MigrationKey


class TableContradicted(Event):
    """A table of an app is there as no state has it; `differences` are from the state that it is most like."""

    app_label: str
    table: str
    differences: tuple[Difference, ...]


class ProofMissing(Event):
    """The schema is there that a migration makes, and no schema proves that these operations were carried out.

    It is `followed` if a migration that builds on it is seen to be there.
    """

    migration: MigrationKey
    operations: tuple[str, ...]
    followed: bool


class AppHeldBack(Event):
    """Nothing of an app is recorded, although its tables are there, since it builds on what is not proven."""

    app_label: str
    behind: tuple[str, ...]


class AdoptionExamined(Event):
    """These migrations are proven to be applied; `pending` others are not there, and left to a run."""

    proven: tuple[MigrationKey, ...]
    pending: tuple[MigrationKey, ...]

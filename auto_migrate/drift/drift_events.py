"""What is found where the schema of the record and the schema of the database are compared."""

from __future__ import annotations

from auto_migrate.drift.differences import Difference
from auto_migrate.events import Event
from auto_migrate.values import MigrationKey


class DriftFound(Event):
    """One difference between what the recorded migrations of `app_label` make and what is there.

    `made_by` is the migration whose own SQL names it, None if none does.
    """

    app_label: str
    difference: Difference
    made_by: MigrationKey | None = None


class DriftChecked(Event):
    """So many tables were compared with what so many recorded migrations make, and found to differ in so many ways.

    What migrations make in SQL of their own is not counted. `unclaimed` are tables that no model knows.
    """

    tables: int
    count: int
    migrations: int
    unclaimed: tuple[str, ...]

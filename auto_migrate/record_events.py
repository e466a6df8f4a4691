"""What happens to the record itself, as values like all that listeners see."""

from __future__ import annotations

from auto_migrate.events import Event
from auto_migrate.values import MigrationKey


class RecordMended(Event):
    """Another tool was killed while recording these squashes, which are applied; their rows are complete now."""

    migrations: tuple[MigrationKey, ...]


class MigrationsAdopted(Event):
    """These migrations were recorded as applied without carrying them out, since the schema proves that they were."""

    migrations: tuple[MigrationKey, ...]

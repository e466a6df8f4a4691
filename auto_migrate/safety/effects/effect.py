"""What a change does to a table while it is carried out, as a value."""

from __future__ import annotations

import dataclasses
import enum

from auto_migrate.databases.lock_modes import LockMode


class Blocks(enum.StrEnum):
    """Who has to wait while a change is carried out."""

    NOTHING = "nothing"
    WRITES = "writes"
    READS_AND_WRITES = "reads and writes"


@dataclasses.dataclass(frozen=True, slots=True)
class Effect:
    """What one change does to one table.

    `mode` is PostgreSQL's lock, None on other databases and for what locks rows alone. What `rewrites` or `scans`
    takes the longer the larger the table is; all else is done in an instant, once the lock is had. What `builds` makes
    an index out of what it scans, and what `copies` hands its rows to another table one by one.
    """

    table: str
    mode: LockMode | None = None
    rewrites: bool = False
    scans: bool = False
    builds: bool = False
    blocks: Blocks = Blocks.NOTHING
    copies: bool = False

    @property
    def works(self) -> bool:
        """Return whether it takes the longer the larger the table is."""
        return self.rewrites or self.scans

    @property
    def holds_up(self) -> bool:
        """Return whether others have to wait for work that grows with the table."""
        return self.works and self.blocks is not Blocks.NOTHING


def locks(table: str, mode: LockMode, *, rewrites: bool = False, scans: bool = False, builds: bool = False) -> Effect:
    """Return the effect of a lock of PostgreSQL's; what rewrites a table or builds an index reads it too."""
    return Effect(table, mode, rewrites, scans or rewrites or builds, builds, blocked_by(mode))


def blocked_by(mode: LockMode) -> Blocks:
    """Return who waits for a lock (PostgreSQL documentation, table 13.2)."""
    if mode is LockMode.ACCESS_EXCLUSIVE:
        return Blocks.READS_AND_WRITES
    return Blocks.WRITES if mode >= LockMode.SHARE else Blocks.NOTHING

"""PostgreSQL's table lock modes, and which of them conflict."""

from __future__ import annotations

import enum


class LockMode(enum.IntEnum):
    """Lock modes of PostgreSQL that schema changes need, weakest first."""

    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    ACCESS_EXCLUSIVE = 8

    @property
    def sql(self) -> str:
        """The mode as `LOCK TABLE` spells it."""
        return self.name.replace("_", " ")


# What a mode cannot stand beside (PostgreSQL documentation, table 13.2), as `pg_locks.mode` spells them.
CONFLICTS: dict[LockMode, frozenset[str]] = {
    LockMode.SHARE_UPDATE_EXCLUSIVE: frozenset(
        {"ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}
    ),
    LockMode.SHARE: frozenset(
        {
            "RowExclusiveLock",
            "ShareUpdateExclusiveLock",
            "ShareRowExclusiveLock",
            "ExclusiveLock",
            "AccessExclusiveLock",
        }
    ),
}


CONFLICTS[LockMode.SHARE_ROW_EXCLUSIVE] = CONFLICTS[LockMode.SHARE] | {"ShareLock"}


CONFLICTS[LockMode.ACCESS_EXCLUSIVE] = CONFLICTS[LockMode.SHARE_ROW_EXCLUSIVE] | {"AccessShareLock", "RowShareLock"}

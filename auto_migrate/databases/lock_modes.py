"""PostgreSQL's table lock modes: which of them conflict, and which of them each statement takes."""

from __future__ import annotations

import enum


class LockMode(enum.IntEnum):
    """Lock modes of PostgreSQL that reading a table and schema changes need, weakest first."""

    ACCESS_SHARE = 1
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
    LockMode.ACCESS_SHARE: frozenset({"AccessExclusiveLock"}),
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

# What each statement takes on its table; with a foreign key in it, on the table that this points to as well. From the
# page of each statement in PostgreSQL's documentation, and held to what pg_locks shows by tests on 15 and 18.
ALTER_TABLE = LockMode.ACCESS_EXCLUSIVE
"""Columns, types, names, defaults, and constraints but for foreign keys; also DROP TABLE, TRUNCATE and rewrites."""
ADD_FOREIGN_KEY = LockMode.SHARE_ROW_EXCLUSIVE
"""By itself, with a column, or with a new table."""
DROP_FOREIGN_KEY = LockMode.ACCESS_EXCLUSIVE
"""By itself, or with its column or table: its triggers go on both sides."""
VALIDATE_CONSTRAINT = LockMode.SHARE_UPDATE_EXCLUSIVE
CREATE_INDEX = LockMode.SHARE
"""Also REINDEX."""
DROP_INDEX = LockMode.ACCESS_EXCLUSIVE
INDEX_CONCURRENTLY = LockMode.SHARE_UPDATE_EXCLUSIVE
"""Built, dropped or built anew."""
RENAME_INDEX = LockMode.SHARE_UPDATE_EXCLUSIVE
COMMENT = LockMode.SHARE_UPDATE_EXCLUSIVE

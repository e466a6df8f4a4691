"""What a command's exit status tells the deploy script; every command of the package ends with one of these."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What a command's exit status tells the deploy script; `meaning` is a few words for its help."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """Return a member whose value is the exit status alone."""
        code = int.__new__(cls, value)
        code._value_, code.meaning = value, meaning
        return code

    DONE = 0, "done or nothing to do"
    MIGRATION_FAILED = 1, "a migration failed"
    USAGE = 2, "usage"
    UNREACHABLE = 3, "database unreachable"
    REFUSED = 4, "database refuses for good"
    LOCK_TIMEOUT = 5, "deploy lock not had in time"
    PLAN_REFUSED = 6, "plan refused by the safety assessment"
    DIVERGED = 7, "history diverged, a cut that nobody has finished, or a schema that is not proven"
    INTERRUPTED = 8, "interrupted at a safe place"
    BEHIND = 9, "--check: migrations are pending"
    BACKFILL_UNFINISHED = 10, "a backfill that the plan needs is not finished"

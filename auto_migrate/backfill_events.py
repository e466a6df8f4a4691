"""What happens about backfills, as values like all that listeners see."""

from __future__ import annotations

from auto_migrate.events import Event
from auto_migrate.values import BackfillKey


class BackfillProgressed(Event):
    """A backfill has `done` rows of about `total`, which is None before its start.

    `state` is one of `BackfillState`; it will take `left` seconds more, as far as anybody can tell, and waits while
    `held_by` says for what. `error` is why it failed.
    """

    backfill: BackfillKey
    state: str
    done: int
    total: int | None
    left: float | None
    held_by: str
    error: str = ""


class BackfillsUnfinished(Event):
    """These backfills go on in the background, or wait for somebody; the schema is up to date nevertheless."""

    backfills: tuple[BackfillProgressed, ...]

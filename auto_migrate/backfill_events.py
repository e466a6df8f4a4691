"""What happens about backfills, as values like all that listeners see."""

from __future__ import annotations

from auto_migrate.events import Event
from auto_migrate.values import BackfillKey, BackfillState


class BackfillProgressed(Event):
    """A backfill has `done` rows of about `total`, which is None before its start.

    `state` is one of `BackfillState`; it will take `left` seconds more, as far as anybody can tell, and waits while
    `held_by` says for what. `error` is why it failed. What is so in several schemas of tenants is told in one, with the
    names of these `schemas`; of a single one the event's context has the name.
    """

    backfill: BackfillKey
    state: str
    done: int
    total: int | None
    left: float | None
    held_by: str
    error: str = ""
    schemas: tuple[str, ...] = ()

    @property
    def is_first(self) -> bool:
        """Whether nothing is done yet, and nothing is in the way."""
        return self.state == BackfillState.RUNNING and not self.done and not self.held_by

    @property
    def is_last(self) -> bool:
        """Whether all is done."""
        return self.state == BackfillState.SUCCEEDED


class BackfillsUnfinished(Event):
    """These backfills go on in the background, or wait for somebody; the schema is up to date nevertheless."""

    backfills: tuple[BackfillProgressed, ...]

"""How one migration of a plan ends, as far as it is told outside of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ProjectState

from auto_migrate.applying.fallback import once_more, preserved, stock
from auto_migrate.applying.operation_loop import Progress
from auto_migrate.applying.transaction import OwnTransaction


class AlreadyDone(Exception):
    """Another runner was quicker; the transaction is rolled back and nothing is lost."""


@dataclasses.dataclass
class Outcome:
    """What is told of one migration when it has ended; `own` is the transaction that is to be all of it, if one is."""

    progress: Progress
    already: bool = False
    own: OwnTransaction | None = None

    @property
    def is_committed(self) -> bool:
        """Whether the transaction that is all of the migration is committed, with its record."""
        return self.own is not None and self.progress.is_committed

    @property
    def has_ended_transaction(self) -> bool:
        """Whether the migration is known to have ended the transaction that it was given."""
        return self.own is not None and self.own.ended

    def once_or_twice(
        self, work: Callable[[ProjectState], ProjectState], state: ProjectState, connection: BaseDatabaseWrapper
    ) -> ProjectState:
        """Carry the migration out from a state; if that was rolled back for it, once more from Django's own."""
        origin = preserved(state)

        def second() -> ProjectState:
            self.progress.clock.check()
            self.progress.restart()
            return work(stock(origin))

        return once_more(
            self.progress.migration,
            lambda: work(state),
            second,
            connection=connection,
            is_undone=lambda sent, error: not (sent.ended_transaction or self._is_settled(error)),
        )

    def _is_settled(self, error: Exception) -> bool:
        return self.has_ended_transaction or self.progress.is_committed or isinstance(error, AlreadyDone)

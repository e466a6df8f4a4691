"""What somebody asks of a run, as a value."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from auto_migrate.emitter import Emitter
from auto_migrate.planning.targets import Goal
from auto_migrate.retry import Retry
from auto_migrate.values import Audience, ValueObject

if TYPE_CHECKING:
    from auto_migrate.applying.recovery import Resolutions
    from auto_migrate.findings import Acknowledgement


class RunRequest(ValueObject, kw_only=True):
    """A run to be made; what is None comes from the settings.

    `lock_wait` is seconds. `queued` is the run that the history knows as queued and that is to be carried out under
    that name. `resolutions` settle operations that an earlier run was cut in, `acknowledgements` let hazards of the
    plan pass, `skip_checks` leaves Django's system checks out. The `audience` is told of by Django's signals.

    Of tenants only `tenants` are migrated, if any are named; `canaries` come first, and the rest only if all of them
    end well; when `max_failures` schemas have failed no further one is begun. `workers` schemas are migrated at a time.

    `await_turn` is called before anything is changed, with whether code of others may run and who is to be told of the
    wait; it returns when that may be.
    """

    goal: Goal | None = None
    retry: Retry | None = None
    lock_wait: float | None = None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    resolutions: Resolutions = dataclasses.field(default_factory=dict)
    queued: uuid.UUID | None = None
    requested_by: str = ""
    skip_checks: bool = False
    audience: Audience = dataclasses.field(default_factory=Audience)
    tenants: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    max_failures: int = 1
    workers: int | None = None
    await_turn: Callable[[bool, Emitter], object] | None = None

    @property
    def answers(self) -> tuple[str, ...]:
        """The resolutions as they are typed."""
        return tuple(f"{key}:{index}={verdict.value}" for (key, index), verdict in self.resolutions.items())

"""What happens where a database has a schema for each of its tenants, or comes after others, as values.

They are apart, since most projects have neither.
"""

from __future__ import annotations

from collections.abc import Sequence

from auto_migrate.events import Event
from auto_migrate.values import MigrationKey, ValueObject


class PendingPlan(ValueObject):
    """One plan for `schemas` whose records name the same migrations; `migrations` are to be carried out in each."""

    schemas: tuple[str, ...]
    migrations: tuple[MigrationKey, ...]


class SchemasCompared(Event):
    """Code and the records of `total` tenants were compared; `plans` are for those that are behind.

    `unprovisioned` tenants have no schema. The record of each in `drifting` differs from those of all others.
    `deferred` are migrations that wait for the deploy.
    """

    total: int
    plans: tuple[PendingPlan, ...]
    unprovisioned: tuple[str, ...] = ()
    drifting: tuple[str, ...] = ()
    deferred: tuple[MigrationKey, ...] = ()

    @property
    def behind(self) -> int:
        """How many schemas have something to do."""
        return sum(len(plan.schemas) for plan in self.plans)


class SchemaFinished(Event):
    """The schema of the event's context is done with: `applied` migrations, or none further for an `error`."""

    applied: int
    duration: float
    error: str = ""


class SchemasProgressed(Event):
    """Of `total` schemas `done` are done with, `failed` of them in vain; `left` are the seconds that the rest takes."""

    done: int
    total: int
    failed: int
    left: float | None


class TurnAwaited(Event):
    """This database is changed when `other`, which comes before it, is done; `waited` seconds have passed so far."""

    other: str
    waited: float


TenantEvent = SchemasCompared | SchemaFinished | SchemasProgressed | TurnAwaited


def first_names(names: Sequence[str], most: int) -> str:
    """Return the names of schemas as one text, the first of them if there are many."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")

"""What happens during a run, as values; the only thing that listeners see.

The engine knows no printing: it hands every listener an event and the context it happened in. Events are told in the
past or present tense of the pipeline's own words, carry data and no sentences, and can all be written as JSON.
"""

from __future__ import annotations

import datetime
import re
import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from auto_migrate.values import (
    Blocker,
    Holder,
    MigrationKey,
    SchemaState,
    TimedOperation,
    ValueObject,
    WantedLock,
    jsonable,
)

if TYPE_CHECKING:
    from auto_migrate.findings import Acknowledgement, AssessedMigration, Finding, Forecast


class Context(ValueObject):
    """Where and when an event happened; with tenants in which `schema`, and if `is_part` in that of one of them."""

    database: str
    run_id: uuid.UUID
    at: datetime.datetime
    schema: str = ""
    is_part: bool = False


class Event(ValueObject):
    """Something that happened in a run."""

    kind: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def as_dict(self) -> dict[str, Any]:
        """Return the event's fields as values that `json.dumps` takes."""
        return {name: jsonable(value) for name, value in vars(self).items()}


class Listener(Protocol):
    """Anything that wants to know. A listener that raises is logged and does not stop the run."""

    def __call__(self, event: Event, context: Context) -> None: ...


# -- wait -------------------------------------------------------------------------------------------------------------


class WaitStarted(Event):
    """Somebody who only waits for the database began; up to `attempts` attempts."""

    attempts: int


class DatabaseReady(Event):
    """The database answers and accepts writes, after `waited` seconds of only waiting for it."""

    waited: float


class RunStarted(Event):
    """A run began; it may make up to `attempts` attempts. `phase` is `all`, `pre_deploy` or `post_deploy`."""

    attempts: int
    phase: str = "all"


class RunClaimed(Event):
    """The run had been asked for over HTTP, and this process has taken it over."""


class AttemptStarted(Event):
    """An attempt began (1-based) with testing the connection."""

    attempt: int
    attempts: int


class AttemptFailed(Event):
    """An attempt met a transient error. `detail` is the driver's own text."""

    attempt: int
    attempts: int
    reason: str
    detail: str


class RetryScheduled(Event):
    """The next attempt starts in `delay` seconds."""

    delay: float


class NotificationTested(Event):
    """A test was sent to an address of `NOTIFY`, of which `service` holds no secret; `error` is empty if it arrived."""

    service: str
    error: str


# -- compare ----------------------------------------------------------------------------------------------------------


class StateCompared(Event):
    """Code and database were compared, for the phase of the run.

    `unknown` are recorded migrations that this code does not have, `deferred` those that wait for the deploy.
    """

    state: SchemaState
    pending: tuple[MigrationKey, ...]
    unknown: tuple[MigrationKey, ...]
    deferred: tuple[MigrationKey, ...] = ()
    phase: str = "all"


class DatabaseAwaited(Event):
    """Somebody who waits for migrations cannot ask the database; `waited` seconds have passed so far."""

    waited: float
    reason: str
    detail: str


class MigrationsAwaited(Event):
    """Somebody waits until `pending` migrations are applied; `holder` of the deploy lock is None if nobody migrates."""

    waited: float
    pending: int
    holder: Holder | None


class NothingPending(Event):
    """Nothing that this code needs is pending, found by somebody who only asked or waited `waited` seconds for it."""

    state: SchemaState
    waited: float


# -- lock -------------------------------------------------------------------------------------------------------------


class LockAwaited(Event):
    """Another runner holds the deploy lock; `waited` seconds have passed so far."""

    waited: float
    holder: Holder | None


class LockAcquired(Event):
    """This run holds the deploy lock, after `waited` seconds."""

    waited: float


class PoolerNoticed(Event):
    """The plan has migrations that are not atomic, and a pooler in between keeps their sessions from being limited."""


class OlderReleasesNoticed(Event):
    """What is about to be applied is for after the deploy, and these clients do not say that they are of this release.

    Each is an `application_name`, with the number of its connections where it has several.
    """

    clients: tuple[str, ...]


# -- assess -----------------------------------------------------------------------------------------------------------


class MigrationAssessed(Event):
    """One migration of a plan that somebody wants to see, with what was found; `left` if it waits for the deploy."""

    assessed: AssessedMigration
    left: bool = False


class PlanAssessed(Event):
    """The plan was judged: `blocking` findings stop it, `later` ones will stop what is left for after the deploy.

    `unmatched` acknowledgements match nothing in it. `plan` is its fingerprint, `forecast` None where nobody asked, and
    `obstacle` what else stops it, empty if nothing does. Of the statements `unlooked` nobody could tell whether rows
    forbid them.
    """

    findings: tuple[Finding, ...]
    blocking: tuple[Finding, ...]
    unmatched: tuple[Acknowledgement, ...]
    later: tuple[Finding, ...] = ()
    plan: str = ""
    forecast: Forecast | None = None
    obstacle: str = ""
    unlooked: tuple[str, ...] = ()


# -- apply ------------------------------------------------------------------------------------------------------------


class MigratingStarted(Event):
    """The deploy lock is held and the plan is about to be carried out."""


class PlanMade(Event):
    """What the run is about to do for the leaf nodes of `app_labels`, or for one `target`; "zero" unapplies all."""

    app_labels: tuple[str, ...]
    target: MigrationKey | None
    migrations: tuple[MigrationKey, ...]
    backwards: bool


class MigrationStarted(Event):
    """Migration number `index` (1-based) of `total` began."""

    migration: MigrationKey
    index: int
    total: int
    backwards: bool


class TablesAwaited(Event):
    """The migration waits until its tables are free, for the locks `wanted`; `waited` seconds have passed so far.

    Comes inside a migration's transaction, as `SessionsAwaited` does: listeners must not use its connection.
    """

    migration: MigrationKey
    waited: float
    blockers: tuple[Blocker, ...]
    wanted: tuple[WantedLock, ...] = ()


class OnlineStepStarted(Event):
    """Operation `operation` (1-based) of a migration is carried out online, and its step `step` of `steps` begins.

    `name` says what it is: `look`, `change`, `build_index`, `drop_index`, `validate` or `fill`; `table` is quoted.
    """

    migration: MigrationKey
    operation: int
    step: int
    steps: int
    name: str
    table: str


class TableCopied(Event):
    """Operation `operation` (1-based) has copied a table while writes waited, since the server knew no other way.

    It was let: the table is small, or somebody has said so. `reason` is the server's.
    """

    migration: MigrationKey
    operation: int
    table: str
    reason: str


class IndexProgressed(Event):
    """The server is at work on an index: in which phase, how much of it is done in percent, after how many seconds.

    `percent` is None in phases that wait for others. Comes from another thread: listeners must not use the run's
    connection.
    """

    table: str
    phase: str
    percent: float | None
    waited: float


class RowsFilled(Event):
    """Rows of a table, whose name is quoted, are filled block by block: how much of it is done, in percent.

    It waits while `held_by` says for what, as a backfill does.
    """

    table: str
    percent: float
    held_by: str


class SessionsAwaited(Event):
    """The run stands still since other sessions are in its way; `waited` seconds have passed so far.

    `reason` is `record` (another transaction holds the lock on the record), `fence` (another runner is at work outside
    of a transaction), `build` (an index build that a runner left behind), `rehearsal` (another one makes its scratch
    database), `statement` (a statement of this run waits in the server) or `silence` (nothing is answered, not even on
    another connection). Comes inside transactions and from another thread: listeners must not use the run's connection.
    """

    reason: str
    waited: float
    blockers: tuple[Blocker, ...]


class MigrationFinished(Event):
    """The migration is applied (or unapplied) and recorded, after `duration` seconds.

    `already` tells that another runner had applied it meanwhile, so that nothing was done. `operations` are those that
    were carried out one by one.
    """

    migration: MigrationKey
    index: int
    total: int
    backwards: bool
    duration: float
    already: bool = False
    operations: tuple[TimedOperation, ...] = ()


class MigrationStopped(Event):
    """The migration raised and its transaction was rolled back; `error` is one short text.

    `operations` are those that were carried out one by one; the last one was under way.
    """

    migration: MigrationKey
    index: int
    total: int
    backwards: bool
    error: str
    operations: tuple[TimedOperation, ...] = ()


# -- verify -----------------------------------------------------------------------------------------------------------


class VerifyStarted(Event):
    """Everything was applied; the state is being looked at once more."""


class RunSucceeded(Event):
    """The database is as this code needs it. `applied` migrations were carried out in `duration` seconds.

    `fingerprint` is of what the database is up to date with; empty where the run learned nothing new.
    """

    state: SchemaState
    applied: int
    duration: float
    fingerprint: str = ""


class RunFailed(Event):
    """The run, the wait or the check ended with `exit_code`; `error` says why and `hint` what to type next."""

    exit_code: int
    error: str
    hint: str


class RunStopped(Event):
    """A signal ended the run at a safe place; `applied` migrations stay applied.

    `waiting` tells that somebody only waited or looked, and was to change nothing.
    """

    exit_code: int
    applied: int
    waiting: bool = False

"""What everybody speaks of: migrations, states, and who holds or blocks what."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import operator
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform

if TYPE_CHECKING:
    from django.core.management.base import OutputWrapper
    from django.db.migrations.migration import Migration


@dataclass_transform(frozen_default=True)
class ValueObject:
    """A frozen dataclass, by its base and not by a decorator.

    What `dataclasses` writes anew for each class takes a third of what a deploy takes to import this app, so that it
    writes the constructors only.
    """

    _compared: ClassVar[Callable[[Any], Any]] = type

    def __init_subclass__(cls, **options: bool) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(eq=False, repr=False, **options)(cls)
        if names := [field.name for field in dataclasses.fields(cls) if field.compare]:  # type: ignore[arg-type]
            cls._compared = operator.attrgetter(*names)

    def __setattr__(self, name: str, value: object) -> None:
        if name in vars(self):
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            # It may know better, as `unittest.mock.ANY` does.
            return NotImplemented
        return bool(type(self)._compared(self) == type(self)._compared(other))

    def __hash__(self) -> int:
        return hash((type(self), type(self)._compared(self)))

    def __repr__(self) -> str:
        shown = [field.name for field in dataclasses.fields(self) if field.repr]  # type: ignore[arg-type] # it is one
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


# A migration in Django's graph, as `(app_label, name)`.
Node = tuple[str, str]


class SchemaState(enum.StrEnum):
    """How the code's migrations and the database's record compare."""

    UP_TO_DATE = "up_to_date"
    BEHIND = "behind"
    AHEAD = "ahead"
    DIVERGED = "diverged"


class TenantsState(ValueObject):
    """How the schemas of tenants stand, by their names: `total` have one, `pending` counts in those that are behind.

    `failed` are those of the latter in which a migration failed; `unprovisioned` are tenants without a schema. `shared`
    is the state of the schema that all of them share.
    """

    total: int
    states: Mapping[str, SchemaState]
    pending: Mapping[str, int]
    failed: frozenset[str]
    unprovisioned: tuple[str, ...] = ()
    shared: SchemaState = SchemaState.UP_TO_DATE


class RunStatus(enum.StrEnum):
    """Where a run is, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StepStatus(enum.StrEnum):
    """Where one migration of a run is, or how it ended."""

    PENDING = "pending"
    RUNNING = "running"
    APPLIED = "applied"
    UNAPPLIED = "unapplied"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class BackfillState(enum.StrEnum):
    """Where a backfill is, or how it ended."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BackfillKey(ValueObject):
    """A backfill's identity: the app of its model and its name, whatever migration it stands in."""

    app_label: str
    name: str

    def __str__(self) -> str:
        return f"{self.app_label}.{self.name}"


class MigrationKey(ValueObject):
    """A migration's identity."""

    app_label: str
    name: str

    @classmethod
    def of(cls, migration: Migration) -> MigrationKey:
        """Return the identity of one of Django's migrations."""
        return cls(migration.app_label, migration.name)

    def __str__(self) -> str:
        return f"{self.app_label}.{self.name}"


# An operation (1-based) of a migration.
OperationKey = tuple[MigrationKey, int]


class Holder(ValueObject):
    """Who holds the deploy lock. Fields that the database does not tell are empty or None."""

    description: str
    since: datetime.datetime | None = None
    migration: MigrationKey | None = None
    migration_since: datetime.datetime | None = None


class Blocker(ValueObject):
    """A transaction that holds a table which a migration needs. What the database hides is None or empty.

    `age` is the transaction's, in seconds; `query` its current or last statement, shortened.
    """

    table: str
    pid: int | None
    user: str
    application: str
    state: str
    autovacuum: bool
    age: float | None
    query: str


class BridgeKind(enum.StrEnum):
    """What the database does for the release that is still running, or that does not know a column any more."""

    DEFAULT = "default"
    """A new column has a default, so that code that does not know it can write rows."""
    FILL = "fill"
    """A trigger puts a value where code still writes NULL into a column that takes none any more."""
    NOT_NULL = "not_null"
    """A column that is to go takes NULL, so that code that has forgotten it can write rows."""
    FOREIGN_KEY = "foreign_key"
    """A constraint of what is to go is gone, so that code that has forgotten it can delete what it points to."""
    HELD_NOT_NULL = "held_not_null"
    """A column that is to take NULL no more goes on taking it, so that code that does not know can write it."""
    HELD_CONSTRAINT = "held_constraint"
    """A new constraint is not made yet, so that code that does not know it can write what it will refuse."""


# SQLite makes a table anew for each change of a column, and knows no change of a default alone.
BRIDGED_VENDORS = frozenset({"postgresql", "mysql"})
# Those that belong to a migration which waits for the deploy, and go with it.
LOOSENED = frozenset({BridgeKind.NOT_NULL, BridgeKind.FOREIGN_KEY})
# Those of a migration that was applied without them; to take such a bridge down is to make what it holds back.
HELD = frozenset({BridgeKind.HELD_NOT_NULL, BridgeKind.HELD_CONSTRAINT})
# Those by which the database lacks something, where others give it something more.
LACKING = LOOSENED | HELD


class Bridge(ValueObject):
    """What stands in one table for as long as two releases run, and is no part of the schema that the code describes.

    `name` is the constraint's or the trigger's, `definition` its SQL as the database shows it: a default's expression,
    a constraint's definition. `released_at` is when a release step that found or raised it succeeded, `released_as`
    the release of that one: code from before is gone some time after that. `schema` is the tenant's, empty for the one
    that all share and where there are no tenants.
    """

    kind: BridgeKind
    migration: MigrationKey
    table: str
    column: str
    name: str = ""
    definition: str = ""
    raised_at: datetime.datetime | None = None
    released_at: datetime.datetime | None = None
    released_as: str = ""
    schema: str = ""


class WantedLock(ValueObject):
    """A lock that a run waits for: a table, and PostgreSQL's mode as `LOCK TABLE` spells it."""

    table: str
    mode: str


class TimedOperation(ValueObject):
    """When an operation (1-based) of a migration was carried out, and for how many seconds; `name` is of its class.

    What an earlier run has done already took this one no time.
    """

    operation: int
    name: str
    began: datetime.datetime
    duration: float

    @property
    def ended(self) -> datetime.datetime:
        """Return when it was over."""
        return self.began + datetime.timedelta(seconds=self.duration)


class Audience(ValueObject):
    """What receivers of Django's signals are told of a command: its verbosity, whether it may ask, where it writes."""

    verbosity: int = 0
    interactive: bool = False
    stdout: OutputWrapper | None = None


class IndexCondition(enum.Enum):
    """What there is of an index."""

    MISSING = "missing"
    INVALID = "invalid"
    VALID = "valid"


class IndexBuild(ValueObject):
    """A build that goes on: on which table, in which phase, how much of it is done in percent, and for how long (s)."""

    table: str
    phase: str
    percent: float | None
    seconds: float


def jsonable(value: Any) -> Any:
    """Turn a field of an event into what JSON knows; migrations become `app_label.name`."""
    if isinstance(value, BackfillKey | MigrationKey | uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [jsonable(item) for item in value]
    return value

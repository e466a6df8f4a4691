"""The tables of the history: runs, the steps of each and what else is told of one, bridges that stand, and backfills.

They live in the database that was migrated and are made on first use, as Django makes `django_migrations`, so that the
record exists before the first migration and survives a plan that fails. Their models stay in a registry of their own:
no project sees them in a plan, in `makemigrations` or among its content types.
"""

from __future__ import annotations

import contextlib
import enum
import uuid
from collections.abc import Collection, Iterator
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from django.apps.registry import Apps
from django.db import DatabaseError, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from auto_migrate.databases.deferred_sql import flush_deferred
from auto_migrate.databases.postgresql.session_settings import own_session
from auto_migrate.tenancy import in_public, tenancy_of
from auto_migrate.values import BackfillKey, BackfillState, BridgeKind, RunStatus, StepStatus

registry = Apps()


def choices(states: type[enum.StrEnum]) -> list[tuple[str, str]]:
    """Return an enum of states as a field's choices."""
    return [(state.value, state.value) for state in states]


class RunRecord(models.Model):
    """One run of the pipeline on this database."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    status = models.CharField(max_length=16, choices=choices(RunStatus))
    # all, pre_deploy or post_deploy; and what a pre_deploy run left for after the deploy.
    phase = models.CharField(max_length=16, db_default="all")
    deferred = models.JSONField(null=True)
    requested_by = models.CharField(max_length=150, db_default="")
    release = models.CharField(max_length=200, db_default="")
    host = models.CharField(max_length=255, db_default="")
    pid = models.BigIntegerField(null=True)
    requested_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(null=True)
    exit_code = models.SmallIntegerField(null=True)
    error = models.TextField(null=True)  # noqa: DJ001 # a column that may be added later must not need a default
    hint = models.TextField(null=True)  # noqa: DJ001 # likewise
    # What the assessment of its plan found, as JSON: see auto_migrate.findings.
    findings = models.JSONField(null=True)
    # What the run found up to date: see auto_migrate.planning.fingerprint.
    fingerprint = models.CharField(max_length=64, null=True, db_index=True)  # noqa: DJ001 # as with error
    # Taken by the one run that was asked for over HTTP and has not ended; NULL otherwise, and NULLs do not collide.
    slot = models.CharField(max_length=16, null=True, unique=True)  # noqa: DJ001 # NULL is the point

    objects: ClassVar[models.Manager[RunRecord]] = models.Manager()
    steps: models.Manager[StepRecord]

    class Meta:
        app_label = "auto_migrate"
        apps = registry
        db_table = "auto_migrate_run"
        ordering = ["-requested_at"]

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class StepRecord(models.Model):
    """One migration of a run."""

    # Found by the index below.
    run = models.ForeignKey(RunRecord, on_delete=models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField()
    app_label = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    # The tenant's schema; empty for the one that all share, and where there are no tenants.
    schema_name = models.CharField(max_length=63, db_default="")
    # Of a migration that is journaled: see auto_migrate.history.schema_identity.
    schema_identity = models.CharField(max_length=32, null=True)  # noqa: DJ001 # NULL is nobody's
    backwards = models.BooleanField(db_default=False)
    status = models.CharField(max_length=16, choices=choices(StepStatus))
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    duration = models.FloatField(null=True)
    error = models.TextField(null=True)  # noqa: DJ001 # a column that may be added later must not need a default
    # The journal of a migration that cannot be rolled back as a whole: see auto_migrate.history.journal.
    operations_done = models.PositiveIntegerField(db_default=0)
    operation_started = models.PositiveIntegerField(null=True)
    done_digest = models.CharField(max_length=64, null=True)  # noqa: DJ001 # as with error
    # What the schema was when that operation began, where no transaction would take it back.
    schema_before = models.CharField(max_length=64, null=True)  # noqa: DJ001 # as with error

    # Its statements, where each of them commits by itself: see auto_migrate.applying.statement_journal.
    statements = models.JSONField(null=True)
    # The steps of an operation that is carried out online, and how many are taken; empty between such operations.
    online = models.JSONField(null=True)

    objects: ClassVar[models.Manager[StepRecord]] = models.Manager()

    class Meta:
        app_label = "auto_migrate"
        apps = registry
        db_table = "auto_migrate_step"
        indexes = [models.Index(fields=["run", "schema_name", "app_label", "name"], name="auto_migrate_step_of_run")]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.app_label}.{self.name} ({self.status})"


class BridgeRecord(models.Model):
    """One bridge that stands: see `auto_migrate.values.Bridge`."""

    # The tenant's schema; empty for the one that all share, and where there are no tenants.
    schema_name = models.CharField(max_length=63, db_default="")
    kind = models.CharField(max_length=16, choices=choices(BridgeKind))
    # The migration that it was raised for.
    app_label = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    table_name = models.CharField(max_length=255)
    column_name = models.CharField(max_length=255, db_default="")
    object_name = models.CharField(max_length=255, db_default="")
    definition = models.TextField(null=True)  # noqa: DJ001 # NULL while nobody has looked yet
    raised_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True)
    released_as = models.CharField(max_length=200, db_default="")

    objects: ClassVar[models.Manager[BridgeRecord]] = models.Manager()

    class Meta:
        app_label = "auto_migrate"
        apps = registry
        db_table = "auto_migrate_bridge"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.table_name}.{self.column_name}"


OF_SCHEMA = models.UniqueConstraint(fields=["app_label", "name", "schema"], name="auto_migrate_backfill_of_schema")


class BackfillRecord(models.Model):
    """One backfill of this database, or of one tenant's schema: how far it is, and who is at work on it."""

    id = models.BigAutoField(primary_key=True)
    app_label = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    # The tenant's; empty for the one that all share, and where there are no tenants.
    schema = models.CharField(max_length=63, db_default="")
    # By which a schema that was renamed is known again: see auto_migrate.history.schema_identity.
    schema_identity = models.CharField(max_length=32, null=True)  # noqa: DJ001 # NULL is nobody's
    state = models.CharField(max_length=16, choices=choices(BackfillState))
    background = models.BooleanField(db_default=False)
    # Whether what was done is being taken back.
    backwards = models.BooleanField(db_default=False)
    # Rows that it has passed, and how many there were at its start; NULL before that.
    done = models.BigIntegerField(db_default=0)
    total = models.BigIntegerField(null=True)
    # The last key that it has passed, and the last one that there was at its start: see auto_migrate.backfills.keys.
    cursor = models.TextField(null=True)  # noqa: DJ001 # NULL is before the first row
    upper = models.TextField(null=True)  # noqa: DJ001 # NULL is before its start
    # The size of the next batch, and the seconds that all of them have taken.
    batch_rows = models.PositiveIntegerField()
    seconds = models.FloatField(db_default=0.0)
    # Why it waits; empty while it does not.
    held_by = models.CharField(max_length=500, db_default="")
    error = models.TextField(null=True)  # noqa: DJ001 # NULL is none
    # Who has it: the fence against a worker that was taken for dead and is not.
    worker = models.CharField(max_length=300, db_default="")
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[BackfillRecord]] = models.Manager()

    class Meta:
        app_label = "auto_migrate"
        apps = registry
        db_table = "auto_migrate_backfill"
        constraints = [OF_SCHEMA]
        ordering = ["requested_at", "id"]
        verbose_name = "backfill"

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"

    @property
    def key(self) -> BackfillKey:
        """Its identity."""
        return BackfillKey(self.app_label, self.name)

    @property
    def left(self) -> float | None:
        """The seconds that it will still take at the pace that it has had; None where nobody can tell yet."""
        if self.state == BackfillState.SUCCEEDED or (self.total is not None and self.done >= self.total):
            return 0.0
        if self.total is None or not self.done:
            return None
        return (self.total - self.done) * self.seconds / self.done


class EventRecord(models.Model):
    """What is told of a run beside its steps: a wait, an attempt that failed, what an operator wants of it."""

    # No foreign key: it would take a lock on the run's row, which the run itself writes to.
    run_id = models.UUIDField(db_index=True)
    # Of one of auto_migrate.events, or of the wishes in auto_migrate.history.run_log.
    kind = models.CharField(max_length=32)
    at = models.DateTimeField()
    # Who pressed the button; empty for what the run tells by itself.
    by = models.CharField(max_length=150, db_default="")
    # The event's own fields, as JSON.
    detail = models.JSONField(null=True)

    objects: ClassVar[models.Manager[EventRecord]] = models.Manager()

    class Meta:
        app_label = "auto_migrate"
        apps = registry
        db_table = "auto_migrate_event"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.run_id}"


# What goes as a column comes: an older version let there be one backfill of each name a database.
REPLACED: dict[models.Field[Any, Any], tuple[models.UniqueConstraint, models.UniqueConstraint]] = {
    BackfillRecord._meta.get_field("schema"): (
        models.UniqueConstraint(fields=["app_label", "name"], name="auto_migrate_backfill_name"),
        OF_SCHEMA,
    )
}

# Every run makes these; the tables of bridges and of backfills are made by the first of them.
TABLES: tuple[type[models.Model], ...] = (RunRecord, StepRecord, EventRecord)
ALL_TABLES: tuple[type[models.Model], ...] = (*TABLES, BridgeRecord, BackfillRecord)
OWN_TABLES = frozenset(model._meta.db_table for model in ALL_TABLES)

# Tables that were seen to have all columns that this version knows, of the session that each connection had then.
_whole: WeakKeyDictionary[BaseDatabaseWrapper, tuple[object, set[str]]] = WeakKeyDictionary()

# How far along the search path a schema lies; what is in none of its own, such as a temporary table, comes first.
PLACE = "coalesce(array_position(current_schemas(false), nspname), 0)"
# Those of some names, as Django's introspection lists all that there are; but no further along the search path than the
# record of migrations, or where it would be made. Schemas with a record each have a history each, whatever they see.
EXISTING = f"""
    WITH seen AS (
        SELECT relname, {PLACE} AS place FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relname = ANY(%s) AND relkind IN ('r', 'p', 'f') AND NOT relispartition
          AND pg_table_is_visible(pg_class.oid)
    )
    SELECT relname FROM seen
    WHERE place <= coalesce((SELECT place FROM seen AS record WHERE relname = %s), 1)
"""  # noqa: S608 # all of it stands here


def have_tables(connection: BaseDatabaseWrapper, *needed: type[models.Model]) -> bool:
    """Return whether some tables of the history exist, by default those without which there is none."""
    wanted = {model._meta.db_table for model in needed or (RunRecord, StepRecord)}
    with in_public(connection.alias), own_session(connection):
        return _existing(connection, wanted) == wanted


def _existing(connection: BaseDatabaseWrapper, names: Collection[str]) -> set[str]:
    """Return those of some names that are names of tables."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            return set(connection.introspection.table_names(cursor)).intersection(names)
        # A list of all has to go through the tables of every tenant.
        record = MigrationRecorder.Migration._meta.db_table
        cursor.execute(EXISTING, [[*names, record], record])
        return {name for (name,) in cursor.fetchall()}.intersection(names)


def ensure_tables(connection: BaseDatabaseWrapper, models: Collection[type[models.Model]] = TABLES) -> None:
    """Make what is missing: a table, or a column that an older version of this app did not have.

    Tenants keep none of their own: they find those of the schema that all share.
    """
    wanted = [model for model in models if not is_known_whole(connection, model)]
    if not wanted:
        return
    # What a transaction makes may be rolled back.
    lasts = not connection.in_atomic_block
    with in_public(connection.alias), own_session(connection):
        existing = _existing(connection, [model._meta.db_table for model in wanted])
        for model in wanted:
            if model._meta.db_table not in existing:
                _create(connection, model)
            elif not _widen(connection, model):
                _whole_tables(connection).add(model._meta.db_table)
    if lasts:
        _whole_tables(connection).update(model._meta.db_table for model in wanted)


def is_known_whole(connection: BaseDatabaseWrapper, model: type[models.Model]) -> bool:
    """Return whether this session was seen to have a table with all columns: each of thousands of schemas asks."""
    return model._meta.db_table in _whole_tables(connection)


def _whole_tables(connection: BaseDatabaseWrapper) -> set[str]:
    if tenancy_of(connection.alias) is None:
        # The search path may lead to another history next time.
        return set()
    session, names = _whole.get(connection, (None, set[str]()))
    if session is None or session is not connection.connection:
        session, names = connection.connection, set()
        _whole[connection] = session, names
    return names


@contextlib.contextmanager
def transactional_tables(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have tables made that know transactions, whichever engine MySQL takes where none is named."""
    if connection.vendor != "mysql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.default_storage_engine")
        [usual] = cursor.fetchone()
        cursor.execute("SET SESSION default_storage_engine = InnoDB")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION default_storage_engine = %s", [usual])


def _create(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    try:
        with transactional_tables(connection), connection.schema_editor() as editor:
            editor.create_model(model)
            flush_deferred(editor)
    except DatabaseError:
        # Nobody needs the deploy lock to write history, so another process may have been quicker.
        if not _existing(connection, [model._meta.db_table]):
            raise


def _missing_fields(connection: BaseDatabaseWrapper, model: type[models.Model]) -> list[models.Field[object, object]]:
    # Not by Django's introspection, which some backends for tenants replace by less.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)} WHERE 1 = 0")  # noqa: S608
        columns = {column[0] for column in cursor.description}
    return [field for field in model._meta.local_fields if field.column not in columns]


def _widen(connection: BaseDatabaseWrapper, model: type[models.Model]) -> bool:
    """Add the columns that are missing; return whether there were any."""
    missing = _missing_fields(connection, model)
    if not missing:
        return False
    try:
        with connection.schema_editor() as editor:
            for field in missing:
                editor.add_field(model, field)
                # Tenants are PostgreSQL's, where all of this is one transaction.
                if connection.vendor == "postgresql" and (constraints := REPLACED.get(field)) is not None:
                    former, new = constraints
                    editor.remove_constraint(model, former)
                    editor.add_constraint(model, new)
            flush_deferred(editor)
    except DatabaseError:
        if _missing_fields(connection, model):
            raise
    return True

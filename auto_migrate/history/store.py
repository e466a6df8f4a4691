"""Reading and writing the history of one database."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import re
import socket
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, IntegrityError, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Q, QuerySet
from django.utils import timezone

from auto_migrate.active_schema import active_schema
from auto_migrate.conf import get_settings
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.history.models import BridgeRecord, RunRecord, StepRecord, ensure_tables, have_tables
from auto_migrate.history.optional_tables import presence
from auto_migrate.history.tenant_steps import plan_here
from auto_migrate.redaction import redacted
from auto_migrate.values import MigrationKey, RunStatus, StepStatus

# In the history's own language, as everything that it keeps.
LOST = "The process that carried the run out ended without saying how."
HTTP_SLOT = "http"
RELEASE_LENGTH = 200
# What is kept of a finding; the rest can be read from the code again.
KEPT = ("code", "level", "migration", "operation", "table", "title", "acknowledged", "handled")
ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)
# PostgreSQL keeps no NUL, and half of a surrogate pair has no place in UTF-8: what failed may have said both.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


NOTE = """
    UPDATE {table} SET {status} = %s, {started_at} = COALESCE(%s, {started_at}),
        {finished_at} = COALESCE(%s, {finished_at}), {duration} = %s, {error} = %s
    WHERE {run} = %s AND {app_label} = %s AND {name} = %s AND {schema_name} = %s
"""


@dataclasses.dataclass(frozen=True)
class StepNote:
    """Where one migration of a run is: since `at` under way, or ended at that time after `duration` seconds."""

    migration: MigrationKey
    status: StepStatus
    at: datetime.datetime = dataclasses.field(default_factory=timezone.now)
    duration: float | None = None
    error: str | None = None

    def values(self, run_id: uuid.UUID) -> Iterator[tuple[str, object]]:
        """Return the fields in the order in which `NOTE` takes them."""
        begins = self.status == StepStatus.RUNNING
        yield "status", self.status
        yield "started_at", self.at if begins else None
        yield "finished_at", None if begins else self.at
        yield "duration", self.duration
        yield "error", self.error
        yield "run", run_id
        yield "app_label", self.migration.app_label
        yield "name", self.migration.name
        yield "schema_name", active_schema()


@dataclasses.dataclass(frozen=True)
class LastAnswer:
    """The fingerprint that a run has left, empty if it left none, and whether the database may have bridges."""

    fingerprint: str
    may_have_bridges: bool


class SlotTaken(Exception):
    """Another run that was asked for over HTTP has not ended."""


class History:
    """The runs kept in one database; every method makes the tables first if they are not there."""

    def __init__(self, database: str = DEFAULT_DB_ALIAS) -> None:
        self.database = database
        # Whether texts are written in ASCII, which every encoding of a database holds.
        self.plain = False

    def ensure_tables(self) -> None:
        """Make the tables, or widen them to what this version writes."""
        ensure_tables(connections[self.database])

    def runs(self) -> QuerySet[RunRecord]:
        """Return all runs, newest first; none while the tables do not exist."""
        runs = RunRecord.objects.using(self.database)
        return runs.all() if have_tables(connections[self.database]) else runs.none()

    def get(self, run_id: uuid.UUID) -> RunRecord | None:
        """Return one run with its steps, or None."""
        return self.runs().prefetch_related("steps").filter(pk=run_id).first()

    def queued(self) -> RunRecord | None:
        """Return the run that was asked for and that nobody has begun, if any."""
        return self.runs().filter(status=RunStatus.QUEUED).first()

    def knows(self, beginning: str) -> bool:
        """Return whether a run found the database up to date with a fingerprint that begins so."""
        found = RunRecord.objects.using(self.database).filter(fingerprint__startswith=beginning)
        return bool(self._tell(found.exists))

    def last_answer(self, *, but: uuid.UUID) -> LastAnswer:
        """Return what the newest run, this one aside, has found, by one query."""
        begun = RunRecord.objects.using(self.database).exclude(pk=but).exclude(status=RunStatus.QUEUED)
        has_bridges = presence(self.database, BridgeRecord)
        fingerprint, may_have_bridges = self._tell(begun.values_list("fingerprint", has_bridges).first) or (None, True)
        return LastAnswer(fingerprint or "", bool(may_have_bridges))

    def forget_answers(self) -> None:
        """Forget what runs have found: somebody has done since what only they do."""
        if have_tables(connections[self.database]):
            RunRecord.objects.using(self.database).exclude(fingerprint=None).update(fingerprint=None)

    def _tell(self, question: Callable[[], Any]) -> Any:
        """Return the answer to a question to the history, None where it cannot be asked yet."""
        try:
            with savepoint(self.database):
                return question()
        except DatabaseError:
            # An older version of this app made the table, or nobody has yet: the next run does.
            return None

    def released(self) -> frozenset[MigrationKey]:
        """Return the migrations that a successful pre_deploy run has left for after its deploy: their code is out."""
        runs = self.runs().filter(phase="pre_deploy", status=RunStatus.SUCCEEDED, deferred__isnull=False)
        names = {name for deferred in runs.values_list("deferred", flat=True) for name in deferred}
        return frozenset(MigrationKey(*name.split(".", 1)) for name in names)

    def first_plan(self) -> frozenset[MigrationKey]:
        """Return what runs were to apply while none has ended well yet; nothing as soon as one has."""
        if self.runs().filter(status=RunStatus.SUCCEEDED).exists():
            return frozenset()
        return frozenset[MigrationKey]().union(*self.unfinished_plans())

    def unfinished_plans(self) -> list[frozenset[MigrationKey]]:
        """Return what each run was to apply that began since one has ended well."""
        if not have_tables(connections[self.database]):
            return []
        steps = StepRecord.objects.using(self.database).filter(backwards=False, schema_name=active_schema())
        ended_well = RunRecord.objects.using(self.database).filter(status=RunStatus.SUCCEEDED)
        if last := ended_well.values_list("requested_at", flat=True).first():
            steps = steps.filter(run__requested_at__gt=last)
        plans: dict[uuid.UUID, set[MigrationKey]] = {}
        for run, *key in self._tell(lambda: list(steps.values_list("run_id", "app_label", "name"))) or ():
            plans.setdefault(run, set()).add(MigrationKey(*key))
        return list(map(frozenset, plans.values()))

    def newest(self, phase: str, status: RunStatus) -> RunRecord | None:
        """Return the newest run of a phase that ended in this way."""
        return self.runs().filter(phase=phase, status=status).first()

    def enqueue(self, requested_by: str, *, phase: str = "all") -> RunRecord:
        """Record a run that somebody asked for over HTTP; raise `SlotTaken` while an earlier one has not ended."""
        self.ensure_tables()
        run = RunRecord(
            id=uuid.uuid4(), status=RunStatus.QUEUED, requested_by=requested_by, phase=phase, slot=HTTP_SLOT
        )
        try:
            with transaction.atomic(using=self.database):
                run.save(using=self.database, force_insert=True)
        except IntegrityError as error:
            raise SlotTaken from error
        return run

    def abandon(self, run_id: uuid.UUID, *, error: str, status: RunStatus = RunStatus.INTERRUPTED) -> bool:
        """End an active run that nobody carries out any more; return whether it still was active."""
        active = RunRecord.objects.using(self.database).filter(pk=run_id, status__in=ACTIVE)
        ended = active.update(status=status, finished_at=timezone.now(), slot=None, error=storable(error))
        if not active.exists():
            self.end_steps(run_id)
        return bool(ended)

    def end_steps(self, run_id: uuid.UUID) -> None:
        """Record of a run that did not end well that nobody is at work on its steps any more."""
        running = StepRecord.objects.using(self.database).filter(run_id=run_id, status=StepStatus.RUNNING)
        if running.exists():
            self._close(running)

    def claim(self, run_id: uuid.UUID) -> bool:
        """Take over a queued run for this process; return whether this process has it, also by an earlier call."""
        run, here = self.runs().filter(pk=run_id), _carried_out_here()
        if run.filter(status=RunStatus.QUEUED).update(**here):
            return True
        return run.filter(status=RunStatus.RUNNING, host=here["host"], pid=here["pid"]).exists()

    def start(self, run_id: uuid.UUID, *, requested_by: str, phase: str = "all") -> None:
        """Record a run that nobody had asked for in advance, and that this process carries out."""
        self.ensure_tables()
        here = _carried_out_here()
        # Not `create`: the row may be there already, and only its acknowledgement have been lost.
        RunRecord.objects.using(self.database).get_or_create(
            id=run_id,
            defaults={"requested_by": requested_by, "phase": phase, "requested_at": here["started_at"], **here},
        )

    def finish(
        self,
        run_id: uuid.UUID,
        status: RunStatus,
        *,
        exit_code: int,
        error: str | None = None,
        hint: str | None = None,
        fingerprint: str | None = None,
        deferred: Iterable[MigrationKey] = (),
    ) -> None:
        """Record how the run ended; a run that never began leaves no row to update."""
        RunRecord.objects.using(self.database).filter(pk=run_id).update(
            status=status,
            finished_at=timezone.now(),
            exit_code=exit_code,
            error=self._storable(error),
            hint=self._storable(hint),
            fingerprint=fingerprint,
            deferred=[str(key) for key in deferred] or None,
            slot=None,
        )

    def plan(self, run_id: uuid.UUID, migrations: Iterable[MigrationKey], *, backwards: bool) -> None:
        """Record what the run is about to do; of an earlier attempt, what it finished or has in its journal stays."""
        if active_schema():
            plan_here(connections[self.database], run_id, list(migrations), backwards=backwards)
            return
        steps = StepRecord.objects.using(self.database)
        kept = self._keep_steps(steps.filter(run_id=run_id, schema_name=""))
        first = len(kept) + 1
        planned = [
            StepRecord(
                run_id=run_id,
                position=position,
                app_label=key.app_label,
                name=key.name,
                backwards=backwards,
                status=StepStatus.PENDING,
            )
            for position, key in enumerate((key for key in migrations if key not in kept), start=first)
        ]
        steps.bulk_create(planned, batch_size=100)
        RunRecord.objects.using(self.database).filter(pk=run_id).update(total=first - 1 + len(planned))

    def add_step(self, run_id: uuid.UUID, key: MigrationKey, *, backwards: bool) -> None:
        """Record a migration as under way, and its run where not even that could be recorded."""
        runs = RunRecord.objects.using(self.database)
        runs.get_or_create(id=run_id, defaults={"requested_at": timezone.now(), **_carried_out_here()})
        StepRecord.objects.using(self.database).create(
            run_id=run_id,
            position=StepRecord.objects.using(self.database).filter(run_id=run_id).count() + 1,
            app_label=key.app_label,
            name=key.name,
            schema_name=active_schema(),
            backwards=backwards,
            status=StepStatus.RUNNING,
            started_at=timezone.now(),
        )

    def _keep_steps(self, mine: QuerySet[StepRecord]) -> set[MigrationKey]:
        # Most runs have but one attempt.
        if not mine.exists():
            return set()
        keep = Q(status__in=(StepStatus.APPLIED, StepStatus.UNAPPLIED)) | Q(operations_done__gt=0)
        mine.exclude(keep | Q(operation_started__isnull=False)).delete()
        return {MigrationKey(*key) for key in mine.values_list("app_label", "name")}

    def assessed(self, run_id: uuid.UUID, findings: list[dict[str, Any]]) -> None:
        """Record what was found in the plan of a run, with the reasons of those who acknowledged it."""
        kept = [
            {key: self._storable(value) if isinstance(value := finding[key], str) else value for key in KEPT}
            for finding in findings
        ]
        run = RunRecord.objects.using(self.database).filter(pk=run_id)
        if active_schema():
            # Of a plan of tenants, beside what was found in that of the schema that they share.
            kept = [*(run.values_list("findings", flat=True).first() or []), *kept]
        run.update(findings=kept)

    def note(self, run_id: uuid.UUID, *notes: StepNote) -> None:
        """Record where migrations of the run are, in one round trip: this is paid for at every migration."""
        connection = connections[self.database]
        fields = {field.name: field for field in StepRecord._meta.local_fields}
        rows = [
            [fields[name].get_db_prep_save(value, connection) for name, value in self._values(note, run_id)]
            for note in notes
        ]
        # The ORM would take longer to write the statement than the server to carry it out.
        quote = connection.ops.quote_name
        columns = {name: quote(str(field.column)) for name, field in fields.items()}
        statement = NOTE.format(table=quote(StepRecord._meta.db_table), **columns)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Its driver would set up a pipeline each time.
                compose = connection.ops.compose_sql  # type: ignore[attr-defined] # Django's for PostgreSQL
                cursor.execute("; ".join(compose(statement, row) for row in rows))
            else:
                cursor.executemany(statement, rows)

    def _values(self, note: StepNote, run_id: uuid.UUID) -> Iterator[tuple[str, object]]:
        for name, value in note.values(run_id):
            # The others are the code's own names.
            yield name, self._storable(note.error) if name == "error" else value

    def _storable(self, text: str | None) -> str | None:
        found = storable(text)
        return found.encode("ascii", "backslashreplace").decode() if found and self.plain else found

    def leave_session(self) -> bool:
        """Get another session to write in; return False in a transaction of others, which is not ours to leave."""
        connection = connections[self.database]
        if connection.in_atomic_block:
            return False
        with contextlib.suppress(Error):
            connection.close()
        return True

    def settle_steps(self, run_id: uuid.UUID) -> None:
        """Record of a run that ended well what the record of the migrations says.

        What a step said may be older: the commit was made and its acknowledgement lost, or another run took this one's
        place for a while.
        """
        steps = StepRecord.objects.using(self.database).filter(run_id=run_id)
        self._settle(steps.filter(status__in=(StepStatus.RUNNING, StepStatus.FAILED, StepStatus.INTERRUPTED)))

    def _settle(self, steps: QuerySet[StepRecord]) -> None:
        """Close steps whose migration the record shows to be where they were to bring it."""
        if not (found := list(steps.filter(schema_name=active_schema()))):
            return
        recorded = set(MigrationRecorder(connections[self.database]).applied_migrations())
        for step in found:
            if ((step.app_label, step.name) in recorded) is not step.backwards:
                status = StepStatus.UNAPPLIED if step.backwards else StepStatus.APPLIED
                steps.filter(pk=step.pk).update(status=status, error=None, finished_at=timezone.now())

    def close_dead_runs(self, *, but: uuid.UUID) -> int:
        """Mark runs that were cut short. Only the holder of the deploy lock can know that nobody else is running."""
        if not have_tables(connections[self.database]):
            return 0
        dead = RunRecord.objects.using(self.database).filter(status=RunStatus.RUNNING).exclude(pk=but)
        steps = StepRecord.objects.using(self.database).filter(status=StepStatus.RUNNING).exclude(run=but)
        over = steps.filter(
            ~Q(run__in=RunRecord.objects.using(self.database).filter(status__in=ACTIVE)) | Q(run__in=dead)
        )
        if over.exists():
            self._close(over)
        return dead.update(status=RunStatus.INTERRUPTED, finished_at=timezone.now(), slot=None, error=LOST)

    def _close(self, over: QuerySet[StepRecord]) -> None:
        # An older version may have left them, which knew fewer columns.
        self.ensure_tables()
        with transaction.atomic(using=self.database):
            if connections[self.database].features.has_select_for_update_skip_locked:
                # A runner that was killed, or only stopped, may still be in the transaction that has marked its step.
                locked = over.select_for_update(skip_locked=True)
                over = StepRecord.objects.using(self.database).filter(pk__in=[step.pk for step in locked])
            self._settle(over)
            over.filter(status=StepStatus.RUNNING).update(status=StepStatus.INTERRUPTED)

    def failed_schemas(self, names: Collection[str]) -> frozenset[str]:
        """Return those of some tenants' schemas in which a migration of a run failed."""
        steps = StepRecord.objects.using(self.database).filter(status=StepStatus.FAILED, schema_name__in=list(names))
        found = self._tell(lambda: set(steps.order_by().values_list("schema_name", flat=True)))
        return frozenset(found or ())

    def current_step(self) -> tuple[MigrationKey, datetime.datetime | None] | None:
        """Return the migration that a run is on and since when, as far as the record tells."""
        if not have_tables(connections[self.database]):
            return None
        step = (
            StepRecord.objects.using(self.database)
            .filter(status=StepStatus.RUNNING, run__status=RunStatus.RUNNING)
            .order_by("-started_at")
            .first()
        )
        return (MigrationKey(step.app_label, step.name), step.started_at) if step else None


def storable(text: str | None) -> str | None:
    """Return a text without secrets and as every database takes it, with a sign in the place of what some refuse."""
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", redacted(text)) if text else text


def _carried_out_here() -> dict[str, Any]:
    """Return what a run says of the process that carries it out."""
    return {
        "status": RunStatus.RUNNING,
        "started_at": timezone.now(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "release": get_settings().release[:RELEASE_LENGTH],
    }

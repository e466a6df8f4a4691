"""Reading and writing the backfills of one database, and the fence around each.

Of tenants' schemas each has its own: what is made and looked up by its key is of the one that this thread works in.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, IntegrityError, connections
from django.db.models import CharField, Count, F, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.backfills.backfill_spec import BackfillSpec
from auto_migrate.backfills.keys import Key, dumped
from auto_migrate.databases import adapter_for
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.exceptions import MigrationFailed, UsageError
from auto_migrate.history.models import BackfillRecord, ensure_tables, have_tables, is_known_whole
from auto_migrate.history.optional_tables import note_made
from auto_migrate.history.schema_identity import identity_here, present_names
from auto_migrate.history.store import storable
from auto_migrate.values import BackfillKey, BackfillState

logger = logging.getLogger(__name__)

# States in which there is something to do, and nobody has said that it shall not be done.
OPEN = (BackfillState.PENDING, BackfillState.RUNNING)
UNFINISHED = (*OPEN, BackfillState.PAUSED, BackfillState.FAILED, BackfillState.CANCELLED)
# What an operator may ask for: the states in which it makes sense, and the one that it leads to.
ACTIONS: dict[str, tuple[tuple[BackfillState, ...], BackfillState]] = {
    "pause": (OPEN, BackfillState.PAUSED),
    "resume": ((BackfillState.PAUSED, BackfillState.FAILED, BackfillState.CANCELLED), BackfillState.PENDING),
    "cancel": ((*OPEN, BackfillState.PAUSED, BackfillState.FAILED), BackfillState.CANCELLED),
}


Answer = TypeVar("Answer")


class Fenced(Exception):
    """The backfill is another worker's now, or somebody has paused or cancelled it."""


class Backfills:
    """The backfills kept in one database."""

    def __init__(self, database: str = DEFAULT_DB_ALIAS) -> None:
        self.database = database

    def all(self, tenants: Collection[str] = ()) -> QuerySet[BackfillRecord]:
        """Return all backfills, or those in the schemas of some tenants, the oldest first; none without a table."""
        connection, records = connections[self.database], BackfillRecord.objects.using(self.database)
        if not is_known_whole(connection, BackfillRecord):
            if not have_tables(connection, BackfillRecord):
                return records.none()
            # An older version of this app made it, with fewer columns.
            ensure_tables(connection, [BackfillRecord])
        return records.filter(schema__in=tenants) if tenants else records.all()

    def unfinished(self) -> list[BackfillRecord]:
        """Return those that have not succeeded; none where they cannot be read, for those who only tell of them."""
        return self._told(lambda: list(self.all().filter(state__in=UNFINISHED)), [])

    def counted(self) -> dict[str, int]:
        """Count those that have not succeeded by their state."""

        def count() -> dict[str, int]:
            rows = self.all().filter(state__in=UNFINISHED).order_by().values_list("state").annotate(Count("pk"))
            return dict(rows)

        nothing: dict[str, int] = {}
        counts = self._told(count, nothing)
        return {str(state): counts[state] for state in UNFINISHED if state in counts}

    def _told(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            with savepoint(self.database):
                return question()
        except DatabaseError as error:
            if adapter_for(self.database).fault_of(error) is not None:
                raise
            return otherwise

    def get(self, key: BackfillKey) -> BackfillRecord | None:
        """Return the backfill of the schema that this thread works in, or None."""
        found = self.of(key, [active_schema()]).first()
        if not active_schema() or not self._is_astray(key, found):
            return found
        self.follow_renamed_schemas()
        return self.of(key, [active_schema()]).first()

    def _is_astray(self, key: BackfillKey, found: BackfillRecord | None) -> bool:
        """Return whether a backfill of a tenant is not of the schema that has its name, or that one's has another."""
        connection = connections[self.database]
        if found is not None:
            names = present_names(connection, BackfillRecord, filter(None, [found.schema_identity]))
            return any(name != found.schema for name in names.values())
        own = self.all().filter(app_label=key.app_label, name=key.name, **identity_here(connection, BackfillRecord))
        return own.exists()

    def follow_renamed_schemas(self) -> frozenset[str]:
        """Let each backfill be of its schema, however that is called now.

        Forget those of schemas that are gone, and return the names that these had.
        """
        connection, records = connections[self.database], self.all().exclude(schema_identity=None)
        noted = list(records.values_list("pk", "schema", "schema_identity").order_by())
        names = present_names(connection, BackfillRecord, [identity for _pk, _former, identity in noted])
        moved = {pk: names.get(identity, former) for pk, former, identity in noted}
        moved = {pk: moved[pk] for pk, former, _identity in noted if moved[pk] != former}
        if not moved:
            return frozenset()
        self._forget(records.filter(pk__in=[pk for pk, name in moved.items() if name is None]))
        with atomic(using=self.database):
            # Two may have changed names with each other.
            records.filter(pk__in=moved).update(schema=Concat(Value("\n"), Cast("pk", CharField())))
            for pk, name in moved.items():
                if name is not None:
                    # What somebody has begun under the new name knew nothing of what was done.
                    record = self.all().get(pk=pk)
                    self._forget(self.of(record.key, [name]))
                    records.filter(pk=pk).update(schema=name)
        return frozenset(former for pk, former, _identity in noted if pk in moved and moved[pk] is None)

    def of(self, key: BackfillKey, schemas: Collection[str]) -> QuerySet[BackfillRecord]:
        """Return a backfill of each of some schemas that has it."""
        return self.all().filter(app_label=key.app_label, name=key.name, schema__in=schemas)

    def find(self, name: str, tenants: Collection[str] = ()) -> list[BackfillRecord]:
        """Return the backfill called `name` or `app_label.name`, of each schema that has it, or of some tenants.

        Raise `UsageError` if there is none, or if several apps have one.
        """
        app_label, _dot, own = name.rpartition(".")
        found = list(self.all(tenants).filter(name=own, **({"app_label": app_label} if app_label else {})))
        keys = dict.fromkeys(str(record.key) for record in found)
        if len(keys) == 1:
            return found
        if found:
            raise UsageError(
                _("Several backfills are called {name!r}.").format(name=name),
                hint=_("Name its app, too: {names}.").format(names=", ".join(keys)),
            )
        raise UsageError(
            _("Database {database!r} has no backfill {name!r}.").format(database=self.database, name=name),
            hint=_("See all of them: manage.py backfills list"),
        )

    def act(self, records: list[BackfillRecord], action: str) -> int:
        """Pause, resume or cancel; return how many were in a state in which that can be done.

        What a worker has under way comes to nothing if it is not committed yet, so that it holds at once. In the list
        the records are then as they are.
        """
        states, new = ACTIONS[action]
        finished = timezone.now() if new is BackfillState.CANCELLED else None
        changes: dict[str, Any] = {"state": new, "held_by": "", "finished_at": finished}
        if new is BackfillState.PENDING:
            changes["error"] = None
        asked = BackfillRecord.objects.using(self.database).filter(pk__in=[record.pk for record in records])
        changed = asked.filter(state__in=states).update(**changes)
        now = asked.in_bulk()
        records[:] = [now.get(record.pk, record) for record in records]
        return changed

    def forget_gone(self, anew: Iterable[str] = ()) -> frozenset[str]:
        """Forget the backfills of tenants' schemas that are gone, and return the names of these.

        Those that somebody has made `anew` are gone, too.
        """
        gone = self.follow_renamed_schemas()
        names = set(self.all().exclude(schema="").order_by().values_list("schema", flat=True).distinct())
        if not names:
            return gone
        with connections[self.database].cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [list(names)])
            names.difference_update({name for (name,) in cursor.fetchall()}.difference(anew))
        self._forget(self.all().filter(schema__in=names))
        return gone.union(names)

    def _forget(self, gone: QuerySet[BackfillRecord]) -> None:
        for record in gone.filter(state__in=UNFINISHED):
            text = _("Backfill {backfill} was not finished in the schema {schema}, which is gone.")
            logger.warning(text.format(backfill=record.key, schema=quoted(record.schema)))
        gone.delete()

    # -- the work -----------------------------------------------------------------------------------------------------

    def ensure(self, task: BackfillSpec, *, background: bool = False) -> BackfillRecord:
        """Return the record of a task, made as `pending` where it is new.

        Raise `MigrationFailed` where its rows and how far it is could not be written in one transaction.
        """
        table = task.table.name
        if adapter_for(self.database).without_transactions([table]):
            raise MigrationFailed(
                _("Backfill {backfill}: {table} knows no transactions.").format(backfill=task.key, table=table),
                hint=_("Cut, it would write rows twice. Type first: ALTER TABLE {table} ENGINE = InnoDB").format(
                    table=table
                ),
            )
        ensure_tables(connections[self.database], [BackfillRecord])
        note_made(self.database, BackfillRecord)
        if (found := self.get(task.key)) is not None:
            return found
        try:
            with atomic(using=self.database):
                return BackfillRecord.objects.using(self.database).create(
                    app_label=task.key.app_label,
                    name=task.key.name,
                    schema=active_schema(),
                    state=BackfillState.PENDING,
                    background=background,
                    batch_rows=task.batch_rows,
                    held_by="",
                    **identity_here(connections[self.database], BackfillRecord),
                )
        except IntegrityError:
            # Another worker was quicker.
            return self.of(task.key, [active_schema()]).get()

    def note_needless(self, task: BackfillSpec) -> None:
        """Note that a tenant's table had no rows when its turn came, so that those that it has later need nothing."""
        record = self.ensure(task, background=True)
        now = timezone.now()
        self._row(record).update(state=BackfillState.SUCCEEDED, done=0, total=0, started_at=now, finished_at=now)

    def claim(
        self,
        record: BackfillRecord,
        worker: str,
        *,
        states: tuple[BackfillState, ...] = OPEN,
        backwards: bool = False,
    ) -> None:
        """Take a backfill for a worker and read how far it is; raise `Fenced` if it is not to be worked on."""
        claimed = self._row(record).filter(state__in=states, backwards=backwards)
        if not claimed.update(
            state=BackfillState.RUNNING,
            worker=worker,
            held_by="",
            error=None,
            started_at=Coalesce("started_at", timezone.now()),
            finished_at=None,
        ):
            raise Fenced
        # Whoever had it before may have been about to commit.
        record.refresh_from_db(using=self.database)

    def begin(self, record: BackfillRecord, upper: Key | None, total: int) -> None:
        """Note where the backfill will end, and how many rows there are up to there."""
        text = dumped(upper) if upper is not None else None
        self._write(record, upper=text, total=total)
        record.upper, record.total = text, total

    def reverse(self, record: BackfillRecord) -> None:
        """Let what was done be taken back from the first row to the last one that was reached."""
        upper = record.upper if record.state == BackfillState.SUCCEEDED else record.cursor
        changes = {"backwards": True, "upper": upper, "total": record.done, "done": 0, "cursor": None, "seconds": 0.0}
        # Without a worker: whoever is at work on it finds that it is not his any more.
        self._row(record).update(**changes, state=BackfillState.PENDING, worker="", finished_at=None)
        record.refresh_from_db(using=self.database)

    def advance(self, record: BackfillRecord, cursor: Key, rows: int, *, batch_rows: int, seconds: float) -> None:
        """Note a batch in the transaction that has written it; raise `Fenced` if that must not be committed.

        One that ends at the last key is the last one, and says so.
        """
        text, now = dumped(cursor), timezone.now()
        is_last = text == record.upper
        ended = {"state": BackfillState.SUCCEEDED, "total": F("done") + rows, "finished_at": now} if is_last else {}
        self._write(
            record,
            cursor=text,
            done=F("done") + rows,
            seconds=F("seconds") + seconds,
            batch_rows=batch_rows,
            held_by="",
            **ended,
        )
        record.cursor, record.batch_rows, record.held_by = text, batch_rows, ""
        record.done, record.seconds = record.done + rows, record.seconds + seconds
        if is_last:
            record.state, record.total, record.finished_at = BackfillState.SUCCEEDED, record.done, now

    def hold(self, record: BackfillRecord, reason: str) -> None:
        """Note why the worker waits; raise `Fenced` if there is nothing to wait for any more."""
        self._write(record, held_by=reason)
        record.held_by = reason

    def succeed(self, record: BackfillRecord) -> None:
        """Note that nothing is left, in the transaction in which that was seen."""
        # Rows may have come or gone since they were counted.
        self._write(record, state=BackfillState.SUCCEEDED, total=F("done"), held_by="", finished_at=timezone.now())
        record.refresh_from_db(using=self.database)

    def fail(self, record: BackfillRecord, error: str) -> None:
        """Note why it cannot go on; whoever mends it resumes it."""
        changes = {"state": BackfillState.FAILED, "error": storable(error), "finished_at": timezone.now()}
        with contextlib.suppress(Fenced):
            self._write(record, held_by="", **changes)

    def let_go(self, record: BackfillRecord) -> None:
        """Note that its worker stops before the end, so that another one may go on."""
        with contextlib.suppress(Fenced):
            self._write(record, state=BackfillState.PENDING, worker="", held_by="")

    def forget(self, record: BackfillRecord) -> None:
        """Take the record of a backfill away that was taken back."""
        self._row(record).delete()

    def _write(self, record: BackfillRecord, **changes: Any) -> None:
        """Change a record that is ours; 0 rows tell that it is not, also to one who was stopped and comes back."""
        mine = self._row(record).filter(state=BackfillState.RUNNING, worker=record.worker)
        now = timezone.now()
        if not mine.update(updated_at=now, **changes):
            raise Fenced
        record.updated_at = now

    def _row(self, record: BackfillRecord) -> QuerySet[BackfillRecord]:
        return BackfillRecord.objects.using(self.database).filter(pk=record.pk)

"""Reading and writing the backfills of one database, and the fence around each."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.backfills.backfill_spec import BackfillSpec
from auto_migrate.backfills.keys import Key, dumped
from auto_migrate.databases import adapter_for
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.exceptions import MigrationFailed, UsageError
from auto_migrate.history.late_tables import note_made
from auto_migrate.history.models import BackfillRecord, ensure_tables, have_tables
from auto_migrate.history.store import storable
from auto_migrate.values import BackfillKey, BackfillState

# States in which there is something to do, and nobody has said that it shall not be done.
OPEN = (BackfillState.PENDING, BackfillState.RUNNING)
UNFINISHED = (*OPEN, BackfillState.PAUSED, BackfillState.FAILED, BackfillState.CANCELLED)
# What an operator may ask for: the states in which it makes sense, and the one that it leads to.
ACTIONS: dict[str, tuple[tuple[BackfillState, ...], BackfillState]] = {
    "pause": (OPEN, BackfillState.PAUSED),
    "resume": ((BackfillState.PAUSED, BackfillState.FAILED, BackfillState.CANCELLED), BackfillState.PENDING),
    "cancel": ((*OPEN, BackfillState.PAUSED, BackfillState.FAILED), BackfillState.CANCELLED),
}


class Fenced(Exception):
    """The backfill is another worker's now, or somebody has paused or cancelled it."""


class Backfills:
    """The backfills kept in one database."""

    def __init__(self, database: str = DEFAULT_DB_ALIAS) -> None:
        self.database = database

    def all(self) -> QuerySet[BackfillRecord]:
        """Return all backfills, the oldest first; none while there is no table."""
        records = BackfillRecord.objects.using(self.database)
        return records.all() if have_tables(connections[self.database], BackfillRecord) else records.none()

    def unfinished(self) -> list[BackfillRecord]:
        """Return those that have not succeeded; none where they cannot be read, for those who only tell of them."""
        try:
            with savepoint(self.database):
                return list(self.all().filter(state__in=UNFINISHED))
        except DatabaseError as error:
            if adapter_for(self.database).fault_of(error) is not None:
                raise
            return []

    def counted(self) -> dict[str, int]:
        """Count those that have not succeeded by their state."""
        counts = Counter(record.state for record in self.unfinished())
        return {str(state): counts[state] for state in UNFINISHED if counts[state]}

    def get(self, key: BackfillKey) -> BackfillRecord | None:
        """Return one backfill, or None."""
        return self.all().filter(app_label=key.app_label, name=key.name).first()

    def find(self, name: str) -> BackfillRecord:
        """Return the backfill called `name` or `app_label.name`; raise `UsageError` if there is none, or several."""
        app_label, _dot, own = name.rpartition(".")
        found = list(self.all().filter(name=own, **({"app_label": app_label} if app_label else {})))
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                _("Several backfills are called {name!r}.").format(name=name),
                hint=_("Name its app, too: {names}.").format(names=", ".join(str(record.key) for record in found)),
            )
        raise UsageError(
            _("Database {database!r} has no backfill {name!r}.").format(database=self.database, name=name),
            hint=_("See all of them: manage.py backfills list"),
        )

    def act(self, record: BackfillRecord, action: str) -> bool:
        """Pause, resume or cancel; return whether it was in a state in which that can be done.

        What a worker has under way comes to nothing if it is not committed yet, so that it holds at once.
        """
        states, new = ACTIONS[action]
        finished = timezone.now() if new is BackfillState.CANCELLED else None
        changes: dict[str, Any] = {"state": new, "held_by": "", "finished_at": finished}
        if new is BackfillState.PENDING:
            changes["error"] = None
        changed = self._row(record).filter(state__in=states).update(**changes)
        record.refresh_from_db(using=self.database)
        return bool(changed)

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
        record, _made = BackfillRecord.objects.using(self.database).get_or_create(
            app_label=task.key.app_label,
            name=task.key.name,
            defaults={
                "state": BackfillState.PENDING,
                "background": background,
                "batch_rows": task.batch_rows,
                "held_by": "",
            },
        )
        return record

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
        now = timezone.now()
        if not claimed.update(state=BackfillState.RUNNING, worker=worker, held_by="", error=None, finished_at=None):
            raise Fenced
        self._row(record).filter(started_at=None).update(started_at=now)
        # Whoever had it before may have been about to commit.
        record.refresh_from_db(using=self.database)

    def begin(self, record: BackfillRecord, upper: Key | None, total: int) -> None:
        """Note where the backfill will end, and how many rows there are up to there."""
        self._write(record, upper=dumped(upper) if upper is not None else None, total=total)

    def reverse(self, record: BackfillRecord) -> None:
        """Let what was done be taken back from the first row to the last one that was reached."""
        upper = record.upper if record.state == BackfillState.SUCCEEDED else record.cursor
        changes = {"backwards": True, "upper": upper, "total": record.done, "done": 0, "cursor": None, "seconds": 0.0}
        # Without a worker: whoever is at work on it finds that it is not his any more.
        self._row(record).update(**changes, state=BackfillState.PENDING, worker="", finished_at=None)
        record.refresh_from_db(using=self.database)

    def advance(self, record: BackfillRecord, cursor: Key, rows: int, *, batch_rows: int, seconds: float) -> None:
        """Note a batch in the transaction that has written it; raise `Fenced` if that must not be committed."""
        text = dumped(cursor)
        self._write(
            record,
            cursor=text,
            done=F("done") + rows,
            seconds=F("seconds") + seconds,
            batch_rows=batch_rows,
            held_by="",
        )
        record.cursor, record.batch_rows, record.held_by = text, batch_rows, ""
        record.done, record.seconds = record.done + rows, record.seconds + seconds

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

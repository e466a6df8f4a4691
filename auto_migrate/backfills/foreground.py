"""A backfill carried out at its place in a migration, which goes on when it is done."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.backfills.backfill_spec import BackfillSpec
from auto_migrate.backfills.batch_size import BatchSize
from auto_migrate.backfills.pages import Pages
from auto_migrate.backfills.progress import progress_of
from auto_migrate.backfills.records import OPEN, Backfills
from auto_migrate.backfills.release_step import ReleaseStep, release_step
from auto_migrate.backfills.worker import POLL, Worker, is_begun, report_nothing, rest_of
from auto_migrate.clock import Clock
from auto_migrate.databases.base import Database
from auto_migrate.databases.identifiers import quoted
from auto_migrate.exceptions import BackfillUnfinished, MigrationFailed
from auto_migrate.history.models import BackfillRecord
from auto_migrate.values import BackfillKey, BackfillState

# What failed is tried again where somebody deploys again.
TRIED = (*OPEN, BackfillState.FAILED)


def is_needless(database: Database, task: BackfillSpec) -> bool:
    """Return whether a tenant's table is empty, as most are when they are made: then nothing is kept of it, either."""
    if not active_schema() or Pages(database.connection, task.table).last_key() is not None:
        return False
    # A tenant who was dropped may have left it under the same name.
    Backfills(database.alias).of(task.key, [active_schema()]).delete()
    return True


def carry_out(database: Database, task: BackfillSpec) -> None:
    """Carry out what is left of a task, in the transaction that is open or batch by batch in its own ones.

    Wait for another worker that is at it, and while it is paused. Raise `BackfillUnfinished` if it is cancelled.
    """
    record = Backfills(database.alias).ensure(task)
    if record.backwards is not task.backwards:
        raise MigrationFailed(
            _("Backfill {backfill} was cut while it was taken back.").format(backfill=record.key),
            hint=_("Unapply its migration once more; then it can be applied again."),
        )
    if record.state == BackfillState.SUCCEEDED:
        return
    if record.state == BackfillState.CANCELLED:
        raise cancelled(record.key)
    if database.connection.in_atomic_block:
        _run_in_transaction(database, task, record)
    else:
        _run(database, task, record)


def cancelled(key: BackfillKey) -> BackfillUnfinished:
    """Say that a backfill which a migration needs was cancelled."""
    return BackfillUnfinished(
        _("Backfill {backfill} was cancelled, and the plan needs it.").format(backfill=key),
        hint=_("Let it go on where it stopped: manage.py backfills resume {backfill}").format(backfill=key),
    )


def failed(key: BackfillKey, error: str, schema: str = "") -> MigrationFailed:
    """Say why a backfill failed, in the `schema` of a tenant perhaps, and how it goes on."""
    text = _("Backfill {backfill} failed: {error}")
    if schema:
        text = _("Backfill {backfill} failed in the schema {schema}: {error}")
    return MigrationFailed(
        text.format(backfill=key, schema=quoted(schema), error=error),
        hint=_("What it did is kept. Mend the cause, then: manage.py backfills resume {backfill}").format(backfill=key),
    )


def _run(database: Database, task: BackfillSpec, record: BackfillRecord) -> None:
    step: ReleaseStep | None = release_step()
    clock = step.emit.clock if step is not None else Clock()
    report = step.emit if step is not None else report_nothing
    worker = Worker(database, task, clock, report, step.lock.verify if step is not None else lambda: None)
    states: tuple[BackfillState, ...] = TRIED
    told = None
    while not ((has_run := worker.try_run(record, states=states)) and record.state == BackfillState.SUCCEEDED):
        states = OPEN
        if record.state == BackfillState.SUCCEEDED:
            return
        if record.state == BackfillState.CANCELLED:
            raise cancelled(record.key)
        if record.state == BackfillState.FAILED:
            # Under another worker, that is.
            raise failed(record.key, record.error or "")
        # What this worker did, it has told itself.
        if not has_run and told != (told := (record.state, record.done // max(1, (record.total or 0) // 20))):
            report(progress_of(record))
        clock.pause(POLL)
        record.refresh_from_db(using=database.alias)


def _run_in_transaction(database: Database, task: BackfillSpec, record: BackfillRecord) -> None:
    """Do all of it in a transaction that is not ours to commit, as Django's executor has one."""
    pages, clock = Pages(database.connection, task.table), Clock()
    size = BatchSize(task.batch_rows, task.target_seconds)
    store = Backfills(database.alias)
    store.claim(record, uuid.uuid4().hex, states=(*TRIED, BackfillState.PAUSED), backwards=task.backwards)
    if not is_begun(record):
        store.begin(record, pages.last_key(), 0)
    whole = rest_of(record)
    while whole is not None and (page := pages.page(whole, size.rows)) is not None:
        started = clock.monotonic()
        task.write(page.range)
        seconds = clock.monotonic() - started
        store.advance(record, page.range.upto, page.rows, batch_rows=size.rows, seconds=seconds)
        size.note(page.rows, seconds)
        whole = rest_of(record)
    if record.state != BackfillState.SUCCEEDED:
        store.succeed(record)


def take_back(database: Database, task: BackfillSpec, *, nothing: bool) -> None:
    """Carry out the reverse of a backfill for the rows that it has written, and forget it; or only forget it."""
    store = Backfills(database.alias)
    if is_needless(database, task):
        return
    record = store.ensure(task)
    if not record.backwards:
        store.reverse(record)
    if not nothing:
        carry_out(database, task)
    store.forget(record)

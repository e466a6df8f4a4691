"""What to tell of a migration that raised: where, at which statement, and what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.applying.fallback import FIRST
from auto_migrate.applying.operation_loop import Progress
from auto_migrate.applying.transaction import OwnTransaction
from auto_migrate.backfills.atomicity import is_atomic
from auto_migrate.databases.base import Database
from auto_migrate.databases.faults import causes
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, TransientError, summary_of
from auto_migrate.planning.comparison import Comparison, way_to_adopt
from auto_migrate.planning.partial_migrations import resolving
from auto_migrate.planning.raised_at import raised_at
from auto_migrate.values import MigrationKey

MAX_STATEMENT = 500


def failure(
    database: Database,
    error: BaseException,
    progress: Progress,
    own: OwnTransaction | None = None,
    *,
    left: bool = False,
    way_back: str = "",
    others: Sequence[str] = (),
) -> AutoMigrateError | TransientError:
    """Return the exception that ends the migration: a transient error, or a failure with its place.

    `own` is the transaction that was to be all of it, if one was; `left` tells that the migration ended it, so that
    something of it may be there: then nothing of it may be tried again. `way_back` says what a plan that unapplies has
    come to, and what to type; `others` are other databases that the migration has used.
    """
    if isinstance(error, AutoMigrateError):
        return error
    # Whoever closes the connection does so the next time as well, and what was committed is not tried again.
    if (
        not (left or progress.is_committed or (own and own.closed))
        and (fault := _transient(database, error, progress)) is not None
    ):
        return fault
    migration = progress.migration
    what = _("Migration {migration} failed").format(migration=migration)
    if (operation := progress.operation) is not None:
        what += _(" at operation {index} of {count}, {operation}").format(
            index=progress.index, count=len(migration.operations), operation=operation.describe()
        )
    used = _("It has also used {names}: what it wrote there may have been kept.").format(names=", ".join(others))
    lines = [_hint(database, error, progress, left=left), used if others else "", way_back]
    hint = "\n".join(filter(None, lines))
    return MigrationFailed(f"{what}: {summary_of(error)}", hint=hint)


def failure_after_commit(progress: Progress, error: BaseException) -> MigrationFailed:
    """Return what ends a run whose migration is done, but not what it had put off with `transaction.on_commit`."""
    text = _("What migration {migration} had put off until its commit failed: {error}")
    done = _("The migration itself is applied and recorded, and is not carried out again.")
    if progress.backwards:
        done = _("The migration itself is unapplied, and is not unapplied again.")
    lines = [*raised_at(error), done, _("Do by hand what was put off, and deploy again.")]
    text = text.format(migration=progress.migration, error=summary_of(error))
    return MigrationFailed(text, hint="\n".join(lines))


def _transient(database: Database, error: BaseException, progress: Progress) -> TransientError | None:
    if isinstance(error, TransientError):
        return error
    if not isinstance(error, Exception):
        return None
    fault = database.fault_of(error)
    if fault is None or not fault.kind.transient:
        return None
    return fault.as_error(kept=not is_one_transaction(database, progress))


def is_one_transaction(database: Database, progress: Progress) -> bool:
    """Return whether nothing is kept of a migration that fails."""
    return is_atomic(progress.migration) and database.transactional_ddl and not progress.is_online


def _hint(database: Database, error: BaseException, progress: Progress, *, left: bool) -> str:
    lines = raised_at(error)
    # On one line, so that no line of it reads as one of ours.
    if statement := " ".join(progress.statement.split())[:MAX_STATEMENT]:
        lines.append(_("Last statement: {statement}").format(statement=statement))
    first = getattr(error, FIRST, None)
    if first is not None and summary_of(first) != summary_of(error):
        lines.append(_("It was tried twice; the first time it had raised {error}.").format(error=summary_of(first)))
    codes = {code for cause in causes(error) for code in codes_of(cause)}
    lines += advice(database, codes)
    if left:
        lines += left_open(progress.migration, backwards=progress.backwards, database=database.alias)
        return "\n".join(lines)
    if progress.is_committed:
        lines += [
            _("The operation itself is done and was kept. What failed is what it had put off until it was committed."),
            _("Do that by hand, and deploy again: it goes on with what comes next."),
        ]
        return "\n".join(lines)
    lines.append(_kept(database, progress))
    if progress.is_cut:
        lines.append(_("So may be what it did itself. Mend the migration, look at its data, then type one of:"))
        lines += choices(progress.migration, progress.index, backwards=progress.backwards, database=database.alias)
    elif not progress.backwards and not is_out_of_room(codes):
        lines += cures(database, error, codes, progress.migration)
    return "\n".join(lines)


def _kept(database: Database, progress: Progress) -> str:
    if progress.is_online:
        return _("It is carried out online: what came before the failing operation was kept.")
    if progress.opened:
        text = _(
            "Operation {index} has begun a transaction: what was done in it was rolled back, what came before kept."
        )
        return text.format(index=progress.opened)
    if not is_one_transaction(database, progress):
        return _("It is not atomic: what came before the failing operation was kept.")
    if progress.backwards:
        return _("Nothing of it was taken back; what was unapplied before it stays unapplied.")
    return _("Nothing of it was kept; earlier migrations stay applied and recorded.")


# How servers say that a statement took too long, and that something of that name is there already: SQLSTATEs of
# PostgreSQL, numbers of MySQL and MariaDB.
CANCELLED = frozenset({"57014", 1969, 3024})
THERE_ALREADY = frozenset({"42P06", "42P07", "42701", "42710", "42723", 1022, 1050, 1060, 1061, 1304, 1359, 1826, 3822})
# SQLite has no number for it, and no other language.
IN_WORDS = re.compile("already exists|duplicate column name")


# How they say that they have no room: disk_full, ER_DISK_FULL and ER_RECORD_FILE_FULL.
FULL = frozenset({"53100", 1021, 1114})


def is_out_of_room(codes: Collection[str | int]) -> bool:
    """Return whether the server's disk is full, of which no migration is to blame."""
    return not FULL.isdisjoint(codes)


def advice(database: Database, codes: Collection[str | int]) -> list[str]:
    """Return what a known error asks to look at, as lines."""
    if is_out_of_room(codes):
        where = database.address.host
        return [_("The disk of the server {host} is full. Make room there and deploy again.").format(host=where)]
    if CANCELLED.isdisjoint(codes):
        return []
    return [_("It was cancelled, by hand or since it took longer than {setting} lets it.").format(setting=TIMEOUT)]


def cures(database: Database, error: BaseException, codes: Collection[str | int], migration: Migration) -> list[str]:
    """Return what lets the next deploy come through, as lines."""
    if THERE_ALREADY.isdisjoint(codes) and not ("sqlite" in codes and IN_WORDS.search(str(error))):
        return [_("Mend the migration and deploy again.")]
    where = "" if database.alias == DEFAULT_DB_ALIAS else f" --database {database.alias}"
    command = f"manage.py migrate --fake {migration.app_label} {migration.name}{where}"
    return [
        *way_to_adopt(database),
        _("What nothing proves, and you have found to be all there, is recorded so: {command}").format(command=command),
        _("Else mend the migration and deploy again."),
    ]


TIMEOUT = "AUTO_MIGRATE_STATEMENT_TIMEOUT"


def codes_of(cause: BaseException) -> Iterator[str | int]:
    """Return how a driver's error is known."""
    yield from filter(None, (getattr(cause, name, None) for name in ("sqlstate", "pgcode")))
    if hasattr(cause, "sqlite_errorcode"):
        yield "sqlite"
    if cause.args and isinstance(cause.args[0], int):
        yield cause.args[0]


def left_open(migration: Migration, *, backwards: bool, database: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return what to do about an atomic migration that did not stay in its transaction, as lines."""
    verdicts = ("done", "redo")
    done, redo = (resolving(migration, 1, verdict, backwards=backwards, database=database) for verdict in verdicts)
    return [
        _("It ended its own transaction: something of it may be kept, and something may be missing. Look, then type:"),
        _("  all of it was done:   {command}").format(command=done),
        _("  nothing of it stands: {command}").format(command=redo),
        _("A migration that is to commit by itself says so: atomic = False."),
    ]


def choices(migration: Migration, index: int, *, backwards: bool, database: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return the commands that settle what became of an operation, as lines."""
    verdicts = ("done", "redo")
    done, redo = (resolving(migration, index, verdict, backwards=backwards, database=database) for verdict in verdicts)
    return [
        _("  it was done:      {command}").format(command=done),
        _("  do it once more:  {command}").format(command=redo),
        _("An operation that may always be repeated can say so: auto_migrate.repeatable(operation)."),
    ]


def way_back(comparison: Comparison, migration: Migration, database: str, *, rolled_back: bool) -> str:
    """Say of a plan that ended in unapplying a migration what stays applied, and what to type."""
    keys, goal = comparison.keys, comparison.target
    names = ", ".join(map(str, keys[keys.index(MigrationKey.of(migration)) :]))
    where = [] if database == DEFAULT_DB_ALIAS else ["--database", database]
    forwards = " ".join(["manage.py auto_migrate", *where])
    command = " ".join(["manage.py auto_migrate", *((goal.app_label, goal.name) if goal else ()), *where])
    if not rolled_back:
        # What stands half-way has to be finished first.
        return _("Mend the migration and go on: {command}").format(command=command)
    text = _("Still applied: {names}. Mend it and go on: {command}; or apply again what was unapplied: {forwards}")
    return text.format(names=names, command=command, forwards=forwards)

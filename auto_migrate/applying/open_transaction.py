"""A transaction that SQL of a migration begins outside of Django's: for the operations after it, or by mistake.

Django's executor lets `BEGIN` and `COMMIT` be operations of their own, and knows nothing of the transaction between
them. What is done in it is kept or lost as a whole, and so is what is noted in it: found after a cut is either that the
operation was begun which began it, or that the one was which has committed it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import DatabaseError
from django.utils.translation import gettext as _

from auto_migrate.applying.operation_loop import Progress
from auto_migrate.databases import stray_transactions
from auto_migrate.databases.base import Database, Question
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.history.journal import Journal


def is_left_open(database: Database, progress: Progress, index: int) -> bool:
    """Return whether operation `index` has left a transaction open in SQL, and keep in mind which one began it."""
    is_open = database.has_transaction_open() and database.connection.get_autocommit()
    progress.opened = (progress.opened or index) if is_open else None
    return is_open


def note_within(database: Database, journal: Journal, progress: Progress, index: int) -> None:
    """Note in the transaction that operation `index` is begun, which may be the one that commits it.

    In one that only reads, or that has failed, nothing can be written, and nothing will be kept.
    """
    with progress.aside(), contextlib.suppress(DatabaseError):
        [(only_reads,)] = database.ask(Question("SHOW transaction_read_only"))
        if only_reads == "off":
            journal.begin(index)


@contextlib.contextmanager
def carried_out_within(database: Database, progress: Progress) -> Iterator[None]:
    """Roll the open transaction back if the block raises."""
    try:
        yield
    except BaseException:
        leave_transaction(database, progress)
        raise


def leave_transaction(database: Database, progress: Progress) -> bool:
    """Roll back what an operation outside of any transaction has left open; return whether there was anything."""
    if progress.is_within or not stray_transactions.is_left_open(database):
        return False
    stray_transactions.leave_session(database)
    return True


def check_session(database: Database, progress: Progress) -> None:
    """Raise `MigrationFailed` if an operation outside of any transaction has left one open behind it.

    Whatever came after it, the record included, would never be committed.
    """
    if not leave_transaction(database, progress):
        return
    raise MigrationFailed(
        _("The operation has left a transaction open, which was rolled back."),
        hint=_("Let it commit what it begins, and leave autocommit as it was."),
    )

"""Django's own way, for whatever the states that are rendered on demand cannot do.

What stock `migrate` carries out is carried out. Whoever fails on such a state is given Django's own and another try,
unless the database itself refused, or something is there already that a second try would do twice. From there on the
run stays with Django's states: they are slower and never wrong.
"""

from __future__ import annotations

import datetime
import logging
import traceback
import uuid
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.states.lazy_state import LazyState
from auto_migrate.changes.state_slices import djangos_own
from auto_migrate.databases.faults import causes
from auto_migrate.databases.statement_kinds import controls_transaction, ends_transaction, reads, writes_rows
from auto_migrate.exceptions import AutoMigrateError, TransientError

logger = logging.getLogger(__name__)
T = TypeVar("T")

Execute = Callable[..., Any]
# Rows of this package's own and of SQLite's remade tables.
OWN_ROWS = _lazy_re_compile("auto_migrate_|new__")
# Set on what was raised on Django's own state, or has been there before: it is true.
SETTLED = "_auto_migrate_settled"
# Set on what the second try raised: what the first had raised.
FIRST = "_auto_migrate_first"
# What the world or the rows raise, and no state of models does.
OF_THE_WORLD = (OSError, AssertionError, ObjectDoesNotExist, MultipleObjectsReturned, ValidationError)
STATES = str(Path(__file__).parent / "states")


def stock(state: ProjectState) -> ProjectState:
    """Return Django's own state of the same models, rendered, which shares nothing and stays Django's own."""
    own = djangos_own(state)
    # As Django's executor does before the first migration.
    _ = own.apps
    return own


def is_stock(state: ProjectState) -> bool:
    """Return whether a state is Django's own and stays so."""
    return not isinstance(state, LazyState) and not vars(state).get("_auto_migrate_was_lazy")


def preserved(state: ProjectState) -> ProjectState:
    """Return a state from which a second try can begin; nothing changes a lazy one in place."""
    if isinstance(state, LazyState):
        return state
    return ProjectState({key: model.clone() for key, model in state.models.items()}, state.real_apps)


class Sent:
    """The statements of one try, watched by `connection.execute_wrapper`."""

    def __init__(self) -> None:
        self.count = 0
        self.ended_transaction = False
        self.wrote_elsewhere = False
        # A hash for each statement: a migration may write more rows than there is memory for.
        self.rows = array("q")

    def note(self, execute: Execute, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Note a statement on the database that is migrated."""
        self.count += not controls_transaction(str(sql))
        if not self.ended_transaction:
            self.ended_transaction = ends_transaction(str(sql))
        if writes_rows(str(sql)) and not OWN_ROWS.search(str(sql)):
            self.wrote(hash((str(sql), shape_of(params))))
        return execute(sql, params, many, context)

    def wrote(self, rows: int) -> None:
        """Note rows that were written."""
        self.rows.append(rows)

    def note_elsewhere(self, execute: Execute, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Note a statement on another database, which is rolled back by nobody."""
        self.wrote_elsewhere = self.wrote_elsewhere or not reads(str(sql))
        return execute(sql, params, many, context)


class SentAgain(Sent):
    """The statements of the second try, which has to write all that the first had written before it failed.

    A function that remembers its first call, in a generator, a file or a cache, would leave rows out and succeed. The
    record of the migration is a row as well, so that a second try that writes less is noticed before it commits.
    """

    def __init__(self, first: Sent, error: Exception) -> None:
        super().__init__()
        self.first = first
        self.error = error
        self.differs = False

    def wrote(self, rows: int) -> None:
        super().wrote(rows)
        at = len(self.rows) - 1
        # Whatever the function makes of the error, nothing that comes after it is let through.
        self.differs = self.differs or (at < len(self.first.rows) and self.rows[at] != self.first.rows[at])
        if self.differs:
            raise self.error


def shape_of(value: Any) -> Any:
    """Return a parameter as it is the same at each try: moments and what is drawn by lot differ."""
    if isinstance(value, list | tuple):
        return tuple(map(shape_of, value))
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta | uuid.UUID | float | bytes):
        return type(value)
    return value if isinstance(value, str | int | None) else type(value)


@contextmanager
def watching(connection: BaseDatabaseWrapper, sent: Sent) -> Iterator[None]:
    """Watch the statements that are sent."""
    known = connections.all(initialized_only=True)
    with ExitStack() as stack:
        for other in known:
            stack.enter_context(other.execute_wrapper(sent.note if other is connection else sent.note_elsewhere))
        if connection not in known:
            stack.enter_context(connection.execute_wrapper(sent.note))
        try:
            yield
        except Exception:
            # What was opened meanwhile was watched by nobody.
            sent.wrote_elsewhere |= len(connections.all(initialized_only=True)) > len(known)
            raise


def is_settled(error: Exception, connection: BaseDatabaseWrapper) -> bool:
    """Return whether Django's own state would not change it: the database refused, or this package itself."""
    if getattr(error, SETTLED, False):
        return True
    driver: Any = getattr(connection, "Database", None)
    settled = (Error, AutoMigrateError, TransientError, getattr(driver, "Error", Error))
    return any(isinstance(cause, settled) for cause in causes(error))


def is_of_states(error: Exception) -> bool:
    """Return whether an error came up while something was rendered on demand."""
    return any(frame.filename.startswith(STATES) for frame in traceback.extract_tb(error.__traceback__))


def settle(error: Exception, first: Exception) -> None:
    """Note that an error was raised on Django's own state, after another one."""
    setattr(error, SETTLED, True)
    setattr(error, FIRST, first)


def note(what: Migration | Operation | str, error: Exception) -> None:
    """Leave a note that Django's own state is taken."""
    what = what.describe() if isinstance(what, Operation) else what
    logger.debug("%s is carried out on Django's own state, after %s: %s", what, type(error).__name__, error)


def once_more(
    what: Migration | Operation,
    first: Callable[[], T],
    second: Callable[[], T],
    *,
    connection: BaseDatabaseWrapper,
    is_undone: Callable[[Sent, Exception], bool],
) -> T:
    """Return what the first try gives, or the second where the first failed for its state and left nothing."""
    sent = Sent()
    try:
        with watching(connection, sent):
            return first()
    except Exception as error:
        if is_settled(error, connection) or sent.wrote_elsewhere or not is_undone(sent, error):
            raise
        if isinstance(error, OF_THE_WORLD) and not is_of_states(error):
            raise
        note(what, error)
        failed = error
    try:
        with watching(connection, SentAgain(sent, failed)):
            return second()
    except Exception as error:
        settle(error, failed)
        raise

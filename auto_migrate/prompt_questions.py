"""Questions for somebody who cannot wait, such as a request or a worker's task: each answer has seconds to come."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import uuid
import weakref
from collections.abc import Iterator

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.answer_limit import AnswerLimit, answered_within
from auto_migrate.databases.base import Database
from auto_migrate.databases.sockets import ended_after, hurried
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import TransientError
from auto_migrate.watchdog import Watchdog, bounded_questions, naming_blockers

# Seconds that each answer is given; the first one over a connection that was open before, which may have died
# unnoticed; and what somebody else has locked, long enough to see who.
ANSWER, FIRST_ANSWER, LOCKED = 5.0, 2.0, 3.0


@dataclasses.dataclass(frozen=True)
class Prompt:
    """The limits of the questions of one connection, and who sees what they wait for."""

    database: Database
    limit: AnswerLimit
    dog: Watchdog | None

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what went wrong over this connection, and over no other, as what it means."""
        with naming_blockers(self.dog):
            try:
                yield
            except Error as error:
                if not self.limit.has_raised(error):
                    raise
                try:
                    with self.database.translate_errors():
                        raise
                except TransientError as fault:
                    raise self.database.unreachable(fault) from fault


# Of the connections that are under limits now.
_prompts: weakref.WeakKeyDictionary[BaseDatabaseWrapper, Prompt] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def prompt_questions(alias: str) -> Iterator[None]:
    """Bound what the questions of the block wait for to seconds, for those who cannot wait: a request, a worker's task.

    Raise what went wrong over this connection as `DatabaseUnreachable` or `DatabaseRefused`, where it means that. What
    was waited for in vain around the block is not waited for again.
    """
    database = adapter_for(alias)
    connection = database.connection
    if (prompt := _prompts.get(connection)) is not None:
        with prompt.translated():
            yield
        return
    # Listeners are told of runs, and whoever only asks begins none; they may be what cannot be had.
    emit = Emitter(alias, uuid.uuid4(), (), Clock(), tells_project=False)
    with (
        answered_within(connection, ANSWER) as limit,
        bounded_questions(database, emit, patience=LOCKED) as dog,
        hurried(connection, math.ceil(ANSWER)),
    ):
        _renew(database)
        prompt = _prompts[connection] = Prompt(database, limit, dog)
        try:
            with prompt.translated():
                yield
        finally:
            del _prompts[connection]


def _renew(database: Database) -> None:
    """Set up the session of a connection that is open already; one that does not answer is made anew when needed."""
    if database.connection.connection is None or database.connection.in_atomic_block:
        return
    try:
        with ended_after(database.connection, FIRST_ANSWER):
            database.set_up_session()
    except Error:
        database.discard_connection()

"""The statements of an operation, each noted where each commits by itself.

An operation that is cut between two of its statements can be neither redone nor called done: one half of it is there.
With its statements noted it is carried out once more, and what was done is passed over.

On PostgreSQL that is SQL of an author's own outside of a transaction: a statement and the note that it was carried out
are one transaction. On MySQL and MariaDB each statement is noted before it is sent, with the tables that it names as
they were. One that changes the schema is carried out whole or not at all, so that its tables tell the next run which;
one that changes rows is noted in a transaction of its own, if its tables know any.

Which statements an operation has there depends on what is there: Django asks for the foreign keys and constraints of a
table, drops some of them, and makes again what it has dropped. So what was answered is noted as well, and said once
more: asked anew in the midst of the operation, the database would have what was dropped left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import DatabaseError
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.transaction import atomic
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.locks.operation_locks import is_schema_operation
from auto_migrate.applying.operation_loop import Progress
from auto_migrate.applying.operation_traits import statements_of, texts_of
from auto_migrate.changes.stock_operations import flat
from auto_migrate.databases.base import Database
from auto_migrate.databases.postgresql.transaction_refusals import refuses_transaction
from auto_migrate.databases.statement_kinds import (
    changes_schema_visibly,
    fits_own_transaction,
    leans_on_session,
    looks,
    only_writes_rows,
)
from auto_migrate.history.journal import Journal


def are_noted(database: Database, operation: Operation) -> bool:
    """Return whether the statements of an operation are noted one by one: they are the same whenever it is made.

    Those that lean on each other in their session are one, and are carried out as Django does: a note would commit
    their transaction, or find its table locked.
    """
    if database.transactional_ddl:
        return database.vendor == "postgresql" and fits_transactions(operation)
    if isinstance(operation, ops.RunSQL):
        texts = [statements_of(operation), statements_of(ops.RunSQL(operation.reverse_sql or ""))]
        return not any(map(leans_on_session, texts))
    return is_schema_operation(operation)


def fits_transactions(operation: Operation) -> bool:
    """Return whether all that an operation does is SQL of which each text may have a transaction for itself."""
    plain = [
        inner
        for inner in flat([operation])
        if isinstance(inner, ops.RunSQL) and type(inner).database_forwards is ops.RunSQL.database_forwards
    ]
    texts = [text for inner in plain for sql in (inner.sql, inner.reverse_sql) for text in texts_of(sql)]
    if len(plain) != len(list(flat([operation]))):
        return False
    return not any(PASSES_OVER.search(text) or not fits_own_transaction(text) for text in texts)


def digest_of(sql: str, params: Any) -> str:
    """Return a hash of a statement, marked where the schema shows whether it was carried out."""
    found = hashlib.blake2b(repr((sql, params)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{found}{SHOWN}" if changes_schema_visibly(sql) else found


SHOWN = "+"
# What takes an index for built that a cut has left INVALID: it must not count as done before somebody has looked.
PASSES_OVER = _lazy_re_compile(r"\bINDEX\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)
# Of a statement of which no table tells whether it was carried out.
NOTHING_KNOWN: Mapping[str, Any] = {}
# What Django's schema editors ask of a table: methods of its introspection.
QUESTIONS = ("get_constraints", "get_storage_engine")
WORD = _lazy_re_compile(r"[\w$]+")


@dataclasses.dataclass(frozen=True)
class Before:
    """What is known of an operation that was cut: the statements that are done, and what was answered by then.

    Of an answer are kept the number of statements before it, the question, the table and what was said.
    """

    done: Sequence[str] = ()
    answers: Sequence[Sequence[Any]] = ()


class Statements:
    """Notes the statements of operation number `index`, and passes over those that were done before the cut."""

    def __init__(
        self, database: Database, journal: Journal, progress: Progress, index: int, before: Before | None = None
    ) -> None:
        before = before or Before()
        self.database = database
        self.journal = journal
        self.progress = progress
        self.index = index
        self.begun: list[str] = list(before.done)
        self.answers = {tuple(place): answer for *place, answer in before.answers}
        self._to_pass = list(before.done)
        self._noting = False

    @property
    def is_first(self) -> bool:
        """Whether the statement under way is the operation's first, so that nothing of it is there without that one."""
        return len(self.begun) <= 1

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Note what is asked of tables within the block; what was answered before the cut is answered once more."""
        introspection = self.database.connection.introspection
        # An author's own SQL asks nothing.
        questions = () if self.database.transactional_ddl else QUESTIONS
        with contextlib.ExitStack() as stack:
            for question in questions:
                ask = getattr(introspection, question)
                setattr(introspection, question, functools.partial(self._answer, question, ask))
                stack.callback(delattr, introspection, question)
            yield

    def _answer(self, question: str, ask: Callable[[Any, str], Any], cursor: Any, table_name: str) -> Any:
        """Return what was answered at this place of the operation before the cut, or else what the database says."""
        if self._noting:
            return ask(cursor, table_name)
        place = (len(self.begun) - len(self._to_pass), question, table_name)
        if place not in self.answers:
            self.answers[place] = ask(cursor, table_name)
        return self.answers[place]

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Carry out one statement and note it, or pass it over; for `connection.execute_wrapper`."""
        is_transactional = self.database.transactional_ddl
        # What PostgreSQL is asked may be a function.
        if self._noting or (looks(sql) and not is_transactional):
            return execute(sql, params, many, context)
        digest = digest_of(sql, params)
        if digest in self._to_pass:
            self._to_pass.remove(digest)
            return None
        if is_transactional:
            return self._in_transaction(digest, lambda: execute(sql, params, many, context))
        if not only_writes_rows(sql) or self.database.without_transactions(WORD.findall(sql)):
            self._note(digest, lambda: self.database.note_of(sql))
            return execute(sql, params, many, context)
        with self._quietly(), atomic(using=self.database.alias):
            result = execute(sql, params, many, context)
            self._note(digest, lambda: self.database.note_of(sql, writes_rows=True))
        return result

    def _in_transaction(self, digest: str, run: Callable[[], Any]) -> Any:
        """Carry out a statement together with its note; as it is written where no transaction would have both."""
        begun = [*self.begun, digest]
        if self.database.may_begin():
            try:
                with self._quietly(), atomic(using=self.database.alias):
                    # First: the statement may lead what comes after it elsewhere, as with SET LOCAL search_path.
                    self.journal.begin(self.index, statements=begun)
                    result = run()
            except DatabaseError as error:
                if not refuses_transaction(error):
                    raise
            else:
                self.begun = begun
                return result
        with self._quietly():
            self.journal.begin(self.index, statements=begun, tables_before=NOTHING_KNOWN)
            result = run()
            self.journal.begin(self.index, statements=begun)
        self.begun = begun
        return result

    def _note(self, digest: str, note: Callable[[], Mapping[str, Any] | None]) -> None:
        self.begun.append(digest)
        with self._quietly():
            tables = note()
            schema = "" if tables is not None else self.database.schema_digest()
            answers = [[*place, answer] for place, answer in self.answers.items()]
            self.journal.begin(
                self.index, schema_before=schema, statements=self.begun, answers=answers, tables_before=tables
            )

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Let the journal's own statements be neither noted nor told."""
        noting, told = self._noting, (self.progress.statement, self.progress.statements)
        self._noting = True
        try:
            yield
        finally:
            self._noting = noting
            self.progress.statement, self.progress.statements = told

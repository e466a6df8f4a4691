"""The statements of an operation, each noted before it is carried out, where each commits by itself.

On MySQL and MariaDB an operation that is cut between two of its statements can be neither redone nor called done: one
half of it is there. So each statement is noted with the tables that it names as they were before it. A statement that
changes the schema is carried out whole or not at all, so that its tables tell the next run which; one that changes rows
is noted in a transaction of its own, if its tables know any. The operation is then carried out once more, and what was
done is passed over.

Which statements an operation has depends on what is there: Django asks for the foreign keys and constraints of a table,
drops some of them, and makes again what it has dropped. So what was answered is noted as well, and said once more:
asked anew in the midst of the operation, the database would have what was dropped left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.transaction import atomic

from auto_migrate.applying.locks.operation_locks import is_schema_operation
from auto_migrate.applying.operation_loop import Progress
from auto_migrate.applying.operation_traits import statements_of
from auto_migrate.databases.base import Database
from auto_migrate.databases.statement_kinds import changes_schema_visibly, leans_on_session, looks, only_writes_rows
from auto_migrate.history.journal import Journal


def are_noted(database: Database, operation: Operation) -> bool:
    """Return whether the statements of an operation are noted one by one: they are the same whenever it is made.

    Those that lean on each other in their session are one, and are carried out as Django does: a note would commit
    their transaction, or find its table locked.
    """
    if database.transactional_ddl:
        return False
    if isinstance(operation, ops.RunSQL):
        texts = [statements_of(operation), statements_of(ops.RunSQL(operation.reverse_sql or ""))]
        return not any(map(leans_on_session, texts))
    return is_schema_operation(operation)


def digest_of(sql: str, params: Any) -> str:
    """Return a hash of a statement, marked where the schema shows whether it was carried out."""
    found = hashlib.blake2b(repr((sql, params)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{found}{SHOWN}" if changes_schema_visibly(sql) else found


SHOWN = "+"
# What Django's schema editors ask of a table: methods of its introspection.
QUESTIONS = ("get_constraints", "get_storage_engine")
WORD = re.compile(r"[\w$]+")


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
    def noted(self) -> Iterator[None]:
        """Note what is carried out within the block, and what is asked for it."""
        introspection = self.database.connection.introspection
        with self.database.connection.execute_wrapper(self._execute), contextlib.ExitStack() as stack:
            for question in QUESTIONS:
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

    def _execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._noting or looks(sql):
            return execute(sql, params, many, context)
        digest = digest_of(sql, params)
        if digest in self._to_pass:
            self._to_pass.remove(digest)
            return None
        if not only_writes_rows(sql) or self.database.without_transactions(WORD.findall(sql)):
            self._note(digest, lambda: self.database.note_of(sql))
            return execute(sql, params, many, context)
        with self._quietly(), atomic(using=self.database.alias):
            result = execute(sql, params, many, context)
            self._note(digest, lambda: self.database.note_of(sql, writes_rows=True))
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

"""The statements of an operation, each noted before it is carried out, where each commits by itself.

On MySQL and MariaDB an operation that is cut between two of its statements can be neither redone nor called done: one
half of it is there. So each statement is noted with the tables that it names as they were before it. A statement that
changes the schema is carried out whole or not at all, so that its tables tell the next run which; one that changes rows
is noted in a transaction of its own, if its tables know any. The operation is then carried out once more, and what was
done is passed over.
"""

from __future__ import annotations

import contextlib
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
WORD = re.compile(r"[\w$]+")


class Statements:
    """Notes the statements of operation number `index`, and passes over those that were done before the cut."""

    def __init__(
        self, database: Database, journal: Journal, progress: Progress, index: int, *, done: Sequence[str] = ()
    ) -> None:
        self.database = database
        self.journal = journal
        self.progress = progress
        self.index = index
        self.begun: list[str] = list(done)
        self._to_pass = list(done)
        self._noting = False

    @property
    def is_first(self) -> bool:
        """Whether the statement under way is the operation's first, so that nothing of it is there without that one."""
        return len(self.begun) <= 1

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note what is carried out within the block."""
        with self.database.connection.execute_wrapper(self._execute):
            yield

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
            self.journal.begin(self.index, schema_before=schema, statements=self.begun, tables_before=tables)

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

"""Looks at the database before and after each statement, from inside the transaction that the statement is in."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.databases.postgresql.transaction_refusals import refuses_transaction
from auto_migrate.rehearsal.rehearsal_events import Scan, StatementObserved
from auto_migrate.rehearsal.relations import (
    Lock,
    Relations,
    locks_of,
    mentioned,
    named,
    relations,
    rewritten,
    scanned,
)
from auto_migrate.rehearsal.watcher import Watcher
from auto_migrate.values import MigrationKey

# They say where a transaction begins and ends or how the session behaves, and some must come first in a transaction.
# Django sends `SET CONSTRAINTS … IMMEDIATE` and what it is for as one.
UNSEEN = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|START|COMMIT|END|SET|RESET|SHOW)\b[^;]*;?\s*", re.IGNORECASE)
REFERENCES = re.compile(r"\b(FOREIGN\s+KEY|REFERENCES|VALIDATE)\b", re.IGNORECASE)
TRUNCATE = re.compile(r"\s*TRUNCATE\b", re.IGNORECASE)
SECRET = re.compile(r"(PASSWORD\s+)(E?'(?:[^']|'')*')", re.IGNORECASE)
WIDTH = 2000


class Look(NamedTuple):
    """The database at one instant, and the locks that the session has."""

    relations: Relations
    locks: set[Lock]


@dataclasses.dataclass
class Observer:
    """Collects what each statement of one migration takes; for `connection.execute_wrapper`.

    `existing` are the tables and indexes that were there before the plan: what it makes itself is nobody else's yet.
    """

    connection: BaseDatabaseWrapper
    watcher: Watcher
    existing: frozenset[int]
    migration: MigrationKey = dataclasses.field(default_factory=lambda: MigrationKey("", ""))
    operation: int | None = None
    seen: list[StatementObserved] = dataclasses.field(default_factory=list)

    def begin(self, migration: MigrationKey) -> None:
        """Note that the next migration begins."""
        self.migration, self.operation, self.seen = migration, None, []

    def enter(self, operation: int | None) -> None:
        """Note that the statements to come are of this operation, 1-based."""
        self.operation = operation

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Carry out one statement and look at what it did."""
        if UNSEEN.fullmatch(str(sql)):
            return execute(sql, params, many, context)

        def send() -> Any:
            return execute(sql, params, many, context)

        if self.connection.in_atomic_block:
            return self._inside(send, str(sql), in_transaction=True)
        try:
            # Only while its transaction is open can a statement's locks be looked at.
            with atomic(using=self.connection.alias):
                return self._inside(send, str(sql), in_transaction=False)
        except DatabaseError as error:
            if not refuses_transaction(error):
                raise
        return self._outside(send, str(sql))

    def _inside(self, send: Callable[[], Any], sql: str, *, in_transaction: bool) -> Any:
        before = self._look()
        answer, seconds = timed(send)
        after = self._look()
        self._add(self._seen(sql, before, after, after.locks - before.locks, seconds, in_transaction))
        return answer

    def _outside(self, send: Callable[[], Any], sql: str) -> Any:
        before = self._look()
        with self.watcher.watching(self._pid(), mentioned(sql, before.relations)) as taken:
            answer, seconds = timed(send)
        self._add(self._seen(sql, before, self._look(), taken, seconds, False))
        return answer

    def _seen(  # noqa: PLR0917 # one after the other
        self, sql: str, before: Look, after: Look, taken: set[Lock], seconds: float, in_transaction: bool
    ) -> StatementObserved:
        old, new = before.relations, after.relations
        return StatementObserved(
            migration=self.migration,
            operation=self.operation,
            statement=shown(sql),
            times=1,
            duration=seconds,
            in_transaction=in_transaction,
            locks=named(taken, old),
            # Its rows lie in another file too, but none were written.
            rewrites=() if TRUNCATE.match(sql) else rewritten(old, new, indexes=False),
            rebuilds=() if TRUNCATE.match(sql) else rewritten(old, new, indexes=True),
            scans=tuple(Scan(*one) for one in scanned(old, new, by_index=bool(REFERENCES.search(sql))).items()),
        )

    def _look(self) -> Look:
        with self._cursor() as cursor:
            found = {oid: one for oid, one in relations(cursor).items() if oid in self.existing}
            return Look(found, locks_of(cursor)[0])

    def _pid(self) -> int:
        with self._cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        # The driver's own, since what Django's sends would come here again.
        self.connection.ensure_connection()
        with self.connection.wrap_database_errors, self.connection.connection.cursor() as cursor:
            yield cursor

    def _add(self, new: StatementObserved) -> None:
        """Keep what was seen; a statement that a loop sends again and again is kept once."""
        for position, old in enumerate(self.seen):
            if (old.operation, old.statement) == (new.operation, new.statement):
                self.seen[position] = joined(old, new)
                return
        self.seen.append(new)


def timed(send: Callable[[], Any]) -> tuple[Any, float]:
    """Send a statement and return its answer and the seconds that it took."""
    started = time.perf_counter()
    return send(), time.perf_counter() - started


def joined(old: StatementObserved, new: StatementObserved) -> StatementObserved:
    """Return two observations of one statement as one."""
    rows: dict[str, int] = {}
    for scan in (*old.scans, *new.scans):
        rows[scan.table] = rows.get(scan.table, 0) + scan.rows
    return dataclasses.replace(
        old,
        times=old.times + new.times,
        duration=old.duration + new.duration,
        locks=tuple(dict.fromkeys((*old.locks, *new.locks))),
        rewrites=tuple(dict.fromkeys((*old.rewrites, *new.rewrites))),
        rebuilds=tuple(dict.fromkeys((*old.rebuilds, *new.rebuilds))),
        scans=tuple(Scan(table, number) for table, number in rows.items()),
    )


def shown(sql: str) -> str:
    """Return a statement on one line, without the secrets that SQL itself can carry."""
    return SECRET.sub(r"\1'…'", " ".join(sql.split()))[:WIDTH]


def speaking(seen: list[StatementObserved]) -> Iterator[StatementObserved]:
    """Leave out questions that touched nothing, such as those to the catalogue."""
    for one in seen:
        if one.locks or one.rewrites or one.rebuilds or one.scans or one.statement[:6].upper() != "SELECT":
            yield one

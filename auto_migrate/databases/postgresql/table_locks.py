"""Table locks of PostgreSQL: who is in the way, and taking several at once without queueing."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.db import OperationalError, ProgrammingError
from django.db.transaction import atomic

from auto_migrate.databases.base import Database, TableLocks
from auto_migrate.databases.lock_modes import CONFLICTS, LockMode
from auto_migrate.databases.session_waits import PREPARED, shortened_statement
from auto_migrate.values import Blocker

SAVEPOINT = "auto_migrate_locks"

# Autovacuum gives way to whoever has queued behind it for this long (deadlock_timeout, one second unless changed).
AUTOVACUUM = "autovacuum worker"

# A prepared transaction has no pid, and is known by the lock that it holds on its own number.
HOLDERS = """
    SELECT wanted.name, held.mode, held.pid, coalesce(activity.usename, prepared.owner), activity.application_name,
           activity.state, activity.backend_type,
           extract(epoch FROM clock_timestamp() - coalesce(activity.xact_start, prepared.prepared))::float8,
           coalesce(activity.query, 'PREPARE TRANSACTION ' || quote_literal(prepared.gid)), held.virtualtransaction
    FROM unnest(%s::text[], %s::text[]) AS wanted(name, quoted)
    JOIN pg_locks AS held ON held.relation = to_regclass(wanted.quoted)
    LEFT JOIN pg_stat_activity AS activity USING (pid)
    LEFT JOIN pg_locks AS number ON held.pid IS NULL AND number.pid IS NULL AND number.locktype = 'transactionid'
              AND number.virtualtransaction = held.virtualtransaction
    LEFT JOIN pg_prepared_xacts AS prepared ON prepared.transaction = number.transactionid
    WHERE held.locktype = 'relation' AND held.granted AND held.pid IS DISTINCT FROM pg_backend_pid()
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PostgreSQLTableLocks(TableLocks):
    """Locks on the tables of one database, inside the transaction that is open on its connection."""

    def __init__(self, database: Database) -> None:
        self.database = database
        # When each transaction was first seen: the server hides the age of other roles' transactions.
        self._first_seen: dict[str, float] = {}

    def existing(self, needs: Mapping[str, LockMode]) -> dict[str, LockMode]:
        names = sorted(needs)
        with self.database.connection.cursor() as cursor:
            cursor.execute(
                "SELECT wanted.name FROM unnest(%s::text[], %s::text[]) AS wanted(name, quoted)"
                " JOIN pg_class ON pg_class.oid = to_regclass(wanted.quoted) AND relkind IN ('r', 'p')",
                [names, self._quoted(names)],
            )
            found = {name for (name,) in cursor.fetchall()}
        return {name: needs[name] for name in names if name in found}

    def blockers(self, needs: Mapping[str, LockMode]) -> tuple[Blocker, ...]:
        # What pg_stat_activity hides from this role (it takes pg_read_all_stats) is empty; an age that it hides is that
        # since this object first saw the transaction.
        names = sorted(needs)
        with self.database.connection.cursor() as cursor:
            # Within a transaction, pg_stat_activity stays as it was when it was first looked at.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(HOLDERS, [names, self._quoted(names)])
            rows = cursor.fetchall()
        now = time.monotonic()
        self._first_seen = {row[-1]: self._first_seen.get(row[-1], now) for row in rows}
        found = {
            (row[2], row[0]): Blocker(
                table=row[0],
                pid=row[2],
                user=row[3] or "",
                application=row[4] or "",
                state=row[5] or ("" if row[2] else PREPARED),
                autovacuum=row[6] == AUTOVACUUM,
                age=now - self._first_seen[row[-1]] if row[7] is None else row[7],
                query=shortened_statement(row[8]),
            )
            for row in rows
            if row[1] in CONFLICTS[needs[row[0]]]
        }
        return tuple(sorted(found.values(), key=lambda blocker: -(blocker.age or 0)))

    def take(self, needs: Mapping[str, LockMode], *, queue_for: float | None = None) -> bool:
        try:
            if queue_for is None:
                self._take_at_once(needs)
            else:
                self._queue(needs, queue_for)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", getattr(error.__cause__, "pgcode", None)) == "55P03":
                return False
            raise
        return True

    def _take_at_once(self, needs: Mapping[str, LockMode]) -> None:
        """Lock in one round trip; what was locked before one was refused is given back."""
        nowait = "; ".join(f"{lock} NOWAIT" for lock in self._locks(needs))
        with self.database.connection.cursor() as cursor:
            try:
                cursor.execute(f"SAVEPOINT {SAVEPOINT}; {nowait}; RELEASE SAVEPOINT {SAVEPOINT}")
            except (OperationalError, ProgrammingError) as error:
                cursor.execute(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}; RELEASE SAVEPOINT {SAVEPOINT}")
                # As a rule all are tables, so that this is asked only when one is not.
                if isinstance(error, OperationalError) or (tables := self.existing(needs)) == needs:
                    raise
                if tables:
                    self._take_at_once(tables)

    def _queue(self, needs: Mapping[str, LockMode], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with atomic(using=self.database.alias), self.database.connection.cursor() as cursor:
            for lock in self._locks(needs):
                left = max(1, int(1000 * (deadline - time.monotonic())))
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{left}ms"])
                cursor.execute(lock)
        self.database.limit_locks()

    def _locks(self, needs: Mapping[str, LockMode]) -> list[str]:
        quote = self.database.connection.ops.quote_name
        return [f"LOCK TABLE {quote(table)} IN {needs[table].sql} MODE" for table in sorted(needs)]

    def _quoted(self, names: list[str]) -> list[str]:
        return [self.database.connection.ops.quote_name(name) for name in names]

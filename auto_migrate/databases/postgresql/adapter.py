"""PostgreSQL: readiness, faults by SQLSTATE, and what a migration's transaction is set up with."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import Error, InterfaceError, OperationalError
from django.db.transaction import atomic
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases.address import Address
from auto_migrate.databases.base import Database, DeployLock, NoLock, Question, Row
from auto_migrate.databases.client_pool import copy_outside_pool, outside_pool
from auto_migrate.databases.faults import Fault, FaultKind, causes, first_line
from auto_migrate.databases.new_connections import each_new
from auto_migrate.databases.options import translate_bad_options
from auto_migrate.databases.postgresql.addresses import address_of
from auto_migrate.databases.postgresql.client_releases import other_releases
from auto_migrate.databases.postgresql.concurrent_indexes import PostgreSQLIndexes
from auto_migrate.databases.postgresql.deploy_lock import AdvisoryLock
from auto_migrate.databases.postgresql.refusals import (
    OF_SETTINGS,
    POOLERS_ONLY,
    TIMED_OUT,
    kind_of_words,
    refused_sqlstate,
)
from auto_migrate.databases.postgresql.row_waits import hurrying_for_tables
from auto_migrate.databases.postgresql.session_guard import LOCK_TIMEOUT, OF_HISTORY, SessionGuard
from auto_migrate.databases.postgresql.session_settings import (
    CONFIGURE,
    PQTRANS_IDLE,
    READ_ONLY,
    configure,
    is_in_transaction,
    may_be_swayed,
)
from auto_migrate.databases.postgresql.sessions import Fence, history_holders, holders, key_here
from auto_migrate.databases.postgresql.sqlstates import KINDS, sqlstate_of
from auto_migrate.databases.postgresql.table_locks import PostgreSQLTableLocks
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.databases.session_waits import Reason, Tell, await_free, tell_nobody
from auto_migrate.databases.sockets import CONNECT_TIMEOUT, SERVER_SETTINGS, hurried, keep_alive
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Blocker

if TYPE_CHECKING:
    from auto_migrate.databases.statistics import Statistics

# Held to the end of every migration's transaction: "auto_rec" in ASCII, beside the deploy lock's "auto_mig".
RECORD_KEY = int.from_bytes(b"auto_rec")

# Take the lock that every migration's transaction holds to its end. Two runners that both believe to hold the deploy
# lock, or one whose killed predecessor is still at work in the server, follow one another here: whoever comes second
# sees the record of the first.
TRY_RECORD_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
# In one round trip. A snapshot taken before the lock was had would not show what its last holder committed, so the
# record is looked at by the next statement, and at a level at which each has a snapshot of its own.
BEGIN = f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; {TRY_RECORD_LOCK}, ({CONFIGURE})"

# Without this a statement goes on, and keeps its locks, long after its client was killed.
NOTICE_DEAD_CLIENTS = {"client_connection_check_interval": "500ms"}
# What is worth setting for a session: the others matter inside a transaction only.
SESSION_LIMITS = frozenset({"client_connection_check_interval", "lock_timeout", "statement_timeout"})
UNBOUNDED = {"statement_timeout": "0", **NOTICE_DEAD_CLIENTS}
# What a role may have for its usual work, and a run cannot do with: it is idle while Python works, and psycopg reads no
# other style of dates.
UNDISTURBED = {
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "DateStyle": "ISO",
}
# How long to wait for somebody for whom was waited in vain before.
IMPATIENT = {LOCK_TIMEOUT: "100ms"}
# In seconds; for zero the server waits without an end.
SHORTEST = 0.001
# The longest that the server knows, in milliseconds.
LONGEST = 2**31 - 1


def milliseconds(seconds: float) -> str:
    """Write a duration as the server reads it."""
    return f"{min(round(seconds * 1000), LONGEST)}ms"


def transaction_settings(queue_limit: float | None = None) -> dict[str, str]:
    """Return the settings of a migration's transaction; all are local to it, so pooled connections keep no trace."""
    settings = get_settings()
    wanted = {
        **NOTICE_DEAD_CLIENTS,
        **SERVER_SETTINGS,
        "lock_timeout": milliseconds(settings.LOCK_TIMEOUT_CEILING if queue_limit is None else queue_limit),
        # A migration that computes in Python is idle in its transaction, and that is no fault. A host that vanished is
        # noticed by TCP.
        "idle_in_transaction_session_timeout": "0",
        "transaction_timeout": "0",
    }
    if settings.STATEMENT_TIMEOUT is not None:
        wanted["statement_timeout"] = milliseconds(settings.STATEMENT_TIMEOUT)
    return wanted


# Whether it is a standby, whether transactions only read, whether that is the role's own setting, and whether tables
# can be made without naming a schema. A whole database is made to only read for the time of a switch-over.
WRITABLE = """
    SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean,
           current_setting('default_transaction_read_only')::boolean AND EXISTS (
               SELECT 1 FROM pg_settings WHERE name = 'default_transaction_read_only'
               AND source IN ('user', 'database user')
           ),
           current_schema() IS NOT NULL, current_setting('search_path')
"""

IS_STANDBY = gettext_noop(
    "It is a standby. Give the primary's address instead of {host}: DATABASES[{alias!r}] (or DATABASE_URL)."
)
# Whoever types it has such a session, too.
IS_READ_ONLY = gettext_noop(
    "Let it be written to again: SET default_transaction_read_only = off; "
    "ALTER DATABASE {name} SET default_transaction_read_only = off"
)


class PostgreSQL(Database):
    """PostgreSQL from the oldest that this Django supports, with psycopg 3 or 2, directly or behind a pooler."""

    vendor = "postgresql"

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.fence = Fence(self)
        self.guard = SessionGuard(self)
        # The number of the transaction that was told apart last.
        self._transaction = ""

    def prepare(self) -> None:
        with hurried(self.connection, CONNECT_TIMEOUT), translate_bad_options(self):
            super().prepare()
        with self.translate_errors():
            self.set_up_session()

    def set_up_session(self) -> None:
        keep_alive(self.connection)
        self.guard.set_up()

    @contextlib.contextmanager
    def guarded(self, *, limited: bool = True, patience: float | None = None) -> Iterator[None]:
        settings = {**SERVER_SETTINGS, **NOTICE_DEAD_CLIENTS, **UNDISTURBED}
        # Nothing outside of the migrations' own transactions has a reason to wait for longer, or for ever.
        seconds = get_settings().LOCK_PATIENCE if patience is None else patience
        longest = milliseconds(max(seconds, SHORTEST))
        if limited:
            settings[LOCK_TIMEOUT] = longest
        own, hurry = outside_pool(self.connection), hurried(self.connection, CONNECT_TIMEOUT)
        with own, hurry, self.guard.holding(settings, longest), each_new(self.connection, self.set_up_session):
            yield

    @property
    def address(self) -> Address:
        return address_of(self.connection)

    def check_writable(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(WRITABLE)
            replica, read_only, by_role, has_schema, path = cursor.fetchone()
        if read_only and by_role and not replica:
            raise self.explain(Fault(FaultKind.ROLE_READ_ONLY))
        if replica or read_only:
            advice = _(IS_STANDBY if replica else IS_READ_ONLY).format(**dataclasses.asdict(self.address))
            raise TransientError(_(FaultKind.READ_ONLY.value), advice=advice)
        if not has_schema:
            # The name may be a package's for tenants, or a misspelled option.
            raise self.explain(Fault(FaultKind.NO_SCHEMA, f"search_path = {path}"))

    def fault_of_own_statement(self, error: Exception) -> Fault | None:
        driver = self.connection.Database  # type: ignore[attr-defined] # every vendor's wrapper has it
        for cause in causes(error):
            if isinstance(cause, driver.Error) and sqlstate_of(cause) == "57014":
                return Fault(FaultKind.ROLE_TIMEOUT, first_line(cause))
        return None

    def fault_of(self, error: BaseException) -> Fault | None:
        driver = self.connection.Database  # type: ignore[attr-defined] # every vendor's wrapper has it
        # A migration may ask another database in its Python code, whose faults say nothing of this one.
        own = [cause for cause in causes(error) if isinstance(cause, driver.Error)]
        for cause in own:
            if sqlstate := sqlstate_of(cause):
                kind = KINDS.get(sqlstate) or KINDS.get(sqlstate[:2])
                if sqlstate == POOLERS_ONLY:
                    kind = kind_of_words(first_line(cause)) or kind
                if kind is FaultKind.LOCK_TIMEOUT and any(hasattr(one, OF_HISTORY) for one in causes(error)):
                    kind = FaultKind.HISTORY_LOCKED
                return Fault(kind, first_line(cause)) if kind else None
        # Django tells some as another error of its own, as where it cannot make the table of its record.
        told = next((cause for cause in causes(error) if isinstance(cause, OperationalError | InterfaceError)), None)
        if own and told is not None and isinstance(error, Error):
            return self._fault_without_sqlstate(self._refused_to_pool(own) or told)
        if own and isinstance(error, Error) and self.connection.connection is None:
            # What the driver does not even try, such as an option that libpq does not know.
            return Fault(FaultKind.BAD_ADDRESS, first_line(error))
        return None

    def _refused_to_pool(self, own: Sequence[BaseException]) -> Error | None:
        """Return what the server answers where psycopg's pool only says that it had no connection in time."""
        if not any(type(cause).__name__ == "PoolTimeout" for cause in own):
            return None
        single = copy_outside_pool(self.connection)
        try:
            single.ensure_connection()
        except Error as error:
            return error
        finally:
            single.close()
        return None

    def _fault_without_sqlstate(self, error: Error) -> Fault:
        """Return what a failed or lost connection means: libpq does not pass on the SQLSTATE of a refused one."""
        detail = first_line(error)
        sqlstate = ""
        # What did not answer once would be waited for a second time.
        if ("FATAL" in detail or "failed:" in detail) and TIMED_OUT not in detail:
            sqlstate = refused_sqlstate(self.connection.get_connection_params()) or ""
        known = KINDS.get(sqlstate) or KINDS.get(sqlstate[:2])
        if sqlstate == POOLERS_ONLY:
            return Fault(kind_of_words(detail) or FaultKind.UNREACHABLE, detail)
        if known is None and sqlstate[:2] in OF_SETTINGS:
            known = FaultKind.BAD_ADDRESS
        return Fault(known or kind_of_words(detail) or FaultKind.UNREACHABLE, detail)

    def history_holders(self) -> tuple[Blocker, ...]:
        was_open = self.connection.connection is not None
        try:
            with contextlib.suppress(Error), savepoint(self.alias):
                return history_holders(self)
            return ()
        finally:
            if not was_open:
                # Whoever comes next sets up one of its own.
                self.discard_connection()

    def begin_migration(self, clock: Clock, question: Question | None = None, tell: Tell = tell_nobody) -> list[Row]:
        if question is not None and may_be_swayed(self.connection):
            # Whether it is asked in the session as it was is found out by a query, and nothing is to come before this.
            self.begin_migration(clock, None, tell)
            return self.ask(question)
        settings, key = transaction_settings(self.queue_limit), key_here(RECORD_KEY)
        begin = Question(BEGIN, [key, True, list(settings), list(settings.values())])
        questions = [question] if question else []
        ((locked, *_), *_), *answers = self._ask_in_turn(begin, *questions)
        if not locked:
            await_free(
                lambda: self.ask(Question(TRY_RECORD_LOCK, [key]))[0][0],
                lambda: tuple(blocker for blocker, _since in holders(self, key)),
                reason=Reason.RECORD,
                limit=min(self.runner_patience, get_settings().LOCK_PATIENCE),
                clock=clock,
                tell=tell,
            )
            answers = self._ask_in_turn(*questions)
        return answers[0] if answers else []

    def in_transaction(self) -> bool:
        # What was closed is not idle, and says so at the next statement.
        driver: Any = self.connection.connection
        return driver is None or driver.info.transaction_status != PQTRANS_IDLE

    def has_transaction_open(self) -> bool:
        return is_in_transaction(self.connection)

    def may_begin(self) -> bool:
        driver: Any = self.connection.connection
        only_reads = driver is not None and driver.info.parameter_status(READ_ONLY) == "on"
        return not (only_reads or self.has_transaction_open())

    def tell_transaction_apart(self) -> None:
        # By the number that it gets at its first write anyway.
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text")
            (self._transaction,) = cursor.fetchone()

    def is_own_transaction(self) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id_if_assigned()::text")
            return bool(cursor.fetchone()[0] == self._transaction)

    def _ask_in_turn(self, *questions: Question) -> list[list[Row]]:
        """Ask in one round trip, and return the rows of each that has any to give."""
        if not questions:
            return []
        # Composed here, since a driver that binds parameters in the server sends but one statement at a time.
        composed = [self.connection.ops.compose_sql(question.sql, question.params) for question in questions]  # type: ignore[attr-defined] # Django's for PostgreSQL
        with self.connection.cursor() as cursor:
            if self.connection.Database.__name__ == "psycopg2":  # type: ignore[attr-defined] # likewise
                # Of several statements it shows the rows of the last only.
                return [cursor.execute(sql) or list(cursor.fetchall()) for sql in composed]
            cursor.execute("; ".join(composed))
            answers = [list(cursor.fetchall())] if cursor.description else []
            while cursor.nextset():
                answers += [list(cursor.fetchall())] if cursor.description else []
            return answers

    def configure(self, settings: Mapping[str, str], *, local: bool) -> dict[str, str]:
        """Set what this server knows of `settings`, for the transaction or for the session; return it as it has it."""
        return configure(self.connection, settings, local=local)

    def limit_locks(self) -> None:
        self.configure({"lock_timeout": milliseconds(get_settings().LOCK_TIMEOUT_CEILING)}, local=True)

    @contextlib.contextmanager
    def unbounded(self) -> Iterator[None]:
        # They wait for old transactions, as long as runs may for one another: that too has to end at some time.
        longest = max(get_settings().LOCK_WAIT, get_settings().LOCK_PATIENCE)
        with self.guard.limited({**UNBOUNDED, "lock_timeout": milliseconds(longest)}):
            yield

    def hold_fence(self, lock: DeployLock, clock: Clock, tell: Tell = tell_nobody) -> None:
        # A pooler would leave a session's lock behind on one of its connections, where it keeps everybody out.
        wanted = get_settings().LOCK != "none" and not self.connection.in_atomic_block and not self.fence.is_held
        if wanted and not self.pooled:
            self.fence.hold(lock, limit=self.runner_patience, clock=clock, tell=tell)
        lock.verify()

    def drop_fence(self) -> None:
        self.fence.drop()

    @contextlib.contextmanager
    def session_limits(self, *, patient_with_rows: bool = False, claimed: set[str] | None = None) -> Iterator[None]:
        limits = {name: setting for name, setting in transaction_settings().items() if name in SESSION_LIMITS}
        if not patient_with_rows:
            with self.guard.limited(limits, claimed):
                yield
            return
        longest, ceiling = milliseconds(get_settings().LOCK_PATIENCE), {"lock_timeout": limits["lock_timeout"]}
        hurrying = hurrying_for_tables(self.connection, self.limit_locks, lambda: self.guard.limited(ceiling, claimed))
        with self.guard.limited({**limits, "lock_timeout": longest}, claimed), hurrying:
            yield

    @property
    def pooled(self) -> bool:
        return self.guard.is_pooled

    @property
    def is_known_pooled(self) -> bool:
        return self.guard.is_known_pooled

    @contextlib.contextmanager
    def impatient(self) -> Iterator[None]:
        if not self.pooled:
            with self.guard.limited(IMPATIENT):
                yield
            return
        with atomic(using=self.alias):
            self.configure(IMPATIENT, local=True)
            yield

    def other_releases(self) -> tuple[str, ...]:
        return other_releases(self.connection)

    @property
    def statistics(self) -> Statistics:
        # Asked by the assessment alone, and most deploys have nothing to assess.
        from auto_migrate.databases.statistics import PostgreSQLStatistics

        return PostgreSQLStatistics(self.connection)

    @property
    def indexes(self) -> PostgreSQLIndexes:
        return PostgreSQLIndexes(self)

    @property
    def table_locks(self) -> PostgreSQLTableLocks:
        return PostgreSQLTableLocks(self)

    def deploy_lock(self, runner: str) -> DeployLock:
        return NoLock() if get_settings().LOCK == "none" else AdvisoryLock(self, runner)

    def version(self) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            return str(cursor.fetchone()[0])

"""What the engine asks of a database, whatever its vendor."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import DatabaseError, InterfaceError, NotSupportedError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases.address import Address
from auto_migrate.databases.faults import HINTS, Fault, FaultKind, first_line, left_by
from auto_migrate.databases.index_builds import ConcurrentIndexes
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.session_waits import Tell, tell_nobody, ways_out
from auto_migrate.databases.sockets import CONNECT_TIMEOUT, ended_after
from auto_migrate.exceptions import (
    AutoMigrateError,
    DatabaseBusy,
    DatabaseRefused,
    DatabaseUnreachable,
    MigrationFailed,
    TransientError,
)
from auto_migrate.values import Blocker, Holder, ValueObject

if TYPE_CHECKING:
    from auto_migrate.databases.statistics import Statistics


class Question(ValueObject):
    """A statement that gives rows, with its parameters; where it has none, a per cent sign in it is one."""

    sql: str
    params: Sequence[Any] | None = None


Row = tuple[Any, ...]

# Seconds in which a server notices that a runner was killed, which whoever waits for nobody gives it too.
GRACE = 5.0


class DeployLock(abc.ABC):
    """The right to migrate one database: had by one runner at a time, gone with its process."""

    @abc.abstractmethod
    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting."""

    @abc.abstractmethod
    def holder(self) -> Holder | None:
        """Return who holds the lock, or None if it is free."""

    @abc.abstractmethod
    def verify(self) -> None:
        """Raise `TransientError` unless the lock is still held."""

    @abc.abstractmethod
    def release(self) -> None:
        """Let go of the lock; never raises, and may be called twice."""


class NoLock(DeployLock):
    """The lock of a database that nobody else can reach, or whose project asked for none."""

    def try_acquire(self) -> bool:
        return True

    def holder(self) -> Holder | None:
        return None

    def verify(self) -> None:
        return

    def release(self) -> None:
        return


class TableLocks(abc.ABC):
    """The means to lock tables ahead of a migration, inside the transaction that is open on its connection."""

    @abc.abstractmethod
    def existing(self, needs: Mapping[str, LockMode]) -> dict[str, LockMode]:
        """Leave out what is no table (yet): the migration makes it, or it is a view."""

    @abc.abstractmethod
    def blockers(self, needs: Mapping[str, LockMode]) -> tuple[Blocker, ...]:
        """Return the transactions that hold what the needs cannot stand beside, the oldest first."""

    @abc.abstractmethod
    def take(self, needs: Mapping[str, LockMode], *, queue_for: float | None = None) -> bool:
        """Lock every table in the order of their names, or none; return whether they are locked.

        Without `queue_for` nothing waits, and what is no table is left out; with it, the locks together wait for at
        most so many seconds.
        """


class Database(abc.ABC):
    """One alias, as the engine sees it."""

    vendor: ClassVar[str]
    # How long statements of the migrations that are begun may queue for a lock, in seconds, if not as configured.
    queue_limit: float | None = None

    def __init__(self, alias: str) -> None:
        self.alias = alias
        # How long this run waits for other runners, in seconds.
        self.lock_wait = get_settings().LOCK_WAIT
        # The connections of this run besides the one that works.
        self.own_connections: weakref.WeakSet[BaseDatabaseWrapper] = weakref.WeakSet()

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """Django's connection of this alias, in this thread."""
        return connections[self.alias]

    @property
    def runner_patience(self) -> float:
        """How long to wait, in seconds, for what a runner has left behind that has no turn any more."""
        return max(self.lock_wait, GRACE)

    @property
    def transactional_ddl(self) -> bool:
        """Return whether a schema change can be rolled back."""
        return bool(self.connection.features.can_rollback_ddl)

    @property
    def address(self) -> Address:
        """Who connects where, for messages."""
        settings = self.connection.settings_dict
        host = str(settings.get("HOST") or "localhost")
        port = f":{settings['PORT']}" if settings.get("PORT") else ""
        return Address(self.alias, f"{host}{port}", str(settings.get("USER") or ""), str(settings.get("NAME") or ""))

    def prepare(self) -> None:
        """Connect and make sure that the database accepts writes; raise `TransientError` or `DatabaseRefused`."""
        with self.translate_errors():
            # Who lets us in may be a pooler that has nobody to ask.
            with ended_after(self.connection, CONNECT_TIMEOUT):
                if not self.connection.in_atomic_block:
                    self.connection.close_if_unusable_or_obsolete()
                self.connection.ensure_connection()
            with ended_after(self.connection, CONNECT_TIMEOUT):
                self.check_writable()

    @contextlib.contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise database errors as what they mean; errors that mean nothing here pass through."""
        try:
            yield
        except (TransientError, DatabaseRefused):
            raise
        except Exception as error:
            fault = self.fault_of(error) or self._refusal_of(error)
            if fault is None:
                raise
            raise self.explain(fault) from error

    def _refusal_of(self, error: Exception) -> Fault | None:
        """Return what an error of a statement of our own says; those of migrations are told already."""
        if isinstance(error, NotSupportedError) and self._is_too_old():
            # Django does not look a second time at a connection that stands.
            self.discard_connection()
            return Fault(FaultKind.TOO_OLD, first_line(error))
        return None if isinstance(error, AutoMigrateError) else self.fault_of_own_statement(error)

    def _is_too_old(self) -> bool:
        minimum = self.connection.features.minimum_database_version
        try:
            return minimum is not None and tuple(self.connection.get_database_version()) < tuple(minimum)
        except Exception:  # noqa: BLE001 # the error that is to be explained is worth more than this one
            return False

    def fault_of_own_statement(self, error: Exception) -> Fault | None:
        """Return what an error means that would be about the statement if the statement were not our own."""
        return None

    def explain(self, fault: Fault) -> TransientError | DatabaseRefused:
        """Turn a fault into the exception that tells it."""
        if fault.kind.transient:
            return fault.as_error(advice=self.hint(fault.kind))
        text = _("The database refuses for good: {reason} ({where}).")
        told = text.format(reason=_(fault.kind.value), where=self.address)
        return DatabaseRefused(told, hint="\n".join(filter(None, (self.hint(fault.kind), fault.detail))))

    def hint(self, kind: FaultKind) -> str:
        """Return what to check for a kind of fault, or an empty text."""
        return _(HINTS[kind]).format(**dataclasses.asdict(self.address)) if kind in HINTS else ""

    def exhausted(self, fault: TransientError) -> DatabaseUnreachable | MigrationFailed:
        """Turn the fault of the last attempt into the error that ends a run."""
        if fault.contention and not fault.of_history:
            return MigrationFailed(
                _("The migration found no quiet moment: {reason}.").format(reason=fault.reason),
                hint="\n".join(filter(None, (fault.detail, *left_by(fault)))),
            )
        return self.unreachable(fault)

    def unreachable(self, fault: TransientError) -> DatabaseUnreachable:
        """Say that the database cannot be used, and what to check."""
        address = self.address
        if fault.contention:
            text = _("What was to be read is locked by somebody else: {reason} ({name} at {host}).")
            told = text.format(reason=fault.reason, name=address.name, host=address.host)
            lines = [fault.detail, *(left_by(fault) if fault.kept else ()), *ways_out(self.history_holders())]
            return DatabaseBusy(told, hint="\n".join(filter(None, lines)))
        return DatabaseUnreachable(
            _("{reason} ({name} at {host}).").format(reason=fault.reason, name=address.name, host=address.host),
            hint="\n".join(filter(None, (fault.detail, fault.advice or self.hint(FaultKind.UNREACHABLE)))),
        )

    def discard_connection(self) -> None:
        """Close the connection so that the next attempt gets a fresh one."""
        with contextlib.suppress(DatabaseError, InterfaceError):
            self.connection.close()

    def describe(self) -> dict[str, Any]:
        """Return what an operator wants to see of this database; never a secret."""
        return {"vendor": self.vendor, **dataclasses.asdict(self.address), "version": self.version()}

    def version(self) -> str:
        """Return the server's version as a person reads it."""
        return ".".join(str(part) for part in self.connection.get_database_version())

    def lock_holder(self) -> Holder | None:
        """Return who holds the deploy lock right now, or None if it is free."""
        lock = self.deploy_lock("")
        try:
            return lock.holder()
        finally:
            lock.release()

    def history_holders(self) -> tuple[Blocker, ...]:
        """Return who keeps tables of the history, or Django's record, from being read or written; never raises."""
        return ()

    def begin_migration(self, clock: Clock, question: Question | None = None, tell: Tell = tell_nobody) -> list[Row]:
        """Set up the transaction that was opened for a migration, and make sure that no other runner is in one.

        Then ask a question in it, in the same round trip where that is possible, and return the rows. `tell` hears whom
        this waits for; raise `DeployLockTimeout` if it is in vain.
        """
        return self.ask(question) if question is not None else []

    def ask(self, question: Question) -> list[Row]:
        """Return the rows of one statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(question.sql, question.params)
            return list(cursor.fetchall())

    def in_transaction(self) -> bool:
        """Return whether a transaction may be open, as far as the client knows without asking the server."""
        return True

    def has_transaction_open(self) -> bool:
        """Return whether a transaction is certainly open, as far as the client knows without asking the server."""
        return False

    def may_begin(self) -> bool:
        """Return whether what is begun now can be written in: no transaction is open of which Django does not know."""
        return True

    def tell_transaction_apart(self) -> None:
        """Have the open transaction known again, where the server can."""
        return

    def is_own_transaction(self) -> bool:
        """Return whether the open transaction is the one that was told apart; asked once, at its end."""
        return True

    @contextlib.contextmanager
    def guarded(self, *, limited: bool = True, patience: float | None = None) -> Iterator[None]:
        """Let every connection that is made meanwhile, by whomever, leave nothing behind if this host vanishes.

        `limited` bounds the waits of its statements for locks as well, to `patience` seconds (None: as configured).
        """
        yield

    def set_up_session(self) -> None:
        """Set up the session of the connection that is open, as `guarded` does for each that is made."""
        return

    def hold_fence(self, lock: DeployLock, clock: Clock, tell: Tell = tell_nobody) -> None:
        """Make sure that the turn is ours, and that nobody who had it before is still at work in this database.

        Held by the session that works, to the end of the turn; asked for again before work outside of a transaction,
        since the connection may have been made anew. Raise `DeployLockTimeout` if another runner goes on for too long.
        """
        lock.verify()

    def drop_fence(self) -> None:
        """Let others work outside of transactions; never raises."""
        return

    @contextlib.contextmanager
    def unbounded(self) -> Iterator[None]:
        """Lift the limits for statements that hold nobody up while they wait."""
        yield

    def impatient(self) -> contextlib.AbstractContextManager[None] | None:
        """Return the way to wait for no other writer; None where a statement waits for rows and tables alone."""
        return None

    def schema_digest(self) -> str:
        """Return a hash of all tables, columns and indexes where schema changes cannot be rolled back, else nothing."""
        return ""

    def note_of(self, sql: str, *, writes_rows: bool = False) -> Mapping[str, Any] | None:
        """Return what tells a later run, as JSON, whether a statement was carried out; None where nothing does."""
        return None

    def was_carried_out(self, note: Mapping[str, Any], *, after_rows: bool) -> bool | None:
        """Return what a note tells, None where it does not; rows had been written before it if `after_rows`."""
        return None

    def without_transactions(self, names: Collection[str]) -> frozenset[str]:
        """Return the tables of these names whose rows no transaction takes back."""
        return frozenset()

    @contextlib.contextmanager
    def session_limits(self, *, patient_with_rows: bool = False, claimed: set[str] | None = None) -> Iterator[None]:
        """Bound the statements of a migration outside of transactions, as far as no trace can be left by it.

        Code that cannot be begun anew is `patient_with_rows`: it waits as long for a row as a run does for a table.
        What it sets itself is added to what is `claimed`, and left as it is.
        """
        yield

    def limit_locks(self) -> None:
        """Bound the wait of the open transaction's statements for locks that were not taken ahead."""
        return

    @property
    def pooled(self) -> bool:
        """Return whether a pooler stands between us and the server."""
        return False

    @property
    def is_known_pooled(self) -> bool:
        """Return whether a pooler is known to, without asking."""
        return False

    @property
    def indexes(self) -> ConcurrentIndexes | None:
        """The means to look at indexes that are built concurrently, where the vendor has them."""
        return None

    @property
    def table_locks(self) -> TableLocks | None:
        """The means to lock tables ahead of a migration, where the vendor has them."""
        return None

    def other_releases(self) -> tuple[str, ...]:
        """Name the clients that are, or may be, of another release than this process; nothing where none can tell."""
        return ()

    @property
    def statistics(self) -> Statistics | None:
        """The means to ask how large and busy tables are, where the vendor has them."""
        return None

    @abc.abstractmethod
    def check_writable(self) -> None:
        """Raise `TransientError` unless the database accepts writes."""

    @abc.abstractmethod
    def fault_of(self, error: BaseException) -> Fault | None:
        """Return what an error says about the database; None if it is about the statement."""

    @abc.abstractmethod
    def deploy_lock(self, runner: str) -> DeployLock:
        """Return the lock, not yet taken, to be held under the name `runner`."""

"""MySQL 8 and MariaDB 10.6 or newer: readiness, faults by error number, and what the session of a migration is set to.

No schema change can be rolled back here: each statement commits, and a statement whose client was killed runs on to its
end. So the session that carries out the migrations holds a named lock of its own, the work lock, which lasts as long as
any statement of it does: the next runner waits for it, and finds the schema as that statement left it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db import Error
from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases.address import Address
from auto_migrate.databases.base import Database, DeployLock, NoLock, Question, Row
from auto_migrate.databases.faults import Fault, FaultKind, causes
from auto_migrate.databases.mysql.deploy_lock import LONGEST_IDLE, NamedDeployLock, lock_name, session_that_holds
from auto_migrate.databases.mysql.table_parts import (
    are_the_same,
    note_of,
    note_of_rows,
    was_carried_out,
    without_transactions,
)
from auto_migrate.databases.new_connections import each_new
from auto_migrate.databases.options import translate_bad_options
from auto_migrate.databases.session_waits import Reason, Tell, await_free, tell_nobody
from auto_migrate.databases.sockets import CONNECT_TIMEOUT, hurried, keep_alive
from auto_migrate.databases.statistics import MySQLStatistics, Statistics
from auto_migrate.exceptions import TransientError
from auto_migrate.values import Blocker

# Client errors are below 3000 and above 1999, the rest are the server's; MySQL and MariaDB share them up to 1900.
# https://dev.mysql.com/doc/mysql-errors/8.0/en/ and https://mariadb.com/kb/en/mariadb-error-code-reference/
KINDS = {
    0: FaultKind.CONNECTION_LOST,  # the driver's own: the connection was closed before
    1020: FaultKind.DEADLOCK,  # ER_CHECKREAD, with which MariaDB 11 refuses a write that is based on an older snapshot
    1040: FaultKind.TOO_MANY_CONNECTIONS,  # ER_CON_COUNT_ERROR
    1041: FaultKind.TOO_MANY_CONNECTIONS,  # ER_OUT_OF_RESOURCES
    1042: FaultKind.UNREACHABLE,  # ER_BAD_HOST_ERROR
    1043: FaultKind.UNREACHABLE,  # ER_HANDSHAKE_ERROR
    1044: FaultKind.NO_PERMISSION,  # ER_DBACCESS_DENIED_ERROR, also for a database that does not exist
    1045: FaultKind.CREDENTIALS,  # ER_ACCESS_DENIED_ERROR
    1046: FaultKind.NO_DATABASE,  # ER_NO_DB_ERROR: none is named
    1049: FaultKind.NO_DATABASE,  # ER_BAD_DB_ERROR
    1053: FaultKind.STARTING,  # ER_SERVER_SHUTDOWN
    1129: FaultKind.CREDENTIALS,  # ER_HOST_IS_BLOCKED
    1130: FaultKind.CREDENTIALS,  # ER_HOST_NOT_PRIVILEGED
    1135: FaultKind.TOO_MANY_CONNECTIONS,  # ER_CANT_CREATE_THREAD
    1142: FaultKind.NO_PERMISSION,  # ER_TABLEACCESS_DENIED_ERROR
    1143: FaultKind.NO_PERMISSION,  # ER_COLUMNACCESS_DENIED_ERROR
    1152: FaultKind.CONNECTION_LOST,  # ER_ABORTING_CONNECTION
    1158: FaultKind.CONNECTION_LOST,  # ER_NET_READ_ERROR
    1159: FaultKind.CONNECTION_LOST,  # ER_NET_READ_INTERRUPTED
    1160: FaultKind.CONNECTION_LOST,  # ER_NET_ERROR_ON_WRITE
    1161: FaultKind.CONNECTION_LOST,  # ER_NET_WRITE_INTERRUPTED
    1184: FaultKind.CONNECTION_LOST,  # ER_NEW_ABORTING_CONNECTION
    1203: FaultKind.TOO_MANY_CONNECTIONS,  # ER_TOO_MANY_USER_CONNECTIONS
    1205: FaultKind.LOCK_TIMEOUT,  # ER_LOCK_WAIT_TIMEOUT, of rows and of table definitions
    1213: FaultKind.DEADLOCK,  # ER_LOCK_DEADLOCK
    1226: FaultKind.TOO_MANY_CONNECTIONS,  # ER_USER_LIMIT_REACHED
    1227: FaultKind.NO_PERMISSION,  # ER_SPECIFIC_ACCESS_DENIED_ERROR
    1251: FaultKind.CREDENTIALS,  # ER_NOT_SUPPORTED_AUTH_MODE
    1412: FaultKind.DEADLOCK,  # ER_TABLE_DEF_CHANGED: changed since the transaction began
    1698: FaultKind.CREDENTIALS,  # ER_ACCESS_DENIED_NO_PASSWORD_ERROR
    1792: FaultKind.READ_ONLY,  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    1820: FaultKind.CREDENTIALS,  # ER_MUST_CHANGE_PASSWORD
    1836: FaultKind.READ_ONLY,  # ER_READ_ONLY_MODE
    1862: FaultKind.CREDENTIALS,  # ER_MUST_CHANGE_PASSWORD_LOGIN
    1874: FaultKind.READ_ONLY,  # ER_INNODB_READ_ONLY
    1927: FaultKind.CONNECTION_LOST,  # ER_CONNECTION_KILLED of MariaDB
    2001: FaultKind.UNREACHABLE,  # CR_SOCKET_CREATE_ERROR
    2002: FaultKind.UNREACHABLE,  # CR_CONNECTION_ERROR
    2003: FaultKind.UNREACHABLE,  # CR_CONN_HOST_ERROR
    2004: FaultKind.UNREACHABLE,  # CR_IPSOCK_ERROR
    2005: FaultKind.UNREACHABLE,  # CR_UNKNOWN_HOST
    2006: FaultKind.CONNECTION_LOST,  # CR_SERVER_GONE_ERROR
    2007: FaultKind.BAD_ADDRESS,  # CR_VERSION_ERROR: what answers is no such server
    2009: FaultKind.BAD_ADDRESS,  # CR_WRONG_HOST_INFO
    2012: FaultKind.UNREACHABLE,  # CR_SERVER_HANDSHAKE_ERR
    2013: FaultKind.CONNECTION_LOST,  # CR_SERVER_LOST
    2026: FaultKind.TLS,  # CR_SSL_CONNECTION_ERROR, but see CUT_SHORT
    2047: FaultKind.BAD_ADDRESS,  # CR_CONN_UNKNOW_PROTOCOL
    2055: FaultKind.CONNECTION_LOST,  # CR_SERVER_LOST_EXTENDED
    2059: FaultKind.CREDENTIALS,  # CR_AUTH_PLUGIN_CANNOT_LOAD
    2061: FaultKind.TLS,  # CR_AUTH_PLUGIN_ERR: a plugin that wants a secure connection
    3032: FaultKind.STARTING,  # ER_SERVER_OFFLINE_MODE
    3058: FaultKind.DEADLOCK,  # ER_USER_LOCK_DEADLOCK
    3101: FaultKind.DEADLOCK,  # ER_TRANSACTION_ROLLBACK_DURING_COMMIT, between the members of a replication group
    3118: FaultKind.CREDENTIALS,  # ER_ACCOUNT_HAS_BEEN_LOCKED of MySQL
    3159: FaultKind.TLS,  # ER_SECURE_TRANSPORT_REQUIRED
    3169: FaultKind.CONNECTION_LOST,  # ER_SESSION_WAS_KILLED
    3572: FaultKind.LOCK_TIMEOUT,  # ER_LOCK_NOWAIT of MySQL
    4031: FaultKind.CONNECTION_LOST,  # ER_CLIENT_INTERACTION_TIMEOUT
    4151: FaultKind.CREDENTIALS,  # ER_ACCOUNT_HAS_BEEN_LOCKED of MariaDB
    9001: FaultKind.UNREACHABLE,  # ProxySQL: no server behind it could be reached in time
}

# Numbers that mean several things, told apart by what no server translates: the name of an option or of a product.
TOLD_BY_NAME = {
    1047: ("WSREP", FaultKind.STARTING),  # ER_UNKNOWN_COM_ERROR: a Galera node that is not yet one of the cluster
    1290: ("read-only", FaultKind.READ_ONLY),  # ER_OPTION_PREVENTS_STATEMENT
}

# CR_SSL_CONNECTION_ERROR is also how a server that goes away in the middle of the handshake looks. The words are those
# of OpenSSL and of the C library, which speak no other language here.
TLS_ERROR = 2026
CUT_SHORT = _lazy_re_compile(r"unexpected eof|reset by peer|broken pipe|timed out", re.IGNORECASE)

HINTS = {
    FaultKind.CREDENTIALS: gettext_noop(
        "Check the user and password in DATABASES[{alias!r}] (or DATABASE_URL), and from which hosts the account may "
        "come: mysql --host=<host> --user={role} {name} --password"
    ),
    FaultKind.TLS: gettext_noop("Check ssl_mode and ssl in DATABASES[{alias!r}]['OPTIONS'] (or DATABASE_URL)."),
    FaultKind.NO_PERMISSION: gettext_noop(
        "Check that the database {name} exists, and grant what is missing: GRANT ALL ON `{name}`.* TO <{role}>"
    ),
}

# Any of them makes a write fail. A server has some of them only; an account with SUPER could write to a replica
# nevertheless, which nobody wants of a migration.
READ_ONLY = ("read_only", "super_read_only", "innodb_read_only", "transaction_read_only", "tx_read_only")

# With these MariaDB ends sessions that leave a transaction idle.
IDLE_IN_TRANSACTION = (
    "idle_transaction_timeout", "idle_readonly_transaction_timeout", "idle_write_transaction_timeout",
)  # fmt: skip

# How long statements wait for the definitions of tables, and for rows; the former is a day unless somebody says less.
LOCK_WAITS = ("lock_wait_timeout", "innodb_lock_wait_timeout")


def session_settings(*, mariadb: bool) -> dict[str, float]:
    """Return the settings of the session that migrates; MySQL knows whole seconds, and 0 would not wait at all."""
    settings = get_settings()
    seconds = max(1, math.ceil(settings.LOCK_TIMEOUT_CEILING))
    wanted: dict[str, float] = {
        "lock_wait_timeout": seconds,
        "innodb_lock_wait_timeout": seconds,
        # A migration that computes in Python leaves its session idle, and that is no fault.
        "wait_timeout": LONGEST_IDLE,
    }
    if mariadb:
        # Nor is it one within a transaction.
        wanted |= dict.fromkeys(IDLE_IN_TRANSACTION, 0)
    if settings.STATEMENT_TIMEOUT is not None and mariadb:
        wanted["max_statement_time"] = settings.STATEMENT_TIMEOUT
    elif settings.STATEMENT_TIMEOUT is not None:
        wanted["max_execution_time"] = math.ceil(settings.STATEMENT_TIMEOUT * 1000)
    return wanted


# All that a schema change can change, in a fixed order; the history's own tables change while nothing else does.
SCHEMA = (
    """
    SELECT table_name, column_name, column_type, is_nullable, column_default, extra, collation_name, column_comment
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND LEFT(table_name, 13) <> 'auto_migrate_'
    ORDER BY table_name, ordinal_position
    """,
    """
    SELECT table_name, index_name, non_unique, seq_in_index, column_name, collation
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND LEFT(table_name, 13) <> 'auto_migrate_'
    ORDER BY table_name, index_name, seq_in_index
    """,
    """
    SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints
    WHERE table_schema = DATABASE() ORDER BY table_name, constraint_name
    """,
    "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
)


class MySQL(Database):
    """MySQL or MariaDB, with mysqlclient or what stands in for it."""

    vendor = "mysql"

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        # The driver's connection whose session is set up, and what its settings were before.
        self._limited: tuple[object, dict[str, Any]] | None = None
        # What is set for the session of each connection of a run, and what that of the present one was before.
        self._guard: Mapping[str, Any] = {}
        self._unguarded: tuple[object, dict[str, Any]] | None = None

    @property
    def statistics(self) -> Statistics:
        return MySQLStatistics(self.connection)

    @property
    def address(self) -> Address:
        address = super().address
        host = str(self.connection.settings_dict.get("HOST") or "")
        return dataclasses.replace(address, host=host) if host.startswith("/") else address

    def prepare(self) -> None:
        with hurried(self.connection, CONNECT_TIMEOUT), translate_bad_options(self):
            super().prepare()
        with self.translate_errors():
            self.set_up_session()

    @contextlib.contextmanager
    def guarded(self, *, limited: bool = True, patience: float | None = None) -> Iterator[None]:
        longest = math.ceil(get_settings().LOCK_PATIENCE if patience is None else patience)
        self._guard = dict.fromkeys(LOCK_WAITS, min(max(1, longest), LONGEST_IDLE)) if limited else {}
        try:
            with hurried(self.connection, CONNECT_TIMEOUT), each_new(self.connection, self.set_up_session):
                yield
        finally:
            self._guard = {}
            before, self._unguarded = self._unguarded, None
            if before is not None and before[0] is self.connection.connection:
                with contextlib.suppress(Error):
                    self._set(before[1])

    def set_up_session(self) -> None:
        """Set the session up, once for each connection."""
        own = self.connection.connection
        keep_alive(self.connection)
        if self._guard and (self._unguarded or (None,))[0] is not own:
            self._unguarded = (own, self._current(self._guard))
            self._set(self._guard)

    def check_writable(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SHOW VARIABLES WHERE Variable_name IN %s", [READ_ONLY])
            on = [name for name, setting in cursor.fetchall() if setting not in {"OFF", "0"}]
        if on:
            raise TransientError(_(FaultKind.READ_ONLY.value), detail=", ".join(on))

    def fault_of(self, error: BaseException) -> Fault | None:
        driver = self.connection.Database  # type: ignore[attr-defined] # every vendor's wrapper has it
        for cause in causes(error):
            if isinstance(cause, Error | driver.Error) and isinstance(next(iter(cause.args), None), int):
                return driver_fault(*cause.args)
        return None

    def hint(self, kind: FaultKind) -> str:
        return _(HINTS[kind]).format(**dataclasses.asdict(self.address)) if kind in HINTS else super().hint(kind)

    def deploy_lock(self, runner: str) -> DeployLock:
        return Unlocked(self) if get_settings().LOCK == "none" else NamedDeployLock(self)

    def version(self) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return str(cursor.fetchone()[0])

    def begin_migration(self, clock: Clock, question: Question | None = None, tell: Tell = tell_nobody) -> list[Row]:
        if get_settings().LOCK != "none":
            await_free(
                self.try_work_lock,
                self._work_lock_holders,
                reason=Reason.FENCE,
                limit=self.runner_patience,
                clock=clock,
                tell=tell,
            )
        self._limit_session()
        return super().begin_migration(clock, question)

    def hold_fence(self, lock: DeployLock, clock: Clock, tell: Tell = tell_nobody) -> None:
        # Its own session holds the work lock already, unless the connection was made anew.
        if get_settings().LOCK != "none" and not self.try_work_lock():
            raise TransientError(_(FaultKind.DEPLOY_LOCK_LOST.value))
        lock.verify()

    def _work_lock_holders(self) -> tuple[Blocker, ...]:
        with self.connection.cursor() as cursor:
            session = session_that_holds(cursor, lock_name(cursor, "work"))
        if session is None:
            return ()
        return (Blocker("", None, session.description, "", "", autovacuum=False, age=None, query=""),)

    def schema_digest(self) -> str:
        whole = hashlib.blake2b(digest_size=32)
        with self.connection.cursor() as cursor:
            for query in SCHEMA:
                cursor.execute(query)
                whole.update(repr(cursor.fetchall()).encode())
        return whole.hexdigest()

    def note_of(self, sql: str, *, writes_rows: bool = False) -> Mapping[str, Any] | None:
        return note_of_rows(self.connection, sql) if writes_rows else note_of(self.connection, sql)

    def was_carried_out(self, note: Mapping[str, Any], *, after_rows: bool) -> bool | None:
        if "parts" not in note:
            # Its rows and the note were committed together, but in another table if somebody has put one in its place.
            return True if are_the_same(self.connection, note) else None
        seen = was_carried_out(self.connection, note)
        # What the rows of another table were, nobody knows.
        return None if seen is False and after_rows and not are_the_same(self.connection, note) else seen

    def without_transactions(self, names: Collection[str]) -> frozenset[str]:
        return without_transactions(self.connection, names) if names else frozenset()

    @contextlib.contextmanager
    def session_limits(self, *, patient_with_rows: bool = False, claimed: set[str] | None = None) -> Iterator[None]:
        self._limit_session()
        yield

    def try_work_lock(self) -> bool:
        """Let the session that carries out the migrations hold the work lock; False while another one does."""
        with self.connection.cursor() as cursor:
            name = lock_name(cursor, "work")
            # A session may take one lock several times, and would have to give it back as often.
            cursor.execute("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", [name])
            if not cursor.fetchone()[0]:
                cursor.execute("SELECT GET_LOCK(%s, 0)", [name])
                return bool(cursor.fetchone()[0])
            return True

    def leave_session(self) -> None:
        """Let go of the work lock and restore the settings, so that a persistent connection keeps no trace."""
        limited, self._limited = self._limited, None
        if self.connection.connection is None:
            return
        with contextlib.suppress(Error), self.connection.cursor() as cursor:
            cursor.execute("SELECT RELEASE_LOCK(%s)", [lock_name(cursor, "work")])
        if limited is not None and limited[0] is self.connection.connection:
            with contextlib.suppress(Error):
                self._set(limited[1])

    def _limit_session(self) -> None:
        """Bound the waits of the session, once for each connection; `leave_session` sets all of it back."""
        self.connection.ensure_connection()
        if self._limited is not None and self._limited[0] is self.connection.connection:
            return
        wanted = session_settings(mariadb=self.connection.mysql_is_mariadb)  # type: ignore[attr-defined]
        before = self._current(wanted)
        self._set(wanted)
        keep_alive(self.connection)
        self._limited = (self.connection.connection, before)

    @contextlib.contextmanager
    def impatient(self) -> Iterator[None]:
        before = self._current(LOCK_WAITS)
        self._set(dict.fromkeys(LOCK_WAITS, 1))
        try:
            yield
        finally:
            with contextlib.suppress(Error):
                self._set(before)

    def _current(self, names: Iterable[str]) -> dict[str, Any]:
        names = tuple(names)
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(f'@@SESSION.{name}' for name in names)}")
            return dict(zip(names, cursor.fetchone(), strict=True))

    def _set(self, settings: Mapping[str, Any]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"SET {', '.join(f'SESSION {name} = %s' for name in settings)}", list(settings.values()))


class Unlocked(NoLock):
    """No lock, but the session is still to be set back at the end of the turn."""

    def __init__(self, database: MySQL) -> None:
        self.database = database

    def release(self) -> None:
        self.database.leave_session()


def driver_fault(number: int, text: str = "", *_more: object) -> Fault | None:
    """Return what the two arguments of a driver's error say."""
    detail = f"{text} ({number})".strip()
    if number == TLS_ERROR and CUT_SHORT.search(text):
        return Fault(FaultKind.CONNECTION_LOST, detail)
    if number in TOLD_BY_NAME:
        name, kind = TOLD_BY_NAME[number]
        return Fault(kind, detail) if name in text else None
    return Fault(KINDS[number], detail) if number in KINDS else None

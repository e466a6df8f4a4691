"""Tables changed on MySQL and MariaDB so that the server refuses where it would copy a large one while writes wait."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.operation_loop import Progress
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.mysql.called_code import changed_by_code
from auto_migrate.databases.mysql.online_ddl import (
    COPIES_ONLINE,
    MAY_CHANGE,
    NOT_UNDERSTOOD,
    REFUSED,
    AskedStatement,
    TableStatement,
    UnaskableStatement,
    read_statement,
)
from auto_migrate.databases.mysql.tokens import strings_escape
from auto_migrate.events import TableCopied
from auto_migrate.values import MigrationKey

RUNS_CODE = _lazy_re_compile(r"\b(?:CALL|PREPARE|EXECUTE)\b", re.IGNORECASE)
PARSE_ERROR = 1064
# What a migration that applies itself counts as.
WHOLE = 1


class DemandLeave(Protocol):
    """Raises `PlanRefused` unless writes to a table may wait for an operation (1-based) of a migration.

    `reason` is the server's word why nothing else will do, or, if it `is_unasked`, why it could not be asked.
    """

    def __call__(
        self, migration: Migration, operation: int, table: str, reason: str, *, is_unasked: bool = False
    ) -> None: ...


IN_INNODB = (
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s AND engine = 'InnoDB'"
)


class TableAlterations:
    """Asks the server for ways that hold nobody up, in the statements of operations that are carried out.

    `goes` tells by its name whether a table is asked for so. Of all others the statement is sent as it is written;
    where the server does not know the question, or none can be put to it, somebody has to give leave.
    """

    def __init__(self, database: Database, goes: Callable[[str], bool], demand_leave: DemandLeave) -> None:
        self.database = database
        self.goes = goes
        self.demand_leave = demand_leave
        # What was copied since somebody last took it: nobody can be told within an operation.
        self.copied: list[TableCopied] = []

    @contextlib.contextmanager
    def asked_for(self, progress: Progress) -> Iterator[None]:
        """Ask in all that the block sends, for the operation that is under way."""

        def ask(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            with progress.aside():
                statement = None if many else self._read(str(sql))
            if isinstance(statement, TableStatement):
                return self._carry_out(progress, statement, lambda way: execute(way or sql, params, many, context))
            if statement is not None:
                with progress.aside():
                    for table in statement.tables:
                        self._demand_leave(progress, table, statement.reason, is_unasked=True)
            return execute(sql, params, many, context)

        with self.database.connection.execute_wrapper(ask):
            yield

    def take_copied(self) -> list[TableCopied]:
        """Return what is to be told, once."""
        copied, self.copied = self.copied, []
        return copied

    def _read(self, sql: str) -> TableStatement | UnaskableStatement | None:
        """Read a statement, None for one that holds nobody up, or no table that is not small."""
        if not (MAY_CHANGE.search(sql) or RUNS_CODE.search(sql)):
            return None
        found = read_statement(sql, escapes=strings_escape(self.database.connection, sql))
        if isinstance(found, TableStatement):
            return found if self.goes(found.table) else None
        if found is None and RUNS_CODE.search(sql):
            found = changed_by_code(self.database.connection, sql)
        if found is None or not (tables := tuple(filter(self.goes, found.tables))):
            return None
        return dataclasses.replace(found, tables=tables)

    def _carry_out(self, progress: Progress, statement: TableStatement, send: Callable[[str], Any]) -> Any:
        """Carry a statement out in the lightest way that the server knows; if that is a heavy one, with leave alone.

        `send` sends a way, or with an empty one the statement as it is written.
        """
        number, refusal = 0, ""
        with progress.aside():
            ways = self._ways(statement)
        for way in ways:
            try:
                with progress.aside(), self._checking_keys(way):
                    return send(way.sql)
            except DatabaseError as error:
                number, refusal = code_and_text(error)
                if number not in REFUSED | NOT_UNDERSTOOD:
                    raise
        with progress.aside():
            if number != PARSE_ERROR or self._can_be_read(statement.sql):
                self._demand_leave(progress, statement.table, refusal)
        result = send("")
        key = MigrationKey.of(progress.migration)
        self.copied.append(TableCopied(key, progress.index or WHOLE, statement.table, refusal))
        return result

    def _can_be_read(self, sql: str) -> bool:
        """Return whether the server can read a statement as it is written; it carries out none that it cannot."""
        if "%" in sql:
            # Its parameters are put in later.
            return True
        try:
            with self.database.connection.cursor() as cursor:
                cursor.execute("PREPARE auto_migrate_asks FROM %s", [sql])
                cursor.execute("DEALLOCATE PREPARE auto_migrate_asks")
        except DatabaseError as error:
            return code_and_text(error)[0] != PARSE_ERROR
        return True

    def _demand_leave(self, progress: Progress, table: str, reason: str, *, is_unasked: bool = False) -> None:
        self.demand_leave(progress.migration, progress.index or WHOLE, table, reason, is_unasked=is_unasked)

    def _ways(self, statement: TableStatement) -> list[AskedStatement]:
        # With its checks off the server would take a key to a table that is not there, or of another engine.
        checks_keys = not (statement.target and self._is_in_innodb(statement.target))
        server: Any = self.database.connection
        ways = statement.ways(
            copies_online=copies_online(server), is_mariadb=server.mysql_is_mariadb, checks_keys=checks_keys
        )
        return list(ways)

    def _is_in_innodb(self, table: str) -> bool:
        with self.database.connection.cursor() as cursor:
            cursor.execute(IN_INNODB, [table])
            return cursor.fetchone() is not None

    @contextlib.contextmanager
    def _checking_keys(self, way: AskedStatement) -> Iterator[None]:
        if way.checks_keys:
            yield
            return
        with self.database.connection.cursor() as cursor:
            cursor.execute("SELECT @@SESSION.foreign_key_checks")
            checks = cursor.fetchone()[0]
        # Django puts them on afterwards, which is not for us to do where the migration has put them off itself.
        with self.database.connection.constraint_checks_disabled() if checks else contextlib.nullcontext():
            yield


def code_and_text(error: DatabaseError) -> tuple[int, str]:
    """Return the number and the words of a server's error."""
    number, text, *_more = (*error.args, 0, "")
    return number, str(text)


def copies_online(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the server lets others write while it copies a table, wherever it can."""
    return bool(connection.mysql_is_mariadb and connection.mysql_version >= COPIES_ONLINE)  # type: ignore[attr-defined]


def goes_online(database: Database) -> Callable[[str], bool]:
    """Return what tells by its name whether a table is not small, or there at all where `ONLINE` is `always`."""
    always, small, statistics = get_settings().ONLINE == "always", get_settings().SMALL_TABLE, database.statistics
    known: dict[str, bool] = {}

    def goes(table: str) -> bool:
        if table not in known:
            found = statistics.of_tables([table], small).get(table) if statistics is not None else None
            known[table] = found is not None and (always or not found.is_small(small))
        return known[table]

    return goes


def alterations_of(database: Database, demand_leave: DemandLeave, *, in_use: bool) -> TableAlterations | None:
    """Return what asks for ways that hold nobody up; None on other databases, and where nobody is to be held up."""
    if database.vendor != "mysql" or not get_settings().goes_online(is_new=not in_use):
        return None
    return TableAlterations(database, goes_online(database), demand_leave)

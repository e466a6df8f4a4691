"""Tables changed on MySQL and MariaDB so that the server refuses where it would copy a large one while writes wait."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration

from auto_migrate.applying.operation_loop import Progress
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.mysql.online_ddl import (
    COPIES_ONLINE,
    NOT_UNDERSTOOD,
    REFUSED,
    AskedStatement,
    TableStatement,
)
from auto_migrate.events import TableCopied
from auto_migrate.values import MigrationKey

logger = logging.getLogger(__name__)

# Raise `PlanRefused` unless a table may be copied while writes wait, by an operation (1-based) of a migration; the last
# is the server's word why nothing else will do.
DemandLeave = Callable[[Migration, int, str, str], None]

IN_INNODB = (
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s AND engine = 'InnoDB'"
)


class TableAlterations:
    """Asks the server for ways that hold nobody up, in the statements of operations that are carried out.

    `goes` tells by its name whether a table is asked for so. Of all others, and where the server does not know the
    question, the statement is sent as it is written.
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
                statement = None if many else TableStatement.of(str(sql))
                ways = self._ways(statement) if statement is not None and self.goes(statement.table) else []
            refusal = None
            for way in ways:
                try:
                    with progress.aside(), self._checking_keys(way):
                        return execute(way.sql, params, many, context)
                except DatabaseError as error:
                    refusal = self._refusal(error)
            if statement is None or not refusal:
                return execute(sql, params, many, context)
            with progress.aside():
                self.demand_leave(progress.migration, progress.index, statement.table, refusal)
            result = execute(sql, params, many, context)
            key = MigrationKey.of(progress.migration)
            self.copied.append(TableCopied(key, progress.index, statement.table, refusal))
            return result

        with self.database.connection.execute_wrapper(ask):
            yield

    def take_copied(self) -> list[TableCopied]:
        """Return what is to be told, once."""
        copied, self.copied = self.copied, []
        return copied

    def _ways(self, statement: TableStatement) -> list[AskedStatement]:
        # With its checks off the server would take a key to a table that is not there, or of another engine.
        checks_keys = not (statement.target and self._is_in_innodb(statement.target))
        return [*statement.ways(copies_online=copies_online(self.database.connection), checks_keys=checks_keys)]

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

    def _refusal(self, error: DatabaseError) -> str:
        """Return the server's word why it cannot do so, empty where it does not know the question; raise all else."""
        number, text, *_more = (*error.args, None, "")
        if number in NOT_UNDERSTOOD:
            logger.debug("The server knows no ALGORITHM or LOCK here: %s", error)
            return ""
        if number not in REFUSED:
            raise error
        return str(text)


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

"""The tables of MySQL and MariaDB, and those of models in a database beside.

Temporary tables would need no right and have no foreign keys, and the catalogue does not tell them. A database beside
has one name, which can be granted before: whoever holds the lock of that name makes it anew, and drops it at the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from django.db import DatabaseError, Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.mysql.metadata_locks import impatient
from auto_migrate.drift.mysql_catalogue import read_tables
from auto_migrate.drift.state_tables import Model, table_name
from auto_migrate.drift.table_shape import TableShape
from auto_migrate.drift.table_source import TableSource
from auto_migrate.exceptions import DatabaseRefused, DeployLockTimeout

# The longest name that there may be is 64 letters.
SUFFIX, LONGEST = "_auto_migrate", 64
# In it stands a table by which a killed run's is known from somebody's database of that name.
MARK = "auto_migrate_scratch"
# For how many seconds another comparison is waited for.
PATIENCE = 10
USUAL = """
    SELECT default_character_set_name, default_collation_name FROM information_schema.schemata
    WHERE schema_name = DATABASE()
"""
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type <> 'VIEW'"
ANYTHING = """
    SELECT table_name FROM information_schema.tables WHERE table_schema = %s
    UNION SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s
"""


class MySQLTables(TableSource):
    """Reads `information_schema`; what is made is in a database whose defaults are those of the real one."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Its own session, whose lock and whose USE concern nobody else.
        self.scratch: BaseDatabaseWrapper = database.connection.copy()
        self.name = str(self.scratch.settings_dict["NAME"])[: LONGEST - len(SUFFIX)] + SUFFIX

    def __enter__(self) -> Self:
        try:
            with self.scratch.cursor() as cursor:
                self._lock(cursor)
                cursor.execute(USUAL)
                charset, collation = cursor.fetchone()
                self._refuse_others(cursor)
                quoted = self.scratch.ops.quote_name(self.name)
                try:
                    cursor.execute(f"DROP DATABASE IF EXISTS {quoted}")
                    cursor.execute(f"CREATE DATABASE {quoted} CHARACTER SET {charset} COLLATE {collation}")
                    cursor.execute(f"USE {quoted}")
                    cursor.execute(f"CREATE TABLE {MARK} (made tinyint)")
                except DatabaseError as error:
                    raise self._may_not(error, cursor) from error
                # What a foreign key points to need not be there.
                cursor.execute("SET SESSION foreign_key_checks = 0")
        except BaseException:
            self.scratch.close()
            raise
        return self

    def _lock(self, cursor: Any) -> None:
        cursor.execute("SELECT GET_LOCK(%s, %s)", [self.name, PATIENCE])
        if not cursor.fetchone()[0]:
            raise DeployLockTimeout(
                _("Another process compares the schema of {name} at this moment.").format(
                    name=self.database.address.name
                ),
                hint=_("Let it finish and run again."),
            )

    def _refuse_others(self, cursor: Any) -> None:
        cursor.execute(ANYTHING, [self.name, self.name])
        there = {name for (name,) in cursor.fetchall()}
        if there and MARK not in there:
            raise DatabaseRefused(
                _("The database {name}, in which the expected schema would be made, is somebody's: {table}.").format(
                    name=self.name, table=min(there)
                ),
                hint=_("Rename that database, or drop it."),
            )

    def _may_not(self, error: DatabaseError, cursor: Any) -> Exception:
        fault = self.database.fault_of(error)
        if fault is None or fault.kind is not FaultKind.NO_PERMISSION:
            return error
        cursor.execute("SELECT CURRENT_USER()")
        user, _at, host = cursor.fetchone()[0].rpartition("@")
        return DatabaseRefused(
            _("The role may not make the database {name}, in which the expected schema is made: {where}.").format(
                name=self.name, where=self.database.address
            ),
            hint=f"GRANT ALL ON `{self.name}`.* TO '{user}'@'{host}';",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A session that was lost leaves it to the next one.
        with contextlib.suppress(Error), self.scratch.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {self.scratch.ops.quote_name(self.name)}")
        self.scratch.close()

    def read(self, names: Mapping[str, str]) -> dict[str, TableShape]:
        with impatient(self.connection):
            return read_tables(self.connection, names)

    def make(self, batch: Sequence[Model], own: Sequence[Model]) -> dict[str, TableShape]:
        try:
            with self.scratch.schema_editor(atomic=False) as editor:
                for model in batch:
                    editor.create_model(model)
            return read_tables(self.scratch, map(table_name, own))
        finally:
            self._empty()

    def _empty(self) -> None:
        with self.scratch.cursor() as cursor:
            cursor.execute(TABLES, [self.name])
            made = [name for (name,) in cursor.fetchall() if name != MARK]
            if made:
                cursor.execute(f"DROP TABLE {', '.join(map(self.scratch.ops.quote_name, made))}")

    def names(self) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(TABLES + " ORDER BY table_name", [self.connection.settings_dict["NAME"]])
            return [name for (name,) in cursor.fetchall()]

"""What a plan would make and the database at hand has already, as where the record lacks what was applied.

One question for the tables, when a plan makes its first, and one for the columns of each table that gets any; without
an open connection nothing is known. Of tenants nothing is told: nobody adopts their record, and one of many schemas
does not stop the others. What the plan itself has made, dropped or renamed before is for its statements to tell. So
is all of an app of which something could not be read: it may have dropped a table.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.changes.change import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    DropTable,
    OpaqueChange,
    RenameColumn,
    RenameTable,
)
from auto_migrate.changes.collected_sql import undone
from auto_migrate.changes.object_change import DropObject, RenameObject
from auto_migrate.changes.rights import spelled
from auto_migrate.changes.verbs import ObjectKind
from auto_migrate.tenancy import tenancy_of

# A name without a schema is looked for where it would be made, and not all along the search path.
TABLES = """
    SELECT CASE WHEN nspname = current_schema() THEN relname ELSE nspname || '.' || relname END
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema')
      AND nspname NOT LIKE 'pg_toast%'
"""
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
NOTHING: frozenset[str] = frozenset()


class Presence:
    """Follows a plan beside the tables and columns that are there."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.is_postgresql = connection.vendor == "postgresql"
        # Apps of which something could not be read.
        self._unread: set[str] = set()
        # Tables, and columns each with its table, that are no longer as they were before the plan.
        self._changed: set[str | tuple[str, str]] = set()
        self._all_changed = False
        self._columns = functools.cache(self._list_columns)

    def told(self, change: Change, app_label: str) -> Change:
        """Return a change of an app's migration with whether what it makes is there already, and take note of it."""
        if isinstance(change, CreateTable | AddColumn) and self._is_there(change, app_label):
            return dataclasses.replace(change, is_there=True)
        self._follow(change, app_label)
        return change

    def _is_there(self, change: CreateTable | AddColumn, app_label: str) -> bool:
        table = spelled(change.table)
        if change.unsure or self._all_changed or app_label in self._unread or table in self._changed:
            return False
        if isinstance(change, CreateTable):
            return self._as_named(table) in self._tables
        return (table, change.column) not in self._changed and change.column in self._columns(change.table)

    def _follow(self, change: Change, app_label: str) -> None:
        table = spelled(change.table)
        match change:
            case OpaqueChange():
                self._unread.add(app_label)
            case DropObject() | RenameObject() if change.kind is ObjectKind.SCHEMA:
                self._all_changed = True
            case DropTable() if table.endswith("*"):
                self._all_changed = True
            case CreateTable() | DropTable() | DropObject():
                self._changed.add(table)
            case RenameTable() | RenameObject():
                self._changed |= {table, spelled(change.to)}
            case AddColumn() | DropColumn():
                self._changed.add((table, change.column))
            case RenameColumn():
                self._changed |= {(table, change.column), (table, change.to)}

    def _as_named(self, table: str) -> str:
        return table.lower() if self.connection.features.ignores_table_name_case else table

    @functools.cached_property
    def _tables(self) -> frozenset[str]:
        def listed(cursor: Any) -> Iterable[str]:
            if not self.is_postgresql:
                return self.connection.introspection.table_names(cursor, include_views=True)
            cursor.execute(TABLES)
            return (name for (name,) in cursor.fetchall())

        return frozenset(map(self._as_named, self._asked(listed)))

    def _list_columns(self, table: str) -> frozenset[str]:
        def listed(cursor: Any) -> Iterable[str]:
            if self.is_postgresql:
                cursor.execute(COLUMNS, [self.connection.ops.quote_name(table)])
                return [name for (name,) in cursor.fetchall()]
            if self._as_named(spelled(table)) not in self._tables:
                return ()
            return [column.name for column in self.connection.introspection.get_table_description(cursor, table)]

        return frozenset(self._asked(listed))

    def _asked(self, listed: Callable[[Any], Iterable[str]]) -> Collection[str]:
        """Return the names that the database lists; nothing where it cannot be asked."""
        if self.connection.connection is None or tenancy_of(self.connection.alias):
            return NOTHING
        try:
            with undone(self.connection), self.connection.cursor() as cursor:
                return tuple(listed(cursor))
        except Error:
            return NOTHING

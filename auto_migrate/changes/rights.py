"""What the role that migrates may not do in the database at hand, and would be refused for.

Two questions for the whole plan; without an open connection nothing is known. What the plan makes is its own. Once a
plan has taken another role or handed something over, nothing is certain any more.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import RunPython, RunSQL
from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    Change,
    ColumnChange,
    CreateIndex,
    CreateTable,
    DropConstraint,
    DropIndex,
    DropTable,
    OpaqueChange,
    Refusal,
    Reindex,
    RenameTable,
    ValidateConstraint,
)
from auto_migrate.changes.collected_sql import undone
from auto_migrate.changes.constraints import ConstraintKind

# Views too, since some are altered as tables are. Whoever owns the schema may drop what is in it.
RELATIONS = """
    SELECT nspname, relname, pg_table_is_visible(pg_class.oid), pg_has_role(relowner, 'USAGE'), rolname,
           pg_has_role(nspowner, 'USAGE'), has_any_column_privilege(pg_class.oid, 'REFERENCES')
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_roles ON pg_roles.oid = relowner
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema')
      AND nspname NOT LIKE 'pg_toast%'
"""
SCHEMAS = """
    SELECT nspname, nspname = current_schema(), has_schema_privilege(pg_namespace.oid, 'CREATE') FROM pg_namespace
"""
# Only the owner of a table may do these.
OWNERS = (
    ColumnChange, AddConstraint, CreateIndex, DropConstraint, DropIndex, DropTable, Reindex, RenameTable,
    ValidateConstraint,
)  # fmt: skip
# What makes an index, or puts another name beside others.
CREATES = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY, ConstraintKind.EXCLUSION})
# What changes who does what.
HANDED_OVER = _lazy_re_compile(
    r"\b(SET\s+(LOCAL\s+|SESSION\s+)*(ROLE|AUTHORIZATION)|OWNER\s+TO|REASSIGN\s+OWNED|GRANT)\b", re.IGNORECASE
)


class Ownership(NamedTuple):
    """A table or view: whether the role owns it or its schema, who does, and whether foreign keys may point to it."""

    is_own: bool
    owner: str
    schema_is_own: bool
    referable: bool


class Rights:
    """Knows what the role of a connection may do with the tables that a plan changes."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self._made: set[str] = set()
        self._certain = True

    def pass_by(self, operation: Operation, changes: tuple[Change, ...]) -> None:
        """Take note of an operation after which the roles may be others."""
        by_sql = isinstance(operation, RunSQL) and bool(HANDED_OVER.search(str(operation.sql)))
        if by_sql or isinstance(operation, RunPython) or any(isinstance(change, OpaqueChange) for change in changes):
            self._certain = False

    def told(self, change: Change) -> Iterator[Change]:
        """Return what the database is certain to refuse of a change."""
        if self._certain:
            for reason in self._reasons(change):
                yield Refusal(table=change.table, statement=what(change), reason=reason)
        if isinstance(change, CreateTable):
            self._made.add(spelled(change.table))
        elif isinstance(change, RenameTable):
            self._made.add(spelled(change.to))

    def _reasons(self, change: Change) -> Iterator[str]:
        there = None if spelled(change.table) in self._made else self._relations.get(spelled(change.table))
        if there is not None and isinstance(change, OWNERS) and not self._may_alter(change, there):
            text = _("{table} belongs to {owner}, and {role} is neither that role nor a member of it")
            yield text.format(table=change.table, owner=there.owner, role=self._role)
        elif creates(change) and not self._may_create(change.table):
            text = _("{role} has no CREATE privilege on the schema of {table}")
            yield text.format(role=self._role, table=change.table)
        for table in references(change):
            target = self._relations.get(spelled(table))
            if target is not None and spelled(table) not in self._made and not (target.is_own or target.referable):
                text = _("{role} has no REFERENCES privilege on {table}, to which the foreign key points")
                yield text.format(role=self._role, table=table)

    def _may_alter(self, change: Change, there: Ownership) -> bool:
        return there.is_own or (isinstance(change, DropTable | DropIndex) and there.schema_is_own)

    def _may_create(self, table: str) -> bool:
        schema, _dot, _name = spelled(table).rpartition(".")
        return self._schemas.get(schema, True)

    @functools.cached_property
    def _relations(self) -> dict[str, Ownership]:
        found = {}
        for schema, name, is_visible, *facts in self._ask(RELATIONS):
            is_own, owner, schema_is_own, referable = facts
            for known in [f"{schema}.{name}", *([name] if is_visible else [])]:
                found[known] = Ownership(is_own, owner, schema_is_own, referable)
        return found

    @functools.cached_property
    def _schemas(self) -> dict[str, bool]:
        """Whether something may be made in each schema; the one without a name is where new tables go."""
        found = {}
        for name, is_current, may_create in self._ask(SCHEMAS):
            found[name] = may_create
            if is_current:
                found[""] = may_create
        return found

    @functools.cached_property
    def _role(self) -> str:
        return "".join(str(role) for (role,) in self._ask("SELECT current_user"))

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        if self.connection.vendor != "postgresql" or self.connection.connection is None:
            return []
        try:
            with undone(self.connection), self.connection.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        except Error:
            return []


def spelled(table: str) -> str:
    """Return the name of a table with a dot after its schema, if it has one."""
    return table.replace('"."', ".")


def creates(change: Change) -> bool:
    """Return whether a change puts a new name into a schema."""
    if isinstance(change, AddConstraint):
        return change.kind in CREATES and not change.using_index
    if isinstance(change, AddColumn):
        return change.unique or change.primary_key
    return isinstance(change, CreateTable | CreateIndex | RenameTable) and not change.unsure


def references(change: Change) -> tuple[str, ...]:
    """Name the tables that new foreign keys point to."""
    if isinstance(change, CreateTable):
        return change.references
    if isinstance(change, AddConstraint | AddColumn) and change.references:
        return (change.references,)
    return ()


def what(change: Change) -> str:
    """Name a change as SQL does."""
    match change:
        case CreateTable():
            return f"CREATE TABLE {change.table}"
        case DropTable():
            return f"DROP TABLE {change.table}"
        case CreateIndex():
            return f"CREATE INDEX {change.name}"
        case DropIndex():
            return f"DROP INDEX {change.name}"
        case Reindex():
            return f"REINDEX {change.table}"
    return f"ALTER TABLE {change.table}"

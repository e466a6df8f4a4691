"""What rows of the database at hand make it refuse a change: those that are NULL, alike, or point to nothing.

One short look for each change that reads rows, as they are before the plan. Where a look takes too long, or a table
cannot be read, nothing is known, and that is kept. Nor is anything of a table whose rows the plan writes or changes
before, or of any after code that may write everywhere. Of tenants nothing is told, as with what is there already.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from django.db import Error, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignKey
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    AlterType,
    Change,
    CreateTable,
    DataChange,
    Default,
    DropTable,
    OpaqueChange,
    Refusal,
    RenameColumn,
    RenameTable,
    RunFunction,
    SetNotNull,
    WriteInBatches,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.rights import spelled
from auto_migrate.tenancy import tenancy_of

# Of one look, and in seconds of all of a plan.
LIMITS = "SELECT set_config('statement_timeout', '300ms', true), set_config('lock_timeout', '100ms', true)"
ALL_LOOKS = 3.0
LOOKED_AT = (AddColumn, AddConstraint, SetNotNull)
UNIQUE = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY})


class OffendingRows:
    """Looks, along a plan, for rows that forbid a change; `unlooked` are the changes of which nobody can tell."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.unlooked: list[str] = []
        self._certain = connection.vendor == "postgresql" and tenancy_of(connection.alias) is None
        # Tables, and columns each with its table, that are no longer as they were before the plan.
        self._changed: set[str | tuple[str, str]] = set()
        self._spent = 0.0

    def told(self, change: Change) -> Iterator[Change]:
        """Return what the database will refuse of a change, and take note of it."""
        if isinstance(change, LOOKED_AT) and self._is_as_before(change) and (found := self._forbidden_by(change)):
            rows, reason = found
            statement = f"ALTER TABLE {spelled(change.table)} {what(change)}"
            if self._any(rows, statement):
                yield Refusal(table=change.table, model=change.model, statement=statement, reason=reason)
        self._follow(change)

    def _is_as_before(self, change: AddColumn | AddConstraint | SetNotNull) -> bool:
        if not self._certain or change.unsure or self.connection.connection is None:
            return False
        tables, columns = {change.table}, [getattr(change, "column", "")]
        if isinstance(change, AddConstraint):
            tables, columns = {change.table, change.references or change.table}, list(change.columns)
        named = [*map(spelled, tables), *((spelled(change.table), column) for column in columns)]
        return self._changed.isdisjoint(named)

    def _forbidden_by(self, change: Change) -> tuple[str, str] | None:
        """Return which rows forbid a change, as what stands behind FROM, and what they are."""
        table, place = self._quoted(change.table), {"table": spelled(change.table)}
        match change:
            case AddColumn(null=False, default=Default.NONE, definition=Field()):
                text = _("{table} has rows, for which there is no value of {column}: it takes no NULL")
                return table, text.format(**place, column=change.column)
            case AddColumn(unique=True, default=Default.CONSTANT, definition=Field()):
                text = _("all rows of {table} would have the same {column}, which is to be unique")
                return f"{table} OFFSET 1", text.format(**place, column=change.column)
            case SetNotNull(fills=False, proven_by=""):
                text = _("{table}.{column} is NULL in some rows")
                return f"{table} WHERE {self._name(change.column)} IS NULL", text.format(**place, column=change.column)
            case AddConstraint(valid=True, using_index=False, again=False) if change.columns:
                return self._forbidden_by_constraint(change, table)
        return None

    def _forbidden_by_constraint(self, change: AddConstraint, table: str) -> tuple[str, str] | None:
        place = {"table": spelled(change.table), "columns": ", ".join(change.columns)}
        definition, columns = change.definition, [self._name(column) for column in change.columns]
        is_whole = not (getattr(definition, "condition", None) or getattr(definition, "expressions", ()))
        if change.kind in UNIQUE and is_whole:
            known = " AND ".join(f"{column} IS NOT NULL" for column in columns) if change.nulls_distinct else "true"
            alike = f"{table} WHERE {known} GROUP BY {', '.join(columns)} HAVING count(*) > 1"
            return alike, _("some rows of {table} have the same {columns}").format(**place)
        if change.kind is ConstraintKind.FOREIGN_KEY and len(columns) == 1 and isinstance(definition, ForeignKey):
            target = f"{self._quoted(change.references)} AS target"
            same = f"target.{self._name(str(definition.target_field.column))} = source.{columns[0]}"
            known = f"{columns[0]} IS NOT NULL"
            text = _("some {columns} of {table} point to no row of {references}")
            return (
                f"{table} AS source WHERE {known} AND NOT EXISTS (SELECT FROM {target} WHERE {same})",
                text.format(**place, references=spelled(change.references)),
            )
        condition = change.sql.partition(" CHECK ")[2]
        if change.kind is ConstraintKind.CHECK and condition:
            text = _("some rows of {table} do not meet {name}")
            return f"{table} WHERE NOT ({condition})", text.format(**place, name=change.name)
        return None

    def _follow(self, change: Change) -> None:
        match change:
            case OpaqueChange() | DataChange(cascades=True) | RunFunction(writes=True):
                self._certain = False
            case AddColumn():
                self._changed.add((spelled(change.table), change.column))
            case RenameTable():
                self._changed |= {spelled(change.table), spelled(change.to)}
            case DataChange() | AlterType() | CreateTable() | DropTable() | RenameColumn() | WriteInBatches():
                self._changed.add(spelled(change.table))

    def _any(self, rows: str, statement: str) -> bool:
        """Return whether there is such a row; False where nobody can tell in time."""
        begun = time.monotonic()
        if self._spent < ALL_LOOKS:
            try:
                with self._undone(), self.connection.cursor() as cursor:
                    cursor.execute(LIMITS)
                    cursor.execute(f"SELECT 1 FROM {rows} LIMIT 1")  # noqa: S608 # names are quoted
                    return cursor.fetchone() is not None
            except OperationalError:
                # It took too long, or somebody has the table locked.
                self._spent += time.monotonic() - begun
            except Error:
                # What is not as the plan has it is told by others.
                return False
        self.unlooked.append(statement)
        return False

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """Leave neither a limit nor a failed transaction behind."""
        with atomic(using=self.connection.alias):
            yield
            transaction.set_rollback(True, using=self.connection.alias)

    def _name(self, name: str) -> str:
        return self.connection.ops.quote_name(name)

    def _quoted(self, table: str) -> str:
        return ".".join(self._name(part.strip('"')) for part in spelled(table).split("."))


def what(change: Change) -> str:
    """Name what is done to a table as SQL does."""
    if isinstance(change, AddColumn):
        return f"ADD COLUMN {change.column}"
    if isinstance(change, SetNotNull):
        return f"ALTER COLUMN {change.column} SET NOT NULL"
    return f"ADD CONSTRAINT {getattr(change, 'name', '')}"

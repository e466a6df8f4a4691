"""Changes of the schema that migrations make in SQL of their own, and of which their states know nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator

from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation

from auto_migrate.applying.operation_traits import statements_of
from auto_migrate.drift.differences import UNLOGGED, Difference, DifferenceKind, ObjectType
from auto_migrate.values import MigrationKey

DDL = re.compile(r"\b(?:ALTER|CREATE|DROP|COMMENT)\s+(?:\w+\s+){0,3}?(?:TABLE|INDEX)\b[^;]*", re.IGNORECASE)
# A table whose name is put in when it is sent: ALTER TABLE {table} or %s.
FILLED_IN = re.compile(r"\b(?:TABLE|ON)\s+[\"']?[{%]", re.IGNORECASE)
TAKES_AWAY = re.compile(r"\b(?:DROP|RENAME)\b", re.IGNORECASE)
TAKES_TABLE_AWAY = re.compile(r"\b(?:DROP\s+TABLE|RENAME\s+(?:TO|AS)|SET\s+SCHEMA)\b", re.IGNORECASE)
UNLOGS = re.compile(r"\bUNLOGGED\b", re.IGNORECASE)
COMMENTS = re.compile(r"\bCOMMENT\b", re.IGNORECASE)
# What of ALTER TABLE stands before the column that it is about; another that it names, as in a CHECK, it leaves alone.
TAKES_COLUMN_AWAY = "DROP|RENAME|CHANGE"
CHANGES_COLUMN = rf"{TAKES_COLUMN_AWAY}|ADD|ALTER|MODIFY|TO|NOT\s+NULL"
OF_COLUMN = r"\b(?:{verbs})\s+(?:COLUMN\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?[\\\"'`\[(]*{name}\b"
MAKES_COLUMNS = r"\b(?:CREATE\s+(?:\w+\s+){{0,3}}?TABLE\b|ADD\s+\().*\b{name}\b"


class CustomDdl:
    """The statements of some migrations that make, change or drop tables and indexes."""

    def __init__(self, migrations: Iterable[Migration]) -> None:
        self.statements = [
            (MigrationKey.of(migration), statement.group())
            for migration in migrations
            for text in texts_of(migration.operations)
            for statement in DDL.finditer(text)
        ]

    def author_of(self, difference: Difference, app_label: str) -> MigrationKey | None:
        """Return the migration whose own SQL may have made a difference: it names its table and all that is different.

        A table that a function fills in may be any of its app. What is missing takes a DROP.
        """
        if difference.kind not in JUDGED:
            return None
        made = (key for key, text in reversed(self.statements) if makes(text, difference, key.app_label == app_label))
        return next(made, None)


# What a migration may have wanted so.
JUDGED = frozenset({DifferenceKind.MISSING, DifferenceKind.EXTRA, DifferenceKind.DIFFERENT, DifferenceKind.NOT_VALID})


def makes(statement: str, difference: Difference, is_of_app: bool) -> bool:
    """Return whether a statement may have made a difference."""
    table = difference.table.rpartition(".")[2]
    is_named = names(statement, table)
    is_of_table = is_named or (is_of_app and FILLED_IN.search(statement) is not None)
    is_missing = difference.kind is DifferenceKind.MISSING
    match difference.part:
        case ObjectType.TABLE:
            change = UNLOGS if difference.actual == UNLOGGED else TAKES_TABLE_AWAY
            return is_named and change.search(statement) is not None
        case ObjectType.COMMENT:
            return is_of_table and COMMENTS.search(statement) is not None and names(statement, *difference.columns)
        case ObjectType.COLUMN | ObjectType.DEFAULT | ObjectType.COLLATION:
            return is_of_table and changes_column(statement, difference.name, is_missing=is_missing)
        case _ if not is_missing:
            return is_of_table and names(statement, difference.name)
    if TAKES_AWAY.search(statement) is None:
        return False
    # The name of an index is enough to drop it.
    is_dropped = bool(difference.name) and names(statement, difference.name)
    return is_dropped or (is_of_table and bool(difference.columns) and names(statement, *difference.columns))


def changes_column(statement: str, column: str, *, is_missing: bool) -> bool:
    """Return whether a statement takes a column away, if that is what is asked, or adds or alters it."""
    verbs = TAKES_COLUMN_AWAY if is_missing else CHANGES_COLUMN
    ways = [OF_COLUMN.format(verbs=verbs, name=re.escape(column))]
    ways += [] if is_missing else [MAKES_COLUMNS.format(name=re.escape(column))]
    return any(re.search(way, statement, re.IGNORECASE | re.DOTALL) for way in ways)


def texts_of(operations: Iterable[Operation]) -> Iterator[str]:
    """Return the SQL of operations, and the source of their functions."""
    for operation in operations:
        yield statements_of(operation)
        yield from texts_of(getattr(operation, "database_operations", ()))
        if isinstance(operation, ops.RunPython):
            try:
                yield inspect.getsource(operation.code)
            except (OSError, TypeError):
                continue


def names(statement: str, *words: str) -> bool:
    """Return whether a statement has all of these words."""
    return all(re.search(rf"\b{re.escape(word)}\b", statement, re.IGNORECASE) for word in words)

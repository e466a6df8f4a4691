"""Changes of the schema that migrations make in SQL of their own, and of which their states know nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Iterator

from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation

from auto_migrate.applying.operation_traits import statements_of
from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType
from auto_migrate.values import MigrationKey

DDL = re.compile(r"\b(?:ALTER|CREATE|DROP|COMMENT)\s+(?:\w+\s+){0,3}?(?:TABLE|INDEX)\b[^;]*", re.IGNORECASE)
# A table whose name is put in when it is sent: ALTER TABLE {table} or %s.
FILLED_IN = re.compile(r"\b(?:TABLE|ON)\s+[\"']?[{%]", re.IGNORECASE)
TAKES_AWAY = re.compile(r"\b(?:DROP|RENAME)\b", re.IGNORECASE)


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
        table, *parts = words_of(difference)
        for key, statement in reversed(self.statements):
            if difference.kind is DifferenceKind.MISSING and not TAKES_AWAY.search(statement):
                continue
            of_table = names(statement, table) or (key.app_label == app_label and FILLED_IN.search(statement))
            if difference.kind in JUDGED and of_table and all(names(statement, part) for part in parts):
                return key
        return None


# What a migration may have wanted so.
JUDGED = frozenset({DifferenceKind.MISSING, DifferenceKind.EXTRA, DifferenceKind.DIFFERENT, DifferenceKind.NOT_VALID})


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


def words_of(difference: Difference) -> Collection[str]:
    """Return what a statement names that makes a difference."""
    table = difference.table.rpartition(".")[2]
    if difference.part in {ObjectType.INDEX, ObjectType.CONSTRAINT} and difference.kind is not DifferenceKind.MISSING:
        return (table, difference.name)
    return (table, *difference.columns)


def names(statement: str, word: str) -> bool:
    """Return whether a statement has a word."""
    return re.search(rf"\b{re.escape(word)}\b", statement, re.IGNORECASE) is not None

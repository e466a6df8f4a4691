"""SQLite's tables, and those of models in a database in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.drift.create_table import parse_index, parse_table
from auto_migrate.drift.state_tables import Model, table_name
from auto_migrate.drift.table_shape import Column, TableShape
from auto_migrate.drift.table_source import TableSource

SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'view', 'index') ORDER BY rowid"
# All are kept in one way: https://www.sqlite.org/datatype3.html, 3.1.
INTEGERS = frozenset(f"{size}{sign}" for size in ("smallint", "integer", "bigint") for sign in ("", " unsigned"))
OWN = "sqlite_"
VIRTUAL = "CREATE VIRTUAL "


class SQLiteTables(TableSource):
    """Reads the statements that SQLite keeps."""

    def __enter__(self) -> Self:
        return self

    def read(self, names: Mapping[str, str]) -> dict[str, TableShape]:
        return read_tables(self.connection, names)

    def make(self, batch: Sequence[Model], own: Sequence[Model]) -> dict[str, TableShape]:
        scratch = self.connection.copy()
        scratch.settings_dict["NAME"] = ":memory:"
        try:
            with scratch.schema_editor(atomic=False) as editor:
                for model in batch:
                    editor.create_model(model)
            return read_tables(scratch, map(table_name, own))
        finally:
            # Django itself keeps a connection to a database in memory.
            if scratch.connection is not None:
                scratch.connection.close()

    def as_expected(self, shape: TableShape, model: Model) -> TableShape:
        shape = super().as_expected(shape, model)
        columns = {name: as_key(column) if column.references else column for name, column in shape.columns.items()}
        return dataclasses.replace(shape, columns=columns)

    def names(self) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(SCHEMA)
            return [name for kind, name, *_rest in cursor.fetchall() if kind == "table" and not name.startswith(OWN)]


def read_tables(connection: BaseDatabaseWrapper, names: Iterable[str]) -> dict[str, TableShape]:
    """Return those of the tables that are there, whose names SQLite takes in any case of their letters."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        rows = cursor.fetchall()
    wanted = {name.lower(): name for name in names}
    found: dict[str, TableShape] = {}
    for kind, name, _table, sql in rows:
        if kind != "index" and (called := wanted.get(name.lower())) is not None:
            found[called] = _shape(called, kind, sql)
    for kind, name, table, sql in rows:
        called = wanted.get(table.lower())
        # An index without SQL belongs to a constraint.
        if kind == "index" and sql and called is not None:
            shape = found[called]
            rule = parse_index(name, sql, list(shape.columns))
            found[called] = dataclasses.replace(shape, rules=(*shape.rules, rule))
    return found


def _shape(name: str, kind: str, sql: str) -> TableShape:
    if kind == "view":
        return TableShape(name, {}, kind="v")
    if sql.upper().startswith(VIRTUAL):
        return TableShape(name, {}, kind="V")
    return parse_table(name, sql)


def as_key(column: Column) -> Column:
    """Let the column of a foreign key be any integer, if it is one: Django leaves it `integer` where its key grows."""
    return dataclasses.replace(column, references=None, alike=INTEGERS) if column.type in INTEGERS else column

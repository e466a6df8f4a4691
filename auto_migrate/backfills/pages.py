"""A table read by its key, a page at a time: each costs as many entries of the index as it has rows.

It is a tenant's own where there are tenants. The search path goes on to the schema that all share, whose table of the
same name must not be taken for that of a tenant who has none, or was dropped meanwhile; and nobody drops a table that
is read in a transaction which is open, so that what follows in it finds the same one.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.active_schema import active_schema
from auto_migrate.backfills.keys import Key, KeyedTable, KeyRange
from auto_migrate.databases.identifiers import quoted

# Row values use the index of a composite key there.
ROW_VALUES = frozenset({"postgresql", "sqlite"})


@dataclasses.dataclass(frozen=True)
class Page:
    """The rows of a range, which ends at the last of them, and how many they are."""

    range: KeyRange
    rows: int


class Pages:
    """Reads the keys of one table over one connection."""

    def __init__(self, connection: BaseDatabaseWrapper, table: KeyedTable) -> None:
        self.connection = connection
        quote = connection.ops.quote_name
        self.table = quote(table.name)
        if (schema := active_schema()) and '"."' not in self.table:
            self.table = f"{quoted(schema)}.{self.table}"
        # As a query with parameters has it.
        self.source = self.table.replace("%", "%%")
        self.columns = [quote(column) for column in table.columns]
        self.row_values = connection.vendor in ROW_VALUES

    def last_key(self) -> Key | None:
        """Return the highest key that there is, None of an empty table."""
        return self._one(f"SELECT {self._listed()} FROM {self.table} ORDER BY {self._descending()} LIMIT 1")  # noqa: S608

    def extent(self, few: int) -> tuple[Key | None, int | None]:
        """Return the highest key, and the number of rows if they are no more than a `few`, in one question."""
        counted = f"SELECT count(*) FROM (SELECT 1 FROM {self.table} LIMIT {few + 1:d}) AS counted"  # noqa: S608 # quoted
        found = self._one(
            f"SELECT {self._listed()}, ({counted}) FROM {self.table} ORDER BY {self._descending()} LIMIT 1"  # noqa: S608
        )
        if found is None:
            return None, 0
        return found[:-1], int(found[-1]) if found[-1] <= few else None

    def page(self, whole: KeyRange, rows: int) -> Page | None:
        """Return the first `rows` rows of a range, or as many as there are; None if there is none."""
        condition, params = self._condition(whole)
        keys = f"SELECT {self._listed()} FROM {self.source} WHERE {condition} ORDER BY {self._listed()}"  # noqa: S608 # names are quoted, values are parameters
        if self.connection.vendor == "mysql":
            # Its window functions write all rows into a temporary table first.
            if (nth := self._one(f"{keys} LIMIT 1 OFFSET {rows - 1:d}", params)) is not None:
                return Page(KeyRange(whole.after, nth), rows)
            return Page(whole, left) if (left := self.count(whole)) else None
        counted = f"SELECT {self._listed()}, count(*) OVER () FROM ({keys} LIMIT {rows:d}) AS page"  # noqa: S608 # likewise
        found = self._one(f"{counted} ORDER BY {self._descending()} LIMIT 1", params)
        return None if found is None else Page(KeyRange(whole.after, found[:-1]), int(found[-1]))

    def has_rows(self, whole: KeyRange) -> bool:
        """Return whether a range has any row."""
        condition, params = self._condition(whole)
        found = self._one(f"SELECT EXISTS (SELECT 1 FROM {self.source} WHERE {condition})", params)  # noqa: S608
        return bool(found and found[0])

    def count(self, whole: KeyRange) -> int:
        """Count the rows of a range, each of which is looked at."""
        condition, params = self._condition(whole)
        found = self._one(f"SELECT count(*) FROM {self.source} WHERE {condition}", params)  # noqa: S608
        return int(found[0]) if found else 0

    def _condition(self, whole: KeyRange) -> tuple[str, list[Any]]:
        return whole.condition(self.columns, row_values=self.row_values)

    def _listed(self) -> str:
        return ", ".join(self.columns)

    def _descending(self) -> str:
        return ", ".join(f"{column} DESC" for column in self.columns)

    def _one(self, sql: str, params: list[Any] | None = None) -> Key | None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            row = cursor.fetchone()
        return None if row is None else tuple(row)

"""Keys of tables as SQL compares them, and as text that can be kept."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

# The values of a table's key columns, as the driver gives and takes them.
Key = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class KeyedTable:
    """A table as `db_table` names it, and the columns of its primary key in their order."""

    name: str
    columns: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class KeyRange:
    """Rows whose key is above `after` (None: from the first on) and not above `upto`."""

    after: Key | None
    upto: Key

    def condition(self, columns: Sequence[str], *, row_values: bool) -> tuple[str, list[Any]]:
        """Return the SQL that finds the rows, for columns that are quoted already, and its parameters.

        Row values, `(a, b) > (1, 2)`, use the index of a composite key on PostgreSQL and SQLite. On MySQL and MariaDB
        they read the whole table, and `a >= 1 AND (a > 1 OR b > 2)` does not.
        """
        parts = [compared(columns, "<", self.upto, or_equal=True, row_values=row_values)]
        if self.after is not None:
            parts.insert(0, compared(columns, ">", self.after, or_equal=False, row_values=row_values))
        return " AND ".join(sql for sql, _params in parts), [value for _sql, params in parts for value in params]


def compared(columns: Sequence[str], sign: str, key: Key, *, or_equal: bool, row_values: bool) -> tuple[str, list[Any]]:
    """Return a comparison of columns with a key, and its parameters."""
    (column, *others), (value, *rest) = columns, key
    last = f"{sign}=" if or_equal else sign
    if not others:
        return f"{column} {last} %s", [value]
    if row_values:
        return f"({', '.join(columns)}) {last} ({', '.join(['%s'] * len(columns))})", list(key)
    inner, params = compared(others, sign, tuple(rest), or_equal=or_equal, row_values=False)
    return f"({column} {sign}= %s AND ({column} {sign} %s OR ({inner})))", [value, value, *params]


MICROSECOND = datetime.timedelta(microseconds=1)
# What JSON has no word for: its name → the type, and how it is written and read.
CODECS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "uuid": (uuid.UUID, str, uuid.UUID),
    "decimal": (decimal.Decimal, str, decimal.Decimal),
    "datetime": (datetime.datetime, datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    "date": (datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    "time": (datetime.time, datetime.time.isoformat, datetime.time.fromisoformat),
    "duration": (datetime.timedelta, lambda value: str(value // MICROSECOND), lambda text: int(text) * MICROSECOND),
    "bytes": (bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
}


def dumped(key: Key) -> str:
    """Return a key as text; raise `TypeError` for a type that no key is known to have."""
    return json.dumps([_written(value) for value in key])


def loaded(text: str) -> Key:
    """Return the key that was written as this text."""
    return tuple(_read(value) for value in json.loads(text))


def _written(value: Any) -> Any:
    if isinstance(value, int | str | float):
        return value
    value = bytes(value) if isinstance(value, bytearray | memoryview) else value
    for name, (kind, write, _read_back) in CODECS.items():
        if isinstance(value, kind):
            return {name: write(value)}
    raise TypeError(f"A key of {type(value).__name__} cannot be kept: {value!r}.")


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((name, text),) = value.items()
    return CODECS[name][2](text)

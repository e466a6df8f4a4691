"""Columns that a statement of the migration's own lets take NULL no more."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.databases.present_columns import ColumnPlace, found_again

NOT_NULL = _lazy_re_compile(r"\bNOT\s+NULL\b", re.IGNORECASE)
WORD = _lazy_re_compile(r'"((?:[^"]|"")+)"|([\w$]+)')
NULLABLE = """
    SELECT attrelid, attnum FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind IN ('r', 'p') AND relname = ANY (%s::text[]) AND attnum > 0 AND NOT (attisdropped OR attnotnull)
"""


class Tightening:
    """What takes NULL before a statement, of the tables that it names; `fill` is told of what does not after it."""

    def __init__(self, connection: BaseDatabaseWrapper, text: str, fill: Callable[[ColumnPlace], None] | None) -> None:
        self.connection = connection
        self.fill = fill
        self.nullable: list[tuple[int, int]] = []
        if fill is not None and NOT_NULL.search(text):
            with connection.cursor() as cursor:
                cursor.execute(NULLABLE, [sorted(words_of(text))])
                self.nullable = list(cursor.fetchall())

    @property
    def is_possible(self) -> bool:
        """Whether the statement may do so to any column."""
        return bool(self.nullable)

    def follow(self) -> None:
        """Have a bridge raised for each column that takes NULL no more."""
        for place in found_again(self.connection, self.nullable):
            if place is not None and place.required and self.fill is not None:
                self.fill(place)


def words_of(text: str) -> set[str]:
    """Return whatever in a text may be the name of a table."""
    found = {(quoted.replace('""', '"'), plain) for quoted, plain in WORD.findall(text)}
    return {name for quoted, plain in found for name in (quoted, plain, plain.lower()) if name}

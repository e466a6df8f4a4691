"""Statements that all databases say alike and that can be read without a parser: those that the hazards offer.

Whoever writes a migration as a finding has shown must be told the same of it, on whichever database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.changes.change import Change, DropColumn, DropTable

_NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^\W\d]\w*)'
_TABLE = rf"(?P<table>{_NAME})"
DROP_COLUMN = _lazy_re_compile(
    rf"\s*ALTER\s+TABLE\s+{_TABLE}\s+DROP\s+COLUMN\s+(?P<column>{_NAME})\s*;?\s*", re.IGNORECASE
)
DROP_TABLE = _lazy_re_compile(rf"\s*DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?{_TABLE}\s*;?\s*", re.IGNORECASE)


def change_of_plain(statement: str, tables: Mapping[str, str]) -> Change | None:
    """Return what a statement does if it is one of these; `tables` are the models', table → `app_label.ModelName`."""
    if found := DROP_COLUMN.fullmatch(statement):
        table = name_of(found["table"])
        return DropColumn(table=table, model=tables.get(table, ""), column=name_of(found["column"]))
    if found := DROP_TABLE.fullmatch(statement):
        table = name_of(found["table"])
        return DropTable(table=table, model=tables.get(table, ""))
    return None


def name_of(identifier: str) -> str:
    """Return the name that an identifier stands for; without quotes it is as it is written, on SQLite and MySQL."""
    mark = identifier[0]
    return identifier[1:-1].replace(mark * 2, mark) if mark in '"`' else identifier

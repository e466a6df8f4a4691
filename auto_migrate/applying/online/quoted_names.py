"""Names and texts in SQL as Django and the parser write them, and names that PostgreSQL chooses by itself."""

from __future__ import annotations

import re

from auto_migrate.databases.identifiers import quoted

# NAMEDATALEN, less the byte that ends a name.
MAX_BYTES = 63
QUOTED = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
# A name that may have a schema before it.
NAME = rf"{QUOTED}(?:\.{QUOTED})?"


def unquoted(name: str) -> str:
    """Return the last part of a quoted name as the catalogue has it."""
    return parts_of(name)[-1]


def parts_of(name: str) -> list[str]:
    """Return the parts of a quoted name as the catalogue has them."""
    parts = re.findall(QUOTED, name)
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts]


def literal(text: str) -> str:
    """Write a text as SQL does, under any setting of `standard_conforming_strings`."""
    written = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return f" E{written}" if "\\" in text else written


def chosen_name(table: str, column: str, label: str) -> str:
    """Return the name, quoted, that PostgreSQL gives to a constraint on one column that comes without any.

    Follows `makeObjectName` (`src/backend/commands/indexcmds.c`), where no such name is taken yet.
    """
    first, second = unquoted(table).encode(), unquoted(column).encode()
    room = MAX_BYTES - len(label.encode()) - 2
    lengths = [len(first), len(second)]
    while sum(lengths) > room:
        lengths[lengths[0] <= lengths[1]] -= 1
    parts = [part[:length].decode(errors="ignore") for part, length in zip((first, second), lengths, strict=True)]
    return quoted("_".join([*parts, label]))

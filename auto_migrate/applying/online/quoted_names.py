"""Names and texts in SQL as Django and the parser write them."""

from __future__ import annotations

import re

from auto_migrate.changes.sql.quoting import djangos_name
from auto_migrate.databases.identifiers import quoted

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


def name_for_django(name: str) -> str:
    """Return a quoted name as Django writes it, before it puts it in quotes."""
    return djangos_name(parts_of(name))


def requoted(name: str) -> str:
    """Return a name with each of its parts in quotes."""
    return ".".join(map(quoted, parts_of(name)))


def literal(text: str) -> str:
    """Write a text as SQL does, under any setting of `standard_conforming_strings`."""
    written = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return f" E{written}" if "\\" in text else written

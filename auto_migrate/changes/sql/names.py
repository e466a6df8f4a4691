"""Names that are longer than PostgreSQL keeps them, which its parser cuts without a word."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from auto_migrate.changes.change import Change

# NAMEDATALEN - 1 (src/include/pg_config_manual.h).
LONGEST = 63
# What gives a name to something.
GIVEN = frozenset({"name", "column", "to"})


def truncated(name: str) -> str:
    """Return what PostgreSQL keeps of a name: as many whole characters as fit (`pg_mbcliplen`)."""
    return name.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")


def is_too_long(name: str) -> bool:
    """Return whether PostgreSQL cuts a name."""
    return len(name.encode("utf-8", "replace")) > LONGEST


def long_names(sql: str) -> dict[str, str]:
    """Return the names in a text that are cut: what is kept of each, and what was written."""
    from pglast.parser import scan

    # Looking through the words is dear for a long text, and few have such names.
    if not any(map(is_too_long, sql.replace(".", " ").split())):
        return {}
    written = (unquoted(sql[token.start : token.end + 1]) for token in scan(sql) if token.name == "IDENT")
    return {truncated(name): name for name in written if is_too_long(name)}


def unquoted(name: str) -> str:
    """Return the name that an identifier stands for."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def spelled_out(changes: Iterable[Change], sql: str) -> Iterable[Change]:
    """Return the names that changes give to something back as the text has them."""
    names = long_names(sql)
    return (_spelled_out(change, names) for change in changes) if names else changes


def _spelled_out(change: Change, names: Mapping[str, str]) -> Change:
    found: dict[str, Any] = {
        field.name: names[getattr(change, field.name)]
        for field in dataclasses.fields(change)
        if field.name in GIVEN and getattr(change, field.name) in names
    }
    if within := getattr(change, "names", ()):
        found["names"] = tuple(names.get(name, name) for name in within)
    return dataclasses.replace(change, **found)

"""Names in SQL as Django writes them: always in quotes."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Write one name, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'

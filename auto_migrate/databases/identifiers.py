"""Names in SQL: as Django writes them, always in quotes, and which of them a schema may have."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Write one name, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def is_schema_name(name: object) -> bool:
    """Return whether something can be the name of a schema of PostgreSQL that is not the server's own."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        return False
    return not name.startswith("pg_") and name != "information_schema"

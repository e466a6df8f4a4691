"""Words for what stands in parsed statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

# Schemas that names are looked for in if they name none.
UNSAID = frozenset({"pg_catalog", "public", "", None})
OFF = {"0", "False", "false", "no", "off"}


def name_of(relation: Any) -> str:
    """Name a relation, with its schema if the statement names one that does not go without saying."""
    return qualified(relation.schemaname, relation.relname)


def qualified(schema: str | None, name: str) -> str:
    """Return a name within a schema; Django's tables are in `public`, and their names do not say so."""
    return name if schema in UNSAID else f"{schema}.{name}"


def words(strings: Iterable[Any] | None) -> tuple[str, ...]:
    """Return a list of names as text."""
    return tuple(str(string.sval) for string in strings or ())


def dotted(strings: Any) -> str:
    """Return a qualified name as text; PostgreSQL's own schema and `public` go without saying."""
    *schemas, name = words(strings)
    return ".".join([*(schema for schema in schemas if schema not in UNSAID), name])


def kind(node: Any) -> str:
    """Name what a node is: `SelectStmt`, `ColumnRef`…"""
    return type(node).__name__


def option(options: Iterable[Any] | None, name: str) -> bool:
    """Return whether an option in brackets is there and not switched off."""
    found = [element for element in options or () if element.defname == name]
    return any(str(getattr(element.arg, "sval", getattr(element.arg, "boolval", ""))) not in OFF for element in found)


def written_type(type_name: Any) -> str:
    """Write a type as SQL does."""
    from pglast.stream import RawStream

    return str(RawStream()(type_name)).replace("pg_catalog.", "")


def written(node: Any) -> str:
    """Write a part of a statement as SQL."""
    from pglast.stream import RawStream

    return str(RawStream()(node))


def within(node: Any) -> Iterator[Any]:
    """Return a node and all nodes within it, in order."""
    from pglast.ast import Node

    # No recursion: an expression may be deeper than Python's stack.
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, tuple):
            pending += reversed(current)
        elif isinstance(current, Node):
            yield current
            pending += reversed([getattr(current, name) for name in current])


def columns_in(node: Any) -> tuple[str, ...]:
    """Name the columns that an expression speaks of."""
    named = [words_of_column(found) for found in within(node) if kind(found) == "ColumnRef"]
    return tuple(dict.fromkeys(name for name in named if name))


def conjuncts(condition: Any) -> Iterator[Any]:
    """Return the parts that all have to hold."""
    if kind(condition) == "BoolExpr" and condition.boolop.name == "AND_EXPR":
        for part in condition.args:
            yield from conjuncts(part)
    elif condition is not None:
        yield condition


def words_of_column(reference: Any) -> str:
    """Name the column of a reference, without its table; nothing for a star."""
    return str(getattr(reference.fields[-1], "sval", ""))

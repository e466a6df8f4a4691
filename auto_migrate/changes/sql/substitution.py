"""Expressions of SQL with something else in place of a column."""

from __future__ import annotations

from typing import Any

from auto_migrate.changes.sql.nodes import kind, within, words_of_column, written
from auto_migrate.changes.sql.parsing import parse


def with_value(expression: str, column: str, value: str) -> str:
    """Return an expression with a value wherever it speaks of a column; empty where it does not speak of it.

    It must have been written by pglast.
    """
    target, instead = target_of(expression), target_of(value).val
    found = False
    for node in within(target):
        for name in node:
            part = getattr(node, name)
            if is_column(part, column):
                setattr(node, name, instead)
                found = True
            elif isinstance(part, tuple) and any(is_column(one, column) for one in part):
                setattr(node, name, tuple(instead if is_column(one, column) else one for one in part))
                found = True
    return written(target.val) if found else ""


def target_of(expression: str) -> Any:
    """Return what selects an expression, parsed."""
    (statement,) = parse(f"SELECT {expression}")
    return statement.stmt.targetList[0]


def is_column(node: Any, column: str) -> bool:
    """Return whether a node is a reference to a column."""
    return kind(node) == "ColumnRef" and words_of_column(node) == column

"""What the source of a migration's function tells of the rows that it writes; what it does not tell, nobody claims.

A query is a chain that begins at a manager: `Order.objects.filter(…).update(…)`. It is bounded if it is sliced, or
filtered by keys. Functions that are called from the function are not followed.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

MANAGERS = frozenset({"objects", "_default_manager", "_base_manager"})
KEYS = ("pk", "id")
# What names single rows: `pk=`, `id__in=`, `pk__range=`, `pk__lt=`…
BY_KEY = frozenset(key + lookup for key in KEYS for lookup in ("", "__in", "__range", "__exact", "__lt", "__lte"))
WRITERS = frozenset({"update", "delete"})
WRITES = frozenset({"bulk_create", "bulk_update", "create", "save", *WRITERS})
# What ends a chain in something else than rows.
SINGLE = frozenset({"aggregate", "count", "create", "earliest", "exists", "first", "get", "last", "latest"})


class Way(enum.Enum):
    """How a function goes through rows."""

    ONE_STATEMENT = enum.auto()
    """`update` or `delete` of all rows that a condition finds."""
    LOOP = enum.auto()
    """A loop over all rows that a condition finds."""
    BATCHES = enum.auto()
    """Some rows at a time, for as long as there are any."""


@dataclasses.dataclass(frozen=True)
class Pass:
    """One way through the rows of a model, `app_label.ModelName` or empty."""

    way: Way
    model: str


def passes(code: Any) -> list[Pass]:
    """Return the ways in which a function goes through rows, none if its source cannot be had."""
    while isinstance(code, functools.partial):
        code = code.func
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return []
    return list(dict.fromkeys(Source(tree).passes()))


@dataclasses.dataclass(frozen=True)
class Query:
    """A chain of calls on a manager: whether it is bounded, and the model."""

    bounded: bool
    model: str


class Source:
    """A function's source, with what its variables were first given."""

    def __init__(self, tree: ast.AST) -> None:
        self.tree = tree
        self.given: dict[str, ast.expr] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.given.setdefault(node.targets[0].id, node.value)
            elif isinstance(node, ast.NamedExpr):
                self.given.setdefault(node.target.id, node.value)

    def passes(self) -> Iterator[Pass]:
        """Return the ways through rows, in the order of the source; nothing of a function that only reads."""
        if self.written_in(self.tree) is None:
            return
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITERS:
                yield from self.unbounded(node.func.value, Way.ONE_STATEMENT)
            elif isinstance(node, ast.For):
                yield from self.unbounded(unwrapped(node.iter), Way.LOOP)
            elif isinstance(node, ast.While) and (model := self.written_in(node)) is not None:
                yield Pass(Way.BATCHES, model)

    def unbounded(self, node: ast.expr, way: Way) -> Iterator[Pass]:
        """Return a way through rows, if it goes through all that a query finds."""
        query = self.query(node)
        if query is not None and not query.bounded:
            yield Pass(way, query.model)

    def written_in(self, loop: ast.AST) -> str | None:
        """Name the model whose rows are written within a loop, empty if that cannot be told, None if none are."""
        found = None
        for node in ast.walk(loop):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                query = self.query(node.func.value)
                found = found or (query.model if query else "")
        return found

    def query(self, node: ast.expr, seen: frozenset[str] = frozenset()) -> Query | None:
        """Read a chain that begins at a manager, through variables; None if it is none."""
        if isinstance(node, ast.Name) and node.id in self.given and node.id not in seen:
            return self.query(self.given[node.id], seen | {node.id})
        if isinstance(node, ast.Attribute) and node.attr in MANAGERS:
            return Query(bounded=False, model=self.model(node.value))
        if isinstance(node, ast.Subscript):
            query = self.query(node.value, seen)
            return query and dataclasses.replace(query, bounded=True)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)) or node.func.attr in SINGLE:
            return None
        query = self.query(node.func.value, seen)
        by_key = node.func.attr == "filter" and any(keyword.arg in BY_KEY for keyword in node.keywords)
        return query and dataclasses.replace(query, bounded=query.bounded or by_key)

    def model(self, node: ast.expr) -> str:
        """Name the model that a variable was given by `apps.get_model`, or nothing."""
        if isinstance(node, ast.Name):
            node = self.given.get(node.id, node)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_model"):
            return ""
        parts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        return ".".join(map(str, parts))


def unwrapped(node: ast.expr) -> ast.expr:
    """Return what is gone through within `enumerate(…)`, `list(…)` and the like."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        node = node.args[0]
    return node

"""Queries of Django's as the source of a function has them: which rows each is about, as far as that is written there.

A query is a chain that begins at a manager: `Order.objects.filter(…).update(…)`. It is bounded if it is sliced, or
filtered by keys.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Mapping

from django.db.models import Model

from auto_migrate.changes.python.call_frame import Frame, within
from auto_migrate.changes.python.calls import returned

MANAGERS = frozenset({"objects", "_default_manager", "_base_manager", "default_manager", "base_manager"})
# What only managers and queries have, whatever the manager's name.
QUERYING = frozenset(
    {
        "all", "annotate", "defer", "distinct", "exclude", "filter", "iterator", "only", "order_by", "prefetch_related",
        "select_for_update", "select_related", "using", "values", "values_list",
    }
)  # fmt: skip
KEYS = ("pk", "id")
# What names single rows: `pk=`, `id__in=`, `pk__range=`, `pk__lt=`…
BY_KEY = frozenset(key + lookup for key in KEYS for lookup in ("", "__in", "__range", "__exact", "__lt", "__lte"))
WRITERS = frozenset({"update", "delete", "_raw_delete"})
IN_BULK = frozenset({"bulk_create", "bulk_update"})
WRITES = frozenset(
    {"add", "clear", "create", "get_or_create", "remove", "save", "set", "update_or_create", *IN_BULK, *WRITERS}
)
# What rows in memory have that sets and dicts have too: it writes only behind a manager or an attribute of a row.
AMBIGUOUS = frozenset({"add", "clear", "remove", "set", "update"})
# What ends a chain in something else than rows.
SINGLE = frozenset({"aggregate", "count", "create", "earliest", "exists", "first", "get", "last", "latest"})
# What a cursor gives row by row.
FETCHES = frozenset({"fetchall", "fetchmany", "fetchone"})

# What goes through just what it is given.
WRAPPERS = frozenset({"enumerate", "iter", "list", "reversed", "set", "sorted", "tqdm", "tuple", "zip"})

# What takes a function first.
APPLIED = frozenset({"filter", "map"})

# How often the meanings of each name were gone back already.
Seen = Mapping[tuple[int, str], int]


@dataclasses.dataclass(frozen=True)
class Query:
    """A chain of calls on a manager: whether it is bounded, and the model."""

    bounded: bool
    model: str


def query_of(node: ast.expr, scope: Frame, seen: Seen | None = None) -> Query | None:
    """Read a chain that begins at a manager, through variables and parameters; None if it is none."""
    seen = seen or {}
    match node:
        case ast.Name(id=name):
            return _query_of_name(name, scope, seen)
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return either(query_of(one, scope, seen), query_of(other, scope, seen))
        case ast.Attribute():
            return _query_of_manager(node, scope)
        case ast.NamedExpr(value=value) | ast.Subscript(value=value):
            query = query_of(value, scope, seen)
            return query and dataclasses.replace(query, bounded=query.bounded or isinstance(node, ast.Subscript))
        case ast.Call():
            return _query_of_call(node, scope, seen)
    return None


def _query_of_manager(node: ast.Attribute, scope: Frame) -> Query | None:
    model = model_of(node.value, scope)
    # Constants of a model are written in capitals, and its managers have any name.
    return Query(bounded=False, model=model) if node.attr in MANAGERS or (model and node.attr.islower()) else None


def _query_of_call(node: ast.Call, scope: Frame, seen: Seen) -> Query | None:
    match node.func:
        case ast.Attribute(attr=attr, value=owner) if attr not in SINGLE:
            query = query_of(owner, scope, seen)
            if query is None and attr in QUERYING and isinstance(owner, ast.Attribute):
                # `customer.order_set.filter(…)`: rows that belong to another.
                return Query(bounded=True, model="")
            by_key = attr in {"filter", "in_bulk"} and any(names_rows(keyword, scope) for keyword in node.keywords)
            return query and dataclasses.replace(query, bounded=query.bounded or by_key)
        case ast.Name():
            found = (query_of(one.node, one.scope, seen) for one in returned(node, scope))
            return functools.reduce(either, found, None)
    return None


def either(one: Query | None, other: Query | None) -> Query | None:
    """Return the query that two make together, or of which one is meant: bounded only if both are."""
    if one is None or other is None:
        return one or other
    return Query(one.bounded and other.bounded, one.model or other.model)


def names_rows(keyword: ast.keyword, scope: Frame) -> bool:
    """Return whether a filter names single rows by their keys, which are not those of all rows of a query."""
    return keyword.arg in BY_KEY and not is_whole(keyword.value, scope)


def is_whole(node: ast.expr, scope: Frame, *, steps: int = 4) -> bool:
    """Return whether something is all that an unbounded query finds, or made of it: one item of it is not."""
    node = unwrapped(node)
    match node:
        case ast.Name(id=name) if (meanings := scope.meanings(name)) and steps:
            last = meanings[-1]
            return not last.each and is_whole(last.node, last.scope, steps=steps - 1)
        case ast.ListComp(generators=[first, *_]) | ast.GeneratorExp(generators=[first, *_]):
            return is_whole(first.iter, scope, steps=steps)
        case ast.SetComp(generators=[first, *_]):
            return is_whole(first.iter, scope, steps=steps)
    query = query_of(node, scope)
    return query is not None and not query.bounded


def _query_of_name(name: str, scope: Frame, seen: Seen) -> Query | None:
    meanings = scope.meanings(name)
    left = seen.get((id(scope), name), len(meanings))
    if left == 0:
        return None
    # What a name is given last; within that, it still stands for what it was given before.
    meaning = meanings[left - 1]
    if meaning.each:
        return None
    return query_of(meaning.node, meaning.scope, {**seen, (id(scope), name): left - 1})


def model_of(node: ast.expr, scope: Frame, *, steps: int = 5) -> str:
    """Name the model, `app_label.ModelName`, that something was given by `apps.get_model`, or nothing."""
    value = scope.value(node)
    if isinstance(value, type) and issubclass(value, Model):
        # The model as it is today, where that of the migration is meant.
        return str(value._meta.label)
    match node:
        case ast.Name(id=name) if (meanings := scope.meanings(name)) and steps:
            return model_of(meanings[0].node, meanings[0].scope, steps=steps - 1)
        case ast.Call(func=ast.Attribute(attr="get_model"), args=arguments, keywords=keywords):
            parts = [*arguments, *(keyword.value for keyword in keywords)]
            names = [part.value for part in parts if isinstance(part, ast.Constant)]
            return ".".join(map(str, names)) if len(names) == len(parts) else ""
        case ast.Attribute(attr="_meta", value=owner):
            return model_of(owner, scope, steps=steps)
        case ast.Call(func=ast.Name()) if steps:
            models = (model_of(one.node, one.scope, steps=steps - 1) for one in returned(node, scope))
            return next(filter(None, models), "")
    return ""


def unwrapped(node: ast.expr) -> ast.expr:
    """Return what is gone through within `enumerate(…)`, `list(…)` and the like."""
    while isinstance(node, ast.Call) and node.args:
        name = getattr(node.func, "id", "")
        if name not in WRAPPERS and not (name in APPLIED and len(node.args) > 1):
            break
        node = node.args[1 if name in APPLIED else 0]
    return node


def derived_from(node: ast.expr, scope: Frame, *, steps: int = 4) -> Query | None:
    """Return the unbounded query that an expression is made of, as `range(0, rows.count(), 1000)` is."""
    for part in within(node):
        if not isinstance(part, ast.expr):
            continue
        query = query_of(part, scope)
        if query is not None and not query.bounded:
            return query
        if isinstance(part, ast.Name) and steps:
            for meaning in scope.meanings(part.id):
                if meaning.node is not node and (found := derived_from(meaning.node, meaning.scope, steps=steps - 1)):
                    return found
    return None


def is_fetched(node: ast.expr, scope: Frame, *, steps: int = 3) -> bool:
    """Return whether something is the rows that a cursor gives, or the cursor itself."""
    match unwrapped(node):
        case ast.Call(func=ast.Attribute(attr=attr)) if attr in FETCHES:
            return True
        case ast.Call(func=ast.Attribute(attr="cursor")):
            return True
        case ast.Name(id=name) if steps:
            return any(is_fetched(one.node, one.scope, steps=steps - 1) for one in scope.meanings(name) if not one.each)
    return False

"""The functions that a function calls: which they are, what they are given, and what they return."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from auto_migrate.changes.python.call_frame import Frame, Given
from auto_migrate.changes.python.source import Function, Untold, function_of, is_followed

# How many calls deep functions are followed.
DEEPEST = 2


def nested(name: str, scope: Frame) -> Function | None:
    """Return a function that is defined within this one."""
    outer = scope.function
    for node in ast.walk(outer.tree):
        if isinstance(node, ast.FunctionDef) and node.name == name and node is not outer.tree:
            return Function(name, node, outer.names, outer.module)
    return None


def owner_in(node: ast.expr, scope: Frame) -> type | None:
    """Return the class whose method is called by an object of its own, as `self.fill(…)`."""
    value = scope.value(node.value) if isinstance(node, ast.Attribute) else None
    plain = isinstance(node, ast.Attribute) and isinstance(inspect.getattr_static(value, node.attr, None), staticmethod)
    return value if isinstance(value, type) and not plain else None


def frame_of(function: Function, node: ast.Call, scope: Frame) -> Frame:
    """Return the scope of a function as it is called here."""
    passed = dict(zip(function.parameters, (Given(one, scope) for one in node.args), strict=False))
    passed |= {one.arg: Given(one.value, scope) for one in node.keywords if one.arg}
    outer = scope if any(part is function.tree for part in ast.walk(scope.function.tree)) else None
    return Frame(function, passed, scope.depth + 1, outer)


def returned(node: ast.Call, scope: Frame) -> Iterator[Given]:
    """Return the expressions that a call may return, none where nobody can follow it."""
    if scope.depth >= DEEPEST or not isinstance(node.func, ast.Name):
        return
    function = nested(node.func.id, scope)
    called = None if function else scope.value(node.func)
    if function is None and inspect.isfunction(called) and is_followed(called, scope.function.module):
        try:
            function = function_of(called)
        except Untold:
            return
    if function is not None:
        frame = frame_of(function, node, scope)
        bodies = [function.tree.body] if isinstance(function.tree, ast.Lambda) else []
        values = (part.value for part in ast.walk(function.tree) if isinstance(part, ast.Return))
        yield from (Given(value, frame) for value in [*bodies, *values] if value is not None)

"""The source of a function as a syntax tree, with what its names stand for in its module."""

from __future__ import annotations

import ast
import dataclasses
import functools
import linecache
import sys
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

from django.utils.translation import gettext as _

# Where what was installed lies.
INSTALLED = frozenset({"site-packages", "dist-packages"})

Tree = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Untold(Exception):
    """The source of a function cannot be had; the text says why."""


@dataclasses.dataclass(frozen=True)
class Function:
    """A function's tree, what its names stand for, and the module that it is of."""

    name: str
    tree: Tree
    names: Mapping[str, Any]
    module: str
    owner: type | None = None
    """The class whose method it is, where it is called as one."""

    @property
    def all_parameters(self) -> list[str]:
        """The names of its positional parameters, a method's object among them."""
        return [argument.arg for argument in (*self.tree.args.posonlyargs, *self.tree.args.args)]

    @property
    def parameters(self) -> list[str]:
        """The names of what it is given where it is called."""
        return self.all_parameters[1:] if self.owner else self.all_parameters

    @property
    def body(self) -> list[ast.AST]:
        """What it does, statement by statement."""
        return [self.tree.body] if isinstance(self.tree, ast.Lambda) else list(self.tree.body)


def function_of(code: Any, owner: type | None = None) -> Function:
    """Return the function behind whatever can be called; raise `Untold` if its source cannot be had.

    `owner` is the class whose method it is, where the code itself does not tell.
    """
    name = getattr(code, "__name__", type(code).__name__)
    function = unwrapped(code)
    if not isinstance(function, FunctionType):
        raise Untold(_("{name} is no function of Python's").format(name=name))
    tree = tree_of(function.__code__)
    if tree is None:
        raise Untold(_("the source of {name} cannot be had").format(name=name))
    return Function(name, tree, names_of(function), function.__module__ or "", owner or owner_of(code))


def unwrapped(code: Any) -> Any:
    """Return what is called in the end: behind a partial, a decorator, a method, or an object that can be called."""
    for _step in range(10):
        if isinstance(code, functools.partial):
            code = code.func
        elif isinstance(code, MethodType):
            code = code.__func__
        elif isinstance(code, staticmethod | classmethod) or hasattr(code, "__wrapped__"):
            code = code.__wrapped__
        elif isinstance(code, FunctionType) or "__call__" not in vars(type(code)):
            break
        else:
            code = vars(type(code))["__call__"]
    return code


def owner_of(code: Any) -> type | None:
    """Return the class whose method something is, or of which it is an object that can be called."""
    while isinstance(code, functools.partial):
        code = code.func
    if isinstance(code, MethodType):
        return code.__self__ if isinstance(code.__self__, type) else type(code.__self__)
    return None if isinstance(code, FunctionType | type) or "__call__" not in vars(type(code)) else type(code)


def names_of(function: FunctionType) -> dict[str, Any]:
    """Return what the names in a function stand for outside of it."""
    closed: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            closed[name] = cell.cell_contents
        except ValueError:
            continue
    return {**function.__globals__, **closed}


def tree_of(code: CodeType) -> Tree | None:
    """Return the tree that code was made from, None if its source cannot be had."""
    found = trees_in(code.co_filename).get(code.co_firstlineno, [])
    if len(found) > 1:
        # Lambdas that begin in one line: what is of the code lies within its own.
        marks = {(line, column) for line, _to, column, to in code.co_positions() if line and column is not None and to}
        found = [tree for tree in found if all(_holds(tree, *mark) for mark in marks)]
    # The innermost one begins last.
    return found[-1] if found else None


def _holds(tree: Tree, line: int, column: int) -> bool:
    end = (tree.end_lineno or tree.lineno, tree.end_col_offset or 0)
    return (tree.lineno, tree.col_offset) <= (line, column) < end


def _first_line(tree: Tree) -> int:
    decorators: list[ast.expr] = getattr(tree, "decorator_list", [])
    return min([tree.lineno, *(one.lineno for one in decorators)])


@functools.lru_cache(maxsize=128)
def trees_in(file: str) -> dict[int, list[Tree]]:
    """Return the functions of a file by the lines that they begin in, their decorators' included, outer ones first."""
    lines = linecache.getlines(file)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, list[Tree]] = {}
    for node in ast.walk(tree):
        if isinstance(node, Tree):
            found.setdefault(_first_line(node), []).append(node)
    return found


def is_followed(function: Any, module: str) -> bool:
    """Return whether a function is of the package of a module, or of the project: not of another package."""
    code: CodeType | None = getattr(unwrapped(function), "__code__", None)
    if code is None:
        return False
    other = getattr(unwrapped(function), "__module__", "") or ""
    if other.partition(".")[0] == module.partition(".")[0]:
        return True
    path = Path(code.co_filename)
    return INSTALLED.isdisjoint(path.parts) and not is_pythons(path)


def is_pythons(path: Path) -> bool:
    """Return whether a file is of Python's own library."""
    return Path(sys.modules["os"].__file__ or "/").parent in path.parents

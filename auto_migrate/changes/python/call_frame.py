"""What the names within one function stand for: what they are given in it, what its caller passes, and its module's."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from auto_migrate.changes.python.source import Function

NOTHING = object()


@dataclasses.dataclass(frozen=True)
class Given:
    """An expression, and the scope that its names are of; `each` where the name stands for one of its items."""

    node: ast.expr
    scope: Frame
    each: bool = False


class Frame:
    """One function as it is called: `passed` are what its parameters stand for there, `depth` the calls above it.

    `outer` is the function that it is defined in.
    """

    def __init__(
        self,
        function: Function,
        passed: dict[str, Given] | None = None,
        depth: int = 0,
        outer: Frame | None = None,
    ) -> None:
        self.function = function
        self.passed = passed or {}
        self.depth = depth
        self.outer = outer
        self.given: dict[str, list[Given]] = {}
        self.imported: dict[str, Any] = {}
        for node in ast.walk(function.tree):
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.NamedExpr(target=target, value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.withitem(optional_vars=ast.Name(id=name), context_expr=value):
                self._give(name, value)
            case ast.For(target=ast.Name(id=name), iter=value) | ast.comprehension(ast.Name(id=name), iter=value):
                self._give(name, value, each=True)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=ast.Add() as plus, value=value):
                before = self.given.get(name, [])
                longer = ast.BinOp(before[-1].node if before else target, plus, value)
                self.given[name] = [*before[:-1], Given(longer, self)]
            case ast.ImportFrom(level=0) | ast.Import():
                self._import(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(id=name), _:
                self._give(name, value)
            case ast.Tuple(elts=names) | ast.List(elts=names), ast.Tuple(elts=values) | ast.List(elts=values):
                for one, given in zip(names, values, strict=False):
                    self._assign(one, given)
            case ast.Tuple(elts=names) | ast.List(elts=names), ast.GeneratorExp(elt=each) | ast.ListComp(elt=each):
                for one in names:
                    self._assign(one, each)

    def _import(self, node: ast.ImportFrom | ast.Import) -> None:
        """Take note of an import within the function, of what is loaded: nothing is imported only to look at it."""
        for one in node.names:
            if isinstance(node, ast.ImportFrom):
                there = sys.modules.get(node.module or "")
                self.imported[one.asname or one.name] = getattr(there, one.name, NOTHING)
            else:
                module = one.name if one.asname else one.name.partition(".")[0]
                self.imported[one.asname or module] = sys.modules.get(module, NOTHING)

    def _give(self, name: str, node: ast.expr, *, each: bool = False) -> None:
        self.given.setdefault(name, []).append(Given(node, self, each))

    def meanings(self, name: str) -> list[Given]:
        """Return the expressions that a name stands for, the first one first; none if it is the module's."""
        if name in self.given:
            return self.given[name]
        if name in self.passed:
            return [self.passed[name]]
        return self.outer.meanings(name) if self.outer is not None else []

    def value(self, node: ast.expr) -> Any:
        """Return the object that names stand for in the module, `NOTHING` if that is known only when it runs."""
        match node:
            case ast.Name(id=name):
                if name in self.imported:
                    return self.imported[name]
                if meanings := self.meanings(name):
                    only = meanings[0]
                    return only.scope.value(only.node) if not only.each and only.node is not node else NOTHING
                if name in self.function.all_parameters:
                    owner = self.function.owner
                    return owner if owner and name == self.function.all_parameters[0] else NOTHING
                return self.outer.value(node) if self.outer is not None else self.function.names.get(name, NOTHING)
            case ast.Attribute(value=owner, attr=name):
                there = self.value(owner)
                # Of anything else, looking may be doing.
                return inspect.getattr_static(there, name, NOTHING) if isinstance(there, ModuleType | type) else NOTHING
        return NOTHING


def within(node: ast.AST) -> Iterator[ast.AST]:
    """Return a node and all within it, in the order of the source."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from within(child)

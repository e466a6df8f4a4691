"""The text of a statement as the source of a function makes it, with a hole for what is known only when it runs."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.changes.python.call_frame import NOTHING, Frame
from auto_migrate.changes.python.queries import model_of

# Stands for what is known only when it runs; PostgreSQL takes it for a name.
HOLE = "…"
# More ways to make one text are not looked at.
MOST = 8
# What leaves a text as it is, but for white space.
SAME = frozenset(
    {"strip", "lstrip", "rstrip", "dedent", "cleandoc", "SQL", "str", "as_string", "join", "lower", "upper"}
)
NAMES = frozenset({"quote_name", "Identifier", "quote_ident"})
PLACES = _lazy_re_compile(r"%(?:\((?P<name>\w+)\))?[sdr]|%%")
FIELDS = _lazy_re_compile(r"\{[^{}]*\}")


class Texts:
    """Reads texts in one function; `tables` are those of the models, `app_label.modelname` → table."""

    def __init__(self, scope: Frame, tables: Mapping[str, str]) -> None:
        self.scope = scope
        self.tables = tables

    def of(self, node: ast.expr, steps: int = 6) -> list[str]:
        """Return what an expression may be, none if it is no text that is written somewhere."""
        return list(itertools.islice(dict.fromkeys(self._of(node, steps)), MOST))

    def _of(self, node: ast.expr, steps: int) -> Iterator[str]:
        if not steps:
            return
        match node:
            case ast.Constant(value=str() as text):
                yield text
            case ast.JoinedStr() | ast.BinOp():
                yield from self._composed(node, steps)
            case ast.IfExp(body=one, orelse=other):
                yield from self._all([one, other], steps)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                yield from self._all(items, steps)
            case ast.Call():
                yield from self._called(node, steps)
            case ast.Name() | ast.Attribute():
                yield from self._named(node, steps)

    def _all(self, nodes: list[ast.expr], steps: int) -> Iterator[str]:
        return (text for node in nodes for text in self.of(node, steps - 1))

    def _composed(self, node: ast.JoinedStr | ast.BinOp, steps: int) -> Iterator[str]:
        if isinstance(node, ast.JoinedStr):
            yield from self._joined(node.values, steps)
        elif isinstance(node.op, ast.Mod):
            yield from (PLACES.sub(HOLE, text) for text in self.of(node.left, steps - 1))
        elif isinstance(node.op, ast.Add):
            for first in self.of(node.left, steps - 1):
                yield from (f"{first}{second}" for second in self.of(node.right, steps - 1) or [HOLE])

    def _joined(self, parts: list[ast.expr], steps: int) -> Iterator[str]:
        choices = [
            self.of(part, steps - 1) if isinstance(part, ast.Constant) else self._filled(part, steps) for part in parts
        ]
        yield from ("".join(chosen) for chosen in itertools.islice(itertools.product(*choices), MOST))

    def _filled(self, part: ast.expr, steps: int) -> list[str]:
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        return self.of(inner, steps - 1) or [HOLE]

    def _called(self, node: ast.Call, steps: int) -> Iterator[str]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        argument = node.args[0] if node.args else None
        if name in NAMES:
            yield from self.of(argument, steps - 1) if argument is not None else ()
        elif name == "format" and isinstance(node.func, ast.Attribute):
            for text in self.of(node.func.value, steps - 1):
                yield self._formatted(text, node, steps)
        elif name in SAME:
            inner = node.func.value if isinstance(node.func, ast.Attribute) and name != "join" else None
            for source in (argument, inner):
                if source is not None and (texts := self.of(source, steps - 1)):
                    yield from texts
                    return

    def _formatted(self, text: str, node: ast.Call, steps: int) -> str:
        by_name = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        in_order = iter(node.args)

        def filled(found: re.Match[str]) -> str:
            name = re.split(r"[.!:\[]", found[0][1:-1])[0]
            value = by_name.get(name) or (next(in_order, None) if not name else None)
            if name.isdigit() and int(name) < len(node.args):
                value = node.args[int(name)]
            return next(iter(self.of(value, steps - 1)), HOLE) if value is not None else HOLE

        return FIELDS.sub(filled, text)

    def _named(self, node: ast.Name | ast.Attribute, steps: int) -> Iterator[str]:
        if isinstance(node, ast.Attribute) and node.attr == "db_table":
            owner = node.value.value if isinstance(node.value, ast.Attribute) else node.value
            yield self.tables.get(model_of(owner, self.scope).lower(), HOLE)
            return
        meanings = self.scope.meanings(node.id) if isinstance(node, ast.Name) else []
        for meaning in meanings:
            there = self if meaning.scope is self.scope else Texts(meaning.scope, self.tables)
            yield from there.of(meaning.node, steps - 1)
        value = NOTHING if meanings else self.scope.value(node)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, str))


# What stands before a hole that is a list in brackets.
LISTS = _lazy_re_compile(r"\b(IN|VALUES)\s*$", re.IGNORECASE)


def as_sql(text: str, *, with_parameters: bool) -> str:
    """Return a text as PostgreSQL reads it: parameters for the places of values, brackets around lists unknown."""
    if with_parameters:
        count, whole = itertools.count(1), text

        def parameter(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%"
            # psycopg2 writes a tuple with its brackets.
            return f"(${next(count)})" if LISTS.search(whole, 0, found.start()) else f"${next(count)}"

        text = PLACES.sub(parameter, text)
    parts = text.split(HOLE)
    for place, part in enumerate(parts[:-1]):
        parts[place] = part + (f"({HOLE})" if LISTS.search(part) else HOLE)
    return "".join(parts)

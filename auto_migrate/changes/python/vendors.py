"""What of a function runs on databases of one vendor: conditions on `connection.vendor` are decided beforehand."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def running(body: list[ast.AST], vendor: str) -> Iterator[ast.AST]:
    """Return the statements that may run, up to one that ends the function on databases of the vendor."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and holds(node.test, vendor) is not None:
            chosen = sides(node, vendor)
            if chosen and isinstance(chosen[-1], ast.Return | ast.Raise):
                return


def sides(node: ast.If, vendor: str) -> list[ast.AST]:
    """Return the statements under a condition that may run: all, if the vendor does not decide."""
    verdict = holds(node.test, vendor)
    if verdict is None:
        return [node.test, *node.body, *node.orelse]
    return list(node.body if verdict else node.orelse)


def holds(test: ast.expr, vendor: str) -> bool | None:
    """Return whether a condition holds for the vendor, None if something else decides."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            verdict = holds(inner, vendor)
            return None if verdict is None else not verdict
        case ast.BoolOp(op=word, values=parts):
            return decided([holds(part, vendor) for part in parts], by=isinstance(word, ast.Or))
        case ast.Compare(left=ast.Attribute(attr="vendor"), ops=[operator], comparators=[right]):
            return compared(operator, vendor, right)
    return None


def decided(verdicts: list[bool | None], *, by: bool) -> bool | None:
    """Return what several parts make together, of which one that is `by` decides all."""
    if by in verdicts:
        return by
    return None if None in verdicts else not by


def compared(operator: ast.cmpop, vendor: str, right: ast.expr) -> bool | None:
    """Return what comes of comparing the vendor with what is written beside it."""
    try:
        value = ast.literal_eval(right)
    except ValueError:
        return None
    match operator:
        case ast.Eq() | ast.NotEq() if isinstance(value, str):
            return (vendor == value) is isinstance(operator, ast.Eq)
        case ast.In() | ast.NotIn() if isinstance(value, list | tuple | set):
            return (vendor in value) is isinstance(operator, ast.In)
    return None

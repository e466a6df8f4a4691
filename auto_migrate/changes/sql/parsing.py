"""PostgreSQL's own parser, kept from texts so deep that they would end the process.

It is C's, and goes down a tree without looking how deep that is. What nests to the right it refuses by itself, and what
nests to the left, `1 + 1 + …` or `SELECT … UNION ALL SELECT …`, as far down as the text goes on.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

# The stack of a thread is 8 MB as a rule, and enough for 10,000.
DEEPEST = 3_000
TOKEN = _lazy_re_compile(
    r"'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)"
    r"|(?P<opens>[(\[])|(?P<closes>[)\]])|(?P<ends>;)|(?P<parts>,|\b(?:AND|BY|ELSE|FROM|OR|SELECT|SET|THEN|WHEN|WHERE)\b)"
    r"|(?P<joins>\b(?:EXCEPT|INTERSECT|JOIN|UNION)\b)|(?P<binds>::|[-+*/%^|<>=~!@#&?]+|\b(?:AT|COLLATE|IS)\b)",
    re.IGNORECASE | re.DOTALL,
)


class TooDeep(ValueError):
    """A text is nested so deep that nobody reads it."""


def parse(sql: str) -> tuple[Any, ...]:
    """Return the parsed statements of a text; raise pglast's `ParseError`, or `TooDeep`."""
    from pglast import parse_sql

    refuse_depth(sql)
    return tuple(parse_sql(sql))


def refuse_depth(sql: str) -> None:
    """Raise `TooDeep` for a text that nests deeper than the parser can be trusted with."""
    # Each step down takes two signs at least.
    if len(sql) > 2 * DEEPEST and depth(sql) > DEEPEST:
        raise TooDeep(_("it is nested too deep"))


def depth(sql: str) -> int:
    """Return how deep the tree of a text is at most: what is open, and what is bound to the left within each part."""
    deepest, outer, joined, bound = 0, list[tuple[int, int]](), 0, 0
    for found in TOKEN.finditer(sql):
        match found.lastgroup:
            case "opens":
                outer.append((joined, bound))
                # What is around counts on.
                joined, bound = joined + bound + 1, 0
            case "closes":
                joined, bound = outer.pop() if outer else (0, 0)
            case "ends":
                outer, joined, bound = [], 0, 0
            case "parts":
                bound = 0
            case "joins":
                joined, bound = joined + 1, 0
            case "binds":
                bound += 1
        deepest = max(deepest, joined + bound)
    return deepest

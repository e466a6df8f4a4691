"""Statements as they may be shown to anybody: without their values, among which may be passwords."""

from __future__ import annotations

import re

from django.utils.regex_helper import _lazy_re_compile

# What may hold a secret. After a backslash nobody knows without the server's settings where a string ends.
KEPT = r'(?P<kept>"(?:""|[^"])*"|--[^\n]*|/\*.*?(?:\*/|$))'
LITERAL = _lazy_re_compile(
    rf"{KEPT}|'(?:''|[^'\\])*(?:'|\\.*$|$)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)",
    re.DOTALL,
)


def masked(text: str) -> str:
    """Return a statement with stars in place of its strings; names and comments stay."""
    return LITERAL.sub(lambda found: found["kept"] or "***", text)


def without_values(error: str) -> str:
    """Return what the parser says, without the word at which it stopped if that is a string."""
    said, near, word = error.partition(' at or near "')
    return f"{said}{near}***" if near and word.startswith(("'", "$", "E'", "e'")) else error

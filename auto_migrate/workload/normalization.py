"""Statements without their values, so that they may be kept and shown: `$1`, `$2`… stand for them.

The text is read word by word and no parser is needed, since it is the tests of a project that record. Follows what
pg_stat_statements does, save where that makes a text that PostgreSQL would not take: `interval $1` becomes a cast.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

# Nobody writes more by hand, and reading it would take long; counted, and not looked at.
LONGEST = 1_000_000

TYPMOD = (
    r"\b(?:numeric|decimal|varchar|varying|character|char|bpchar|bit|varbit|timestamptz|timestamp|timetz|time|interval"
    r"|float|vector)\s*\(\s*\d{1,8}(?:\s*,\s*-?\d{1,4})?\s*\)|\b(?:geometry|geography)\s*\(\s*[a-z]+(?:\s*,\s*\d{1,6})?\s*\)"
)
# In this order. What is not closed goes to the end of the text.
KINDS = {
    "space": r"\s+|--[^\n]*",
    "comment": r"/\*",
    "value": r"[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*(?:'|\Z)"
    r"|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)",
    "name": r'(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z)',
    "parameter": r"\$\d+|%s|%b|%t|%\(\w+\)s",
    "typmod": rf"(?i:{TYPMOD})",
    "word": r"[^\W\d][\w$]*",
    "number": r"0[xXoObB][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?",
    "operator": r"%%|.",
}
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()), re.DOTALL)
# To MySQL, these are strings as well, and a backslash goes with what follows it.
MYSQL_VALUE = r"""'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z)"""
MYSQL_COMMENT = r"\s+|(?:--|#)[^\n]*"
MYSQL_TOKEN = re.compile(
    TOKEN.pattern.replace(KINDS["value"], f"{MYSQL_VALUE}|(?P<tag>(?!))").replace(KINDS["space"], MYSQL_COMMENT),
    re.DOTALL,
)
COMMENT_MARK = re.compile(r"/\*|\*/")

# Types in front of a string: `interval '1 day'`.
PREFIXES = frozenset({"interval", "date", "timestamp", "timestamptz", "time", "timetz"})
# Words after which a sign is that of a number and no operation.
BEFORE_SIGN = frozenset({
    "select", "where", "and", "or", "not", "then", "else", "when", "between", "limit", "offset", "by", "set", "in",
    "returning", "on", "having", "case", "like", "ilike", "is", "as",
})  # fmt: skip
# What a list of values begins with.
LISTS = frozenset({("(", "in"), ("[", "array")})
# Columns by their place: `GROUP BY 1`, as Django writes it.
PLACE = re.compile(r"\d{1,3}")


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A word of a statement; `null` tells of a parameter that it was NULL, `spaced` that a blank goes before it."""

    kind: str
    text: str
    spaced: bool
    null: bool = False

    @property
    def word(self) -> str:
        """The text in lower case, for what is a word or an operator."""
        return self.text.lower() if self.kind in {"word", "operator"} else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Normalized:
    """A text without values, and the numbers of those parameters that were NULL."""

    text: str
    nulls: frozenset[int] = frozenset()


def normalized(sql: str, parameters: Any = None, *, vendor: str = "postgresql") -> Normalized:
    """Return a statement without its values.

    `parameters` are those that Django was given for `%s` and `%(name)s`, None where it was given none: then a percent
    sign is one. Values and comments are left out, lists of values have one, and rows of `VALUES` that are alike, too.
    """
    found = list(tokens(sql, parameters, vendor))
    return numbered(first_of_lists(without_values(found)))


def tokens(sql: str, parameters: Any, vendor: str) -> Iterator[Token]:
    """Return the words of a statement, without comments."""
    pattern = MYSQL_TOKEN if vendor == "mysql" else TOKEN
    given = iter(parameters.values() if isinstance(parameters, dict) else parameters or ())
    position, spaced = 0, False
    while found := pattern.match(sql, position):
        kind, text, position = str(found.lastgroup), found[0], found.end()
        # The tag of a string between dollars is a group of its own.
        kind = "value" if kind == "tag" else kind
        if kind == "comment":
            position = end_of_comment(sql, position)
        if kind in {"comment", "space"}:
            spaced = True
            continue
        null = False
        if kind == "parameter" and text.startswith("%"):
            if parameters is None:
                kind, text, position = "operator", "%", found.start() + 1
            elif isinstance(parameters, dict):
                null = is_null(parameters.get(text[2:-2]))
            else:
                null = is_null(next(given, ...))
        elif text == "%%":
            text = "%" if parameters is not None else text
        yield Token(kind, text, spaced, null)
        spaced = False


def end_of_comment(sql: str, position: int) -> int:
    """Return where a comment ends that began before `position`; there may be others in it."""
    depth = 1
    for mark in COMMENT_MARK.finditer(sql, position):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(sql)


def is_null(value: Any) -> bool:
    """Return whether a parameter is NULL, or has one among several."""
    return value is None or (isinstance(value, list | tuple) and None in value)


def without_values(found: Sequence[Token]) -> list[Token]:
    """Return the words with a parameter in place of each value, save places of columns."""
    done: list[Token] = []
    depth, by = 0, -1
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "operator" else 0
        before = done[-1].word if done else ""
        if token.word == "by" and before in {"group", "order"}:
            by = depth
        if token.kind == "number" and is_place(token, before, within=by == depth):
            done.append(token)
            continue
        if token.kind not in {"value", "number", "parameter"}:
            done.append(token)
            continue
        spaced = token.spaced
        if token.kind == "number" and before in {"-", "+"} and is_sign(done):
            spaced = done.pop().spaced
        text = token.text if token.kind == "parameter" else ""
        cast = done.pop() if before in PREFIXES and token.kind != "number" and is_prefix(done) else None
        if cast is None:
            done.append(Token("parameter", text, spaced, token.null))
        else:
            done += [
                Token("word", "CAST", cast.spaced),
                Token("operator", "(", False),
                Token("parameter", text, False, token.null),
                Token("word", "AS", True),
                Token("word", cast.text, True),
                Token("operator", ")", False),
            ]
    return done


def is_place(number: Token, before: str, *, within: bool) -> bool:
    """Return whether a number names a column by its place."""
    return PLACE.fullmatch(number.text) is not None and (before == "by" or (before == "," and within))


def is_sign(done: Sequence[Token]) -> bool:
    """Return whether the plus or minus at the end belongs to the number that follows."""
    if len(done) < 2:
        return True
    before = done[-2]
    if before.kind == "operator":
        return before.text not in {")", "]"}
    return before.word in BEFORE_SIGN


def is_prefix(done: Sequence[Token]) -> bool:
    """Return whether the type at the end is not the end of a cast or a name with a dot."""
    return len(done) < 2 or done[-2].text not in {".", ":"}


def first_of_lists(found: list[Token]) -> list[Token]:
    """Return the words with one value for each list of values, and one row for rows that are alike."""
    done: list[Token] = []
    position = 0
    while position < len(found):
        token = found[position]
        done.append(token)
        position += 1
        if len(done) > 1 and (token.text, done[-2].word) in LISTS:
            position = _one_of_list(found, position, done)
        elif token.word == "values":
            position = _one_of_rows(found, position, done)
    return done


def _one_of_list(found: Sequence[Token], position: int, done: list[Token]) -> int:
    """Take over one value if nothing but values stands in the brackets; return where to go on."""
    end = position
    while end < len(found) and (found[end].kind == "parameter" or found[end].text == ","):
        end += 1
    if end == position or end == len(found) or found[end].text not in {")", "]"}:
        return position
    null = any(token.null for token in found[position:end])
    done.append(dataclasses.replace(found[position], null=null))
    return end


def _one_of_rows(found: Sequence[Token], position: int, done: list[Token]) -> int:
    """Take over the rows of `VALUES` that are not like the one before; return where to go on."""
    row: list[Token] = []
    while position < len(found) and found[position].text == "(":
        end = _end_of_brackets(found, position)
        following = list(found[position:end])
        if row and [_shape(token) for token in following] == [_shape(token) for token in row]:
            # NULL in any of the rows counts for the one that is kept.
            begin = len(done) - len(row)
            done[begin:] = row = [
                dataclasses.replace(one, null=one.null or other.null) for one, other in zip(row, following, strict=True)
            ]
        else:
            if row:
                done.append(Token("operator", ",", False))
            done += following
            row = following
        position = end
        if position + 1 < len(found) and found[position].text == "," and found[position + 1].text == "(":
            position += 1
        else:
            break
    return position


def _end_of_brackets(found: Sequence[Token], position: int) -> int:
    depth = 0
    for end in range(position, len(found)):
        depth += {"(": 1, ")": -1}.get(found[end].text, 0) if found[end].kind == "operator" else 0
        if not depth:
            return end + 1
    return len(found)


def _shape(token: Token) -> str:
    return "$" if token.kind == "parameter" else token.text


def numbered(found: Sequence[Token]) -> Normalized:
    """Write the words down, parameters numbered from 1 on; one that had a number or a name is the same everywhere."""
    numbers: dict[str, int] = {}
    nulls: set[int] = set()
    text: list[str] = []
    count = 0
    for token in found:
        written = token.text
        if token.kind == "parameter":
            own = token.text if token.text.startswith(("$", "%(")) else ""
            number = numbers.get(own)
            if number is None:
                count += 1
                number = count
                if own:
                    numbers[own] = number
            nulls |= {number} if token.null else set()
            written = f"${number}"
        text.append(f" {written}" if token.spaced and text else written)
    return Normalized("".join(text).rstrip("; \n\t"), frozenset(nulls))

"""Whether one column type holds all that another does, as far as their names tell."""

from __future__ import annotations

import enum
import math
import re

INTEGERS = ("smallint", "integer", "bigint")
ALIASES = {
    "bpchar": "char",
    "character": "char",
    "character varying": "varchar",
    "decimal": "numeric",
    "double precision": "float8",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "real": "float4",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "timestamptz": "timestamp with time zone",
    # MySQL's and SQLite's own.
    "bigint unsigned": "bigint",
    "integer unsigned": "integer",
    "longtext": "text",
    "smallint unsigned": "smallint",
    "smallserial": "smallint",
    "serial": "integer",
    "bigserial": "bigint",
}
TYPE = re.compile(r"^(?P<name>[a-z][\w ]*?)\s*(\((?P<sizes>[\d\s,]*)\))?(?P<rest>[a-z ]*)$")


class Width(enum.Enum):
    """How a column's new type compares with its old one."""

    WIDER = enum.auto()
    """All old values fit, and read as before; also the same type."""
    NARROWER = enum.auto()
    """Of the same kind, and some old values may not fit."""
    OTHER = enum.auto()
    """Of another kind, or not known."""


Sizes = tuple[int, ...]


def width_of(old: str, new: str) -> Width:
    """Compare two types by their names, such as `varchar(20)` and `text`."""
    before, after = _parsed(old), _parsed(new)
    if before is None or after is None:
        return Width.OTHER
    if before == after:
        return Width.WIDER
    for family in (_integers, _texts, _numerics):
        if (wider := family(*before, *after)) is not None:
            return Width.WIDER if wider else Width.NARROWER
    return Width.OTHER


# How many characters the values of a type have at most when they are written out, and how many digits.
WRITTEN = {
    "boolean": 5, "bool": 5, "smallint": 6, "integer": 11, "bigint": 20, "float4": 15, "float8": 24, "date": 10,
    "time": 15, "timestamp": 26, "timestamp with time zone": 35, "datetime": 26, "uuid": 36, "inet": 43, "cidr": 43,
    "macaddr": 17,
}  # fmt: skip
DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
# Decimal digits that a number with a floating point keeps (`FLT_DIG`, `DBL_DIG`).
PRECISION = {"float4": 6, "float8": 15}
ELEMENT = re.compile(r"\[\d*\]$")


def has_room(old: str, new: str) -> bool:
    """Return whether a new type with a bound holds every value of an old one of any kind, for all that names tell.

    True of a new type without a bound, whose values another rule may still refuse.
    """
    if ELEMENT.search(old) and ELEMENT.search(new):
        old, new = ELEMENT.sub("", old), ELEMENT.sub("", new)
        return width_of(old, new) is not Width.NARROWER and has_room(old, new)
    before, after = _parsed(old) or ("", ()), _parsed(new)
    if after is None:
        return True
    name, sizes = after
    if name in {"varchar", "char"} and (sizes or name == "char"):
        return _longest(*before) <= (*sizes, 1)[0]
    if name == "numeric" and sizes:
        return _digits(*before) <= sizes[0] - (*sizes, 0)[1]
    if name in PRECISION and before[0] in {"numeric", *DIGITS}:
        kept = before[1][0] if before[1] else DIGITS.get(before[0], math.inf)
        return kept <= PRECISION[name]
    return True


def _longest(name: str, sizes: Sizes) -> float:
    if name in {"varchar", "char"}:
        return sizes[0] if sizes else (1 if name == "char" else math.inf)
    if name == "numeric" and sizes:
        # A sign, a point, and the nought before it.
        return sizes[0] + 3
    return WRITTEN.get(name, math.inf)


def _digits(name: str, sizes: Sizes) -> float:
    if name == "numeric":
        # Compared in full by `width_of`.
        return 0
    return DIGITS.get(name, 1 if name == "boolean" else math.inf)


def _parsed(written: str) -> tuple[str, Sizes] | None:
    # An identity is a number with a sequence.
    plain = " ".join(written.lower().split()).partition(" generated ")[0]
    found = TYPE.fullmatch(plain)
    if found is None:
        return None
    name = f"{found['name']}{found['rest']}".strip()
    sizes = tuple(int(size) for size in (found["sizes"] or "").split(",") if size.strip())
    return ALIASES.get(name, name), sizes


def _integers(old: str, _old_sizes: Sizes, new: str, _new_sizes: Sizes) -> bool | None:
    if old in INTEGERS and new in INTEGERS:
        return INTEGERS.index(new) >= INTEGERS.index(old)
    return None


def _texts(old: str, old_sizes: Sizes, new: str, new_sizes: Sizes) -> bool | None:
    """Compare lengths; no length holds any text."""
    if {old, new} <= {"varchar", "text"}:
        return not new_sizes or (bool(old_sizes) and new_sizes >= old_sizes)
    return None


def _numerics(old: str, old_sizes: Sizes, new: str, new_sizes: Sizes) -> bool | None:
    """Compare the digits before and after the point; no size holds any number."""
    if {old, new} != {"numeric"}:
        return None
    if not new_sizes or not old_sizes:
        return not new_sizes
    (precision, scale), (new_precision, new_scale) = ((*sizes, 0)[:2] for sizes in (old_sizes, new_sizes))
    return new_scale >= scale and new_precision - new_scale >= precision - scale

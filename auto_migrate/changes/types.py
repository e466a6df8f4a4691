"""The names of column types, and whether one type holds all that another does, as far as their names tell."""

from __future__ import annotations

import dataclasses
import enum
import math
import re

from django.utils.regex_helper import _lazy_re_compile

INTEGERS = ("smallint", "integer", "bigint")
# Other spellings of a type, to the one that is used here.
SYNONYMS = {
    "bool": "boolean",
    "bpchar": "character",
    "char": "character",
    "character varying": "varchar",
    "bit varying": "varbit",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    # They are integers with a default, and identities are integers with a sequence.
    "smallserial": "smallint",
    "serial": "integer",
    "bigserial": "bigint",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
    # MySQL's and SQLite's own.
    "bigint unsigned": "bigint",
    "integer unsigned": "integer",
    "longtext": "text",
    "smallint unsigned": "smallint",
}
SPELLED = _lazy_re_compile(r"(?P<name>[a-z_][\w ]*?)\s*(\((?P<sizes>[\d\s,-]*)\))?(?P<rest>[a-z ]*)")

Sizes = tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Type:
    """A type: its name and what stands in its brackets. One that cannot be read has all of it for a name."""

    name: str
    sizes: Sizes = ()
    readable: bool = True

    @property
    def size(self) -> int | None:
        """The length or precision, None where there is none."""
        return self.sizes[0] if self.sizes else None

    @property
    def scale(self) -> int:
        """The digits after the point."""
        return (*self.sizes, 0, 0)[1]


def read_type(text: str) -> Type:
    """Read a type as PostgreSQL, MySQL or SQLite spell it, such as `varchar(20)`."""
    plain = " ".join(text.lower().split()).partition(" generated ")[0]
    found = SPELLED.fullmatch(plain)
    sizes = found["sizes"] or "" if found else ""
    if found is None or not re.fullmatch(r"\s*(-?\d+\s*(,\s*-?\d+\s*)*)?", sizes):
        return Type(plain, readable=False)
    name = f"{found['name']}{found['rest']}".strip()
    return Type(SYNONYMS.get(name, name), tuple(int(size) for size in sizes.split(",") if size.strip()))


class Width(enum.Enum):
    """How a column's new type compares with its old one."""

    WIDER = enum.auto()
    """All old values fit, and read as before; also the same type."""
    NARROWER = enum.auto()
    """Of the same kind, and some old values may not fit."""
    OTHER = enum.auto()
    """Of another kind, or not known."""


def width_of(old: str, new: str) -> Width:
    """Compare two types by their names, such as `varchar(20)` and `text`."""
    before, after = read_type(old), read_type(new)
    if not (before.readable and after.readable):
        return Width.OTHER
    if before == after:
        return Width.WIDER
    for family in (_integers, _texts, _numerics):
        if (wider := family(before, after)) is not None:
            return Width.WIDER if wider else Width.NARROWER
    return Width.OTHER


# How many characters the values of a type have at most when they are written out, and how many digits.
WRITTEN = {
    "boolean": 5, "smallint": 6, "integer": 11, "bigint": 20, "real": 15, "double precision": 24, "date": 10,
    "time": 15, "timestamp": 26, "timestamptz": 35, "datetime": 26, "uuid": 36, "inet": 43, "cidr": 43, "macaddr": 17,
}  # fmt: skip
DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
# Decimal digits that a number with a floating point keeps (`FLT_DIG`, `DBL_DIG`).
PRECISION = {"real": 6, "double precision": 15}
ELEMENT = _lazy_re_compile(r"\[\d*\]$")


def has_room(old: str, new: str) -> bool:
    """Return whether a new type with a bound holds every value of an old one of any kind, for all that names tell.

    True of a new type without a bound, whose values another rule may still refuse.
    """
    if ELEMENT.search(old) and ELEMENT.search(new):
        old, new = ELEMENT.sub("", old), ELEMENT.sub("", new)
        return width_of(old, new) is not Width.NARROWER and has_room(old, new)
    before, after = read_type(old), read_type(new)
    if not after.readable:
        return True
    if after.name in {"varchar", "character"} and (after.sizes or after.name == "character"):
        return _longest(before) <= (after.size or 1)
    if after.name == "numeric" and after.size is not None:
        return _digits(before) <= after.size - after.scale
    if after.name in PRECISION and before.name in {"numeric", *DIGITS}:
        kept: float = before.size or DIGITS.get(before.name) or math.inf
        return kept <= PRECISION[after.name]
    return True


def _longest(old: Type) -> float:
    if old.name in {"varchar", "character"}:
        return old.size or (1 if old.name == "character" else math.inf)
    if old.name == "numeric" and old.size is not None:
        # A sign, a point, and the nought before it.
        return old.size + 3
    return WRITTEN.get(old.name, math.inf)


def _digits(old: Type) -> float:
    if old.name == "numeric":
        # Compared in full by `width_of`.
        return 0
    return DIGITS.get(old.name, 1 if old.name == "boolean" else math.inf)


def _integers(old: Type, new: Type) -> bool | None:
    if old.name in INTEGERS and new.name in INTEGERS:
        return INTEGERS.index(new.name) >= INTEGERS.index(old.name)
    return None


def _texts(old: Type, new: Type) -> bool | None:
    """Compare lengths; no length holds any text."""
    if {old.name, new.name} <= {"varchar", "text"}:
        return not new.sizes or (bool(old.sizes) and new.sizes >= old.sizes)
    return None


def _numerics(old: Type, new: Type) -> bool | None:
    """Compare the digits before and after the point; no size holds any number."""
    if {old.name, new.name} != {"numeric"}:
        return None
    if new.size is None or old.size is None:
        return new.size is None
    return new.scale >= old.scale and new.size - new.scale >= old.size - old.scale

"""Whether one column type holds all that another does, as far as their names tell."""

from __future__ import annotations

import enum
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


Sizes = tuple[int, ...]


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

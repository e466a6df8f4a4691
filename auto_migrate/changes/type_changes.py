"""How much work another type is to PostgreSQL: none, a reading of all values, or all rows and indexes written anew.

Follows `ATColumnChangeRequiresRewrite` (`src/backend/commands/tablecmds.c`), the casts without a function in
`pg_cast`, and the support functions that drop a length that only grows (`varchar_support`, `numeric_support`,
`varbit_support`, `interval_support`, `TemporalSimplify`).
"""

from __future__ import annotations

import enum
import re
from typing import Any

from django.db.models import UniqueConstraint

from auto_migrate.changes.change import AlterType
from auto_migrate.changes.types import Type, read_type

# Which type's values are another's as they are stored, and sorted alike, so that indexes stay too.
SAME_ORDER = {("varchar", "text"), ("text", "varchar"), ("xml", "text"), ("xml", "varchar"), ("cidr", "inet")}
# Which are the same, but have indexes of another kind.
SAME_VALUES = SAME_ORDER | {
    ("citext", "text"),
    ("text", "citext"),
    ("citext", "varchar"),
    ("varchar", "citext"),
    ("bit", "varbit"),
    ("integer", "oid"),
    ("oid", "integer"),
    # In a session whose time zone is UTC, as Django's is unless USE_TZ is off (PostgreSQL 12+).
    ("timestamp", "timestamptz"),
    ("timestamptz", "timestamp"),
}
# A length or precision that may grow without a look at the values.
GROWING = frozenset({"interval", "varchar", "varbit", "time", "timetz", "timestamp", "timestamptz"})
MICROSECONDS = 6
# What stands in brackets where nothing does.
IMPLIED = {
    "character": 1,
    "bit": 1,
    "interval": MICROSECONDS,
    "time": MICROSECONDS,
    "timetz": MICROSECONDS,
    "timestamp": MICROSECONDS,
    "timestamptz": MICROSECONDS,
}


class Work(enum.IntEnum):
    """What another type means for the rows that are there."""

    NOTHING = 0
    INDEXES = 1
    """The indexes on the column are built anew, out of all rows."""
    REWRITES = 2


def work_of(change: AlterType) -> Work:
    """Return what another type or collation of a column means for the rows that are there."""
    if change.using:
        return Work.REWRITES
    old, new = read_type(change.old), read_type(change.new)
    if not change.old or not keeps_values(old, new):
        return Work.REWRITES
    other_order = old.name != new.name and (old.name, new.name) not in SAME_ORDER
    if (other_order or change.old_collation != change.new_collation) and may_be_indexed(change):
        return Work.INDEXES
    if old != new and is_in_index_made_anew(change.definition):
        return Work.INDEXES
    return Work.NOTHING


def is_in_index_made_anew(field: Any) -> bool:
    """Return whether a field is in an index with a condition or an expression, which is made anew for any new type.

    See `CheckIndexCompatible` (`src/backend/commands/indexcmds.c`).
    """
    if field is None:
        return False
    meta = field.model._meta
    constraints = [one for one in meta.constraints if isinstance(one, UniqueConstraint)]
    for index in [*meta.indexes, *constraints]:
        told = f"{index.condition} {index.expressions}"
        if told != "None ()":
            columns = {name.lstrip("-") for name in (*index.fields, *index.include)}
            if field.name in columns or re.search(rf"\b{re.escape(field.name)}(__|\b)", told):
                return True
    return False


def may_be_indexed(change: AlterType) -> bool:
    """Return whether there is an index on a column; where nobody can be asked, there may be."""
    if change.indexed is not None:
        return change.indexed
    field: Any = change.definition
    if field is None:
        return True
    meta = field.model._meta
    named = {name.lstrip("-") for index in meta.indexes for name in index.fields}
    named |= {name for constraint in meta.total_unique_constraints for name in constraint.fields}
    return bool(
        field.unique or field.db_index or field.name in named or any(field.name in one for one in meta.unique_together)
    )


def keeps_values(old: Type, new: Type) -> bool:
    """Return whether all values of a type are of another as they are stored."""
    if old == new:
        return True
    old_size, new_size = size_of(old), size_of(new)
    if old.name == new.name == "numeric":
        return new_size is None or (old_size is not None and old.scale == new.scale and old_size <= new_size)
    if old.name != new.name:
        return (old.name, new.name) in SAME_VALUES and new_size == IMPLIED.get(new.name)
    if new_size is None or old_size == new_size:
        return True
    return new.name in GROWING and old_size is not None and old_size <= new_size


def size_of(type_: Type) -> int | None:
    """Return the length or precision of a type, also where nothing stands in its brackets."""
    return IMPLIED.get(type_.name) if type_.size is None else type_.size

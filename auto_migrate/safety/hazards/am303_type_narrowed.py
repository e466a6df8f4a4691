"""AM303: a column's new type cannot hold all that the old one does."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.types import Width, has_room, read_type, width_of
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment, fitting, in_turn, migration, model_name, quoted

TEXTS = frozenset({"varchar", "text", "citext", "character", "longtext", "char"})
MOMENTS = frozenset({"timestamp", "timestamptz", "datetime", "datetime(6)"})
INTEGERS = frozenset({"smallint", "integer", "bigint"})
FLOATS = frozenset({"double precision", "real"})
# Kinds that take any value of all others, because they are written out.
WRITTEN_OUT = frozenset({"json", "jsonb", "bytea"})

# The numbers that the integer types hold.
BOUNDS = {"smallint": (-32768, 32767), "integer": (-2147483648, 2147483647)}

LENGTH = """\
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
"""


class TypeNarrowed(Hazard):
    code = "AM303"
    slug = "type-narrowed"
    title = gettext_noop("A column's new type cannot hold all old values")
    harm = Harm.LOSES_DATA
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, AlterType) or not narrows(change.old, change.new):
            return
        if site.is_new_column(change.table, change.column):
            return
        problem = _(
            "{column} of {table} goes from {old} to {new}. Values that do not fit are cut or rounded, or make the "
            "migration fail; the running release goes on writing such values, and then fails too."
        )
        names = {"column": change.column, "table": change.table, "old": change.old, "new": change.new}
        yield Found(change.table, problem.format(**names), instead(change))


def narrows(old: str, new: str) -> bool:
    """Return whether there are values of the old type that the new one cannot hold as they are."""
    width = width_of(old, new)
    if width is not Width.OTHER or not old:
        return width is Width.NARROWER
    before, after = read_type(old).name, read_type(new).name
    if not has_room(old, new):
        return True
    if before == after or after in WRITTEN_OUT:
        return False
    return (
        (before in TEXTS and after not in TEXTS)
        or (before in MOMENTS and after in {"date", "time", "timetz"})
        or (before in {*FLOATS, "numeric"} and after in INTEGERS)
        or (before == "double precision" and after == "real")
        or (before == "bigint" and after in FLOATS)
        or (after == "boolean" and before not in TEXTS)
    )


def instead(change: AlterType) -> str:
    """Return a constraint in place of a shorter type, where it is the length of text or the range of integers."""
    if not change.field or width_of(change.old, change.new) is Width.OTHER:
        return ""
    if isinstance(change.definition, models.CharField):
        condition = f'LessThanOrEqual(Length("{change.field}"), {change.definition.max_length})'
        return checked(change, condition, fitting(change.column, "length"), LENGTH)
    if bounds := BOUNDS.get(read_type(change.new).name):
        return checked(change, f"models.Q({change.field}__range={bounds})", fitting(change.column, "range"))
    return ""


def checked(change: AlterType, condition: str, name: str, imports: str = "") -> str:
    """Return a constraint that is validated while others read and write."""
    keep = _("Keep the type, and let a constraint say what may be written; old rows are looked at without a lock.")
    model, check = model_name(change.model), f"models.CheckConstraint(condition={condition}, name={quoted(name)})"
    added = migration(f'AddConstraintNotValid("{model}", {check})', late="AM405")
    return comment(keep) + in_turn(imports + added, migration(f'ValidateConstraint("{model}", {quoted(name)})'))

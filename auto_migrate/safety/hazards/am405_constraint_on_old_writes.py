"""AM405: a constraint is added that the running release does not know, and may violate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models.expressions import Combinable, CombinedExpression
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, AddConstraint, Change, CreateIndex, Default
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.safety.after_deploy import late
from auto_migrate.safety.becoming_key import becomes_key
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site

REFUSING = frozenset(
    {ConstraintKind.CHECK, ConstraintKind.UNIQUE, ConstraintKind.EXCLUSION, ConstraintKind.FOREIGN_KEY}
)


class ConstraintOnOldWrites(Hazard):
    code = "AM405"
    slug = "constraint-on-old-writes"
    title = gettext_noop("A new constraint may refuse what the running release writes")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if isinstance(change, AddColumn) and refuses(change) and not site.migration.decision.waits:
            problem = _(
                "The database computes {table}.{column} from what the running release writes, and refuses a row whose "
                "value cannot be computed, breaks the check or is there already. Release code that writes no such row "
                "first, and add the column in the release after it."
            )
            yield Found(change.table, problem.format(table=change.table, column=change.column))
        if not is_refusing(change) or site.migration.decision.waits or is_on_new_columns(change, site):
            return
        problem = _(
            "The running release does not know {name} on {table}: what it writes against it fails, and NOT VALID does "
            "not change that. Release code that keeps to it first, and add it when the old code is gone."
        )
        names = {"name": getattr(change, "name", ""), "table": change.table}
        yield Found(change.table, problem.format(**names), "" if becomes_key(site.operation) else late(site, self.code))


# Of numbers, what has no value for some of them.
PARTIAL = frozenset({Combinable.DIV, Combinable.MOD, Combinable.POW})


def is_computed(change: AddColumn) -> bool:
    """Return whether the database computes a column from others."""
    return change.default is Default.GENERATED or bool(getattr(change.definition, "generated", False))


def refuses(change: AddColumn) -> bool:
    """Return whether a row may be refused for the value of a computed column."""
    return is_computed(change) and (change.unique or change.checked or may_fail(change.definition))


def may_fail(definition: Any) -> bool:
    """Return whether a field's expression is known to have no value for some rows."""
    expression: Any = getattr(definition, "expression", None)
    parts = expression.flatten() if hasattr(expression, "flatten") else ()
    return any(
        isinstance(part, Cast) or (isinstance(part, CombinedExpression) and part.connector in PARTIAL) for part in parts
    )


def is_refusing(change: Change) -> bool:
    """Return whether writes may fail from now on that did not before."""
    if isinstance(change, CreateIndex):
        return change.unique
    # With USING INDEX, it was the index that began to refuse; what is made again was there before.
    is_new = isinstance(change, AddConstraint) and not (change.again or change.using_index)
    return is_new and isinstance(change, AddConstraint) and change.kind in REFUSING


def is_on_new_columns(change: Change, site: Site) -> bool:
    """Return whether old code writes nothing to its columns that it could refuse: they, or one of them, are new."""
    if not isinstance(change, AddConstraint | CreateIndex):
        return False
    added = {
        one.column
        for _operation, one in site.migration.changes()
        if isinstance(one, AddColumn) and one.table == change.table and not is_computed(one)
    }
    return bool(change.columns) and (added.issuperset(change.columns) or site.new.lets_in_any(change))

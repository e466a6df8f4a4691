"""AM108: an exclusion constraint builds its index while everybody waits, and knows no other way."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddConstraint, Change
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class ExclusionOnFilledTable(Hazard):
    code = "AM108"
    slug = "exclusion-constraint"
    title = gettext_noop("An exclusion constraint builds its index while others wait")
    harm = Harm.BLOCKS

    def found(self, change: Change, _site: Site) -> Iterator[Found]:
        if not isinstance(change, AddConstraint) or change.kind is not ConstraintKind.EXCLUSION:
            return
        problem = _(
            "{name} builds its index out of all rows of {table} and compares each with the others; nobody reads or "
            "writes the table meanwhile. PostgreSQL can neither build it concurrently nor leave it NOT VALID: make it "
            "on a new table and move the rows in batches, or choose an hour when {table} is not needed."
        )
        yield Found(change.table, problem.format(name=change.name, table=change.table))

"""AM404: NULL is refused from now on, and the running release still writes it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, SetNotNull
from auto_migrate.safety.after_deploy import late
from auto_migrate.safety.becoming_key import becomes_key
from auto_migrate.safety.bridged import with_obstacle
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site


class NotNullSet(Hazard):
    code = "AM404"
    slug = "not-null-set"
    title = gettext_noop("A column refuses the NULL that the running release writes")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, SetNotNull) or site.migration.decision.waits:
            return
        if site.is_new_column(change.table, change.column):
            yield from self.of_new_column(change, site)
            return
        problem = _(
            "To the running release {table}.{column} is optional: it writes NULL by name, which no default prevents, "
            "and these writes fail. Release code that writes no NULL first, and tighten the column when the old code "
            "is gone."
        )
        names = {"table": change.table, "column": change.column}
        told = with_obstacle(problem.format(**names), change, site)
        yield Found(change.table, told, "" if becomes_key(site.operation) else late(site, self.code))

    def of_new_column(self, change: SetNotNull, site: Site) -> Iterator[Found]:
        """Find a column that the running release does not know at all, unless the database fills it."""
        if change.keeps_default or (change.table, change.column) not in site.new.nullable:
            return
        problem = _(
            "The running release does not know {table}.{column}, which the plan itself adds, and leaves it out: each "
            "of its INSERTs fails. Refuse NULL when the old code is gone, or give the column a default in the database."
        )
        names = {"table": change.table, "column": change.column}
        yield Found(change.table, with_obstacle(problem.format(**names), change, site), late(site, self.code))

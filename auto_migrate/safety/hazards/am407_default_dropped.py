"""AM407: the database fills a column no more, and the running release relies on it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DropDefault
from auto_migrate.safety.after_deploy import late
from auto_migrate.safety.bridged import with_obstacle
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site


class DefaultDropped(Hazard):
    code = "AM407"
    slug = "default-dropped"
    title = gettext_noop("A database default that the running release relies on is dropped")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DropDefault) or site.migration.decision.waits:
            return
        problem = (
            _("The running release leaves {table}.{column} to the database: its rows get NULL from now on.")
            if change.null
            else _("The running release leaves {table}.{column} to the database: its INSERTs fail from now on.")
        )
        names = {"table": change.table, "column": change.column}
        yield Found(change.table, with_obstacle(problem.format(**names), change, site), late(site, self.code))

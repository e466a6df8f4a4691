"""AM205: the database at hand is certain to refuse a statement."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, Refusal
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class RefusedByTheDatabase(Hazard):
    code = "AM205"
    slug = "refused-by-the-database"
    title = gettext_noop("The database is certain to refuse a statement")
    harm = Harm.FAILS
    on_new_tables = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, Refusal):
            return
        same = [one for one in site.operation.changes if isinstance(one, Refusal) and one.reason == change.reason]
        if same[0] is change:
            problem = _("PostgreSQL will refuse {statement}: {reason}. The deploy fails.")
            yield Found(change.table, problem.format(statement=change.statement, reason=change.reason))

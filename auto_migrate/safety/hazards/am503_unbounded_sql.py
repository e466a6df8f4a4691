"""AM503: SQL writes as many rows as there are."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DataChange
from auto_migrate.changes.verbs import DataVerb
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import batches

# Rows that go are another hazard's, AM304.
VERBS = frozenset(DataVerb) - {DataVerb.DELETE, DataVerb.TRUNCATE}


class UnboundedSql(Hazard):
    code = "AM503"
    slug = "unbounded-sql"
    title = gettext_noop("SQL writes as many rows as there are")
    harm = Harm.RISKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DataChange) or change.verb not in VERBS or change.bounded:
            return
        problem = _(
            "{verb} writes rows of {table} without saying how many at most: whoever writes one of them waits until the "
            "last is written, replicas fall behind, and a statement that is cut has done nothing."
        )
        if change.verb is DataVerb.LOCK:
            problem = _(
                "{verb} locks rows of {table} without saying how many at most: whoever writes one of them waits until "
                "the migration commits, and each lock is written into its row."
            )
        yield Found(change.table, problem.format(verb=change.verb, table=change.table), instead(change))


def instead(change: DataChange) -> str:
    """Return an update in batches, where the model is known."""
    if not change.model or change.verb is not DataVerb.UPDATE:
        return ""
    return batches(change.model, "...", "update(...)", "update_in_batches")

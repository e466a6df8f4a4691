"""AM111: indexes are built anew while their table cannot be used."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, Reindex
from auto_migrate.changes.sql.quoting import quoted_table
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class ReindexNotConcurrent(Hazard):
    code = "AM111"
    slug = "reindex-not-concurrent"
    title = gettext_noop("Indexes are built anew while their table cannot be used")
    harm = Harm.BLOCKS

    def found(self, change: Change, _site: Site) -> Iterator[Found]:
        if not isinstance(change, Reindex) or change.concurrently:
            return
        problem = _(
            "REINDEX stops all writes to {table}, and with the index it locks nearly all reads: whoever plans a query "
            "looks at every index of the table."
        )
        text = problem.format(table=change.table or _("each table that it comes to"))
        instead = f"REINDEX TABLE CONCURRENTLY {quoted_table(change.table)}  -- atomic = False" if change.table else ""
        yield Found(change.table, text, instead)

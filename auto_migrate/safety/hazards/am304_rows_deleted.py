"""AM304: SQL deletes rows of a table, and does not say which by their keys."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DataChange
from auto_migrate.changes.verbs import DataVerb
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import batches

VERBS = frozenset({DataVerb.DELETE, DataVerb.TRUNCATE})


class RowsDeleted(Hazard):
    code = "AM304"
    slug = "rows-deleted"
    title = gettext_noop("SQL deletes rows without naming them")
    harm = Harm.LOSES_DATA
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DataChange) or change.verb not in VERBS or change.bounded:
            return
        problem = _(
            "{verb} takes rows of {table} away for good, however many there are by then, in one transaction; no "
            "signal is sent and nothing that Django would delete with them is looked at."
        )
        # Of the tables that go along nobody knows how many rows they have.
        table = "*" if change.cascades else change.table
        yield Found(table, problem.format(verb=change.verb, table=change.table), instead(change))


def instead(change: DataChange) -> str:
    """Return a deletion in batches, where the model is known."""
    return batches(change.model, "...", "delete()", "delete_in_batches") if change.model else ""

"""AM110: an index is dropped in a way for which reads and writes have to stop."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.migrations.operations import RemoveIndex
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddConstraint, AlterType, Change, DropIndex
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import beside, concurrently, migration, model_name, quoted, run_sql


class IndexDroppedNotConcurrently(Hazard):
    code = "AM110"
    slug = "index-dropped-not-concurrently"
    title = gettext_noop("An index is dropped while reads and writes of its table wait")
    # It is over at once, however large the table is; what hurts is to wait for the lock, and to keep it.
    harm = Harm.RISKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DropIndex) or change.concurrently or comes_along(change, site):
            return
        problem = _(
            "DROP INDEX {name} needs ACCESS EXCLUSIVE on {table} and keeps it until the migration commits. Dropped "
            "concurrently, the index stops nobody."
        )
        text = problem.format(name=change.name, table=change.table or _("its table"))
        yield Found(change.table, text, self.instead(change, site))

    def instead(self, change: DropIndex, site: Site) -> str:
        """Return the operation that drops the same index concurrently."""
        operation = site.operation.operation
        if isinstance(operation, RemoveIndex):
            removed = f'RemoveIndexConcurrently("{model_name(change.model)}", {quoted(change.name)})'
            return migration(removed, atomic=False)
        if not change.columns:
            return f"{dropped(change)}  -- atomic = False"
        *companions, last = alike(change, site)
        first = (run_sql(dropped(other), again(other)) for other in companions)
        return migration(*first, run_sql(dropped(last), again(last), operation), atomic=False)


def dropped(change: DropIndex) -> str:
    """Write the statement that drops an index and stops nobody."""
    return f"DROP INDEX CONCURRENTLY {beside(change.table, change.name)}"


def again(change: DropIndex) -> str:
    """Write the statement that builds an index again."""
    return concurrently(change.sql)


def alike(change: DropIndex, site: Site) -> list[DropIndex]:
    """Return the indexes on the same columns that the operation drops, Django's second one for LIKE among them."""
    drops = [other for other in site.operation.changes if isinstance(other, DropIndex)]
    return [other for other in drops if (other.table, other.columns) == (change.table, change.columns)]


def comes_along(change: DropIndex, site: Site) -> bool:
    """Return whether the index goes with another one on the column, or for a change that takes the same lock."""
    working = (other for other in site.operation.changes if isinstance(other, AlterType | AddConstraint))
    if any(other.table == change.table for other in working):
        return True
    return bool(change.columns) and alike(change, site)[0] is not change

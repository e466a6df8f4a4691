"""AM110: an index is dropped in a way for which reads and writes have to stop."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.migrations.operations import RemoveIndex
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import AddConstraint, AlterType, Change, DropIndex
from auto_migrate.safety.code import migration, model_name, named, run_sql
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


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
        """Give the operation that drops the same index concurrently."""
        statement = f"DROP INDEX CONCURRENTLY {named(change.name)}"
        operation = site.operation.operation
        if isinstance(operation, RemoveIndex):
            removed = f'RemoveIndexConcurrently("{model_name(change.model)}", "{change.name}")'
            return migration(removed, atomic=False)
        if not change.columns:
            return f"{statement}  -- atomic = False"
        again = f"CREATE INDEX CONCURRENTLY {named(change.name)} ON {named(change.table)} ({', '.join(change.columns)})"
        return migration(run_sql(statement, again, operation), atomic=False)


def comes_along(change: DropIndex, site: Site) -> bool:
    """Tell whether the index goes with another one on the column, or for a change that takes the same lock."""
    for other in site.operation.changes:
        if other is change:
            return False
        if (
            isinstance(other, DropIndex)
            and change.columns
            and (other.table, other.columns) == (change.table, change.columns)
        ):
            return True
        if isinstance(other, AlterType | AddConstraint) and other.table == change.table:
            return True
    return False

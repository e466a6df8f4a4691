"""AM113: a foreign key comes or goes with its table or column, and locks the table that it points to."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, Change, CreateTable, DropTable
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site


class KeyLocksReferencedTable(Hazard):
    code = "AM113"
    slug = "key-locks-referenced-table"
    title = gettext_noop("A foreign key locks the table that it points to")
    # It is over at once, however large the table is; what hurts is to wait for the lock, and to keep it.
    harm = Harm.RISKS
    on_new_tables = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        referenced = [table for table in references_of(change) if table != change.table and not site.is_new(table)]
        if not referenced:
            return
        if isinstance(change, DropTable):
            problem = _(
                "Dropping {table} takes its foreign keys along: nobody reads or writes {referenced} from then until "
                "the migration commits."
            )
        else:
            problem = _(
                "The foreign key of {table} puts a trigger on {referenced}: nobody writes to it from then until the "
                "migration commits."
            )
        text = problem.format(table=change.table, referenced=", ".join(referenced))
        yield Found(referenced[0], f"{text} {self.advice()}", others=tuple(referenced[1:]))

    def advice(self) -> str:
        """Say how to keep it short."""
        return _("Let nothing that takes time come with it in one migration, or do without: db_constraint=False.")


def references_of(change: Change) -> tuple[str, ...]:
    """Name the tables that foreign keys of a new or dropped table, or of a new column, point to."""
    if isinstance(change, CreateTable | DropTable):
        return change.references
    return (change.references,) if isinstance(change, AddColumn) and change.references else ()

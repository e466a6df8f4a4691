"""AM504: an operation cannot be taken back."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.stock_operations import irreversible
from auto_migrate.operations import Backfill
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts, Site
from auto_migrate.safety.suggestions import comment

REVERSE_PYTHON = """\
{comment}migrations.RunPython({name}, migrations.RunPython.noop)"""
REVERSE_SQL = 'migrations.RunSQL("…", reverse_sql=migrations.RunSQL.noop)'


class Irreversible(Hazard):
    code = "AM504"
    slug = "irreversible"
    title = gettext_noop("An operation cannot be unapplied")
    harm = Harm.RISKS
    vendors = EVERYWHERE

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Return the operations that no migration can be unapplied with; how large a table is makes no difference."""
        # Who unapplies is told by the plan itself, which is refused.
        for read in () if migration.backwards else migration.operations:
            operation = irreversible(read.operation)
            # What a backfill puts into a column that nobody wrote before goes with the column.
            if operation is not None and not isinstance(operation, Backfill):
                problem = _(
                    "“{operation}” has no reverse: neither this migration nor one before it can be unapplied, and who "
                    "has to go back restores a backup."
                )
                yield Found("", problem.format(operation=read.operation.describe()), instead(operation), read.index)

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def instead(operation: Operation) -> str:
    """Return the operation with its reverse, for those that take one."""
    if isinstance(operation, ops.RunPython):
        name = getattr(operation.code, "__name__", "function")
        told = _("A function that takes back what {name} does, or noop where nothing has to be:").format(name=name)
        return REVERSE_PYTHON.format(name=name, comment=comment(told))
    if isinstance(operation, ops.RunSQL):
        return comment(_("What takes the SQL back, or noop where nothing has to be:")) + REVERSE_SQL
    return ""

"""AM301: a column goes, with all that is in it, while the running release still uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations import RemoveField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DropColumn
from auto_migrate.conf import get_settings
from auto_migrate.safety.bridged import is_served
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.late import is_declared_late, late, late_sql, runs_late, with_options
from auto_migrate.safety.suggestions import comment, model_name, written

FORGET = """\
{now}operations = [
    migrations.SeparateDatabaseAndState(
        {loosen}state_operations=[migrations.RemoveField("{model}", "{field}")],
    ),
]

{later}{drop}"""
LOOSEN = """\
database_operations=[migrations.AlterField("{model}", "{field}", {definition})],
        """


class ColumnDropped(Hazard):
    code = "AM301"
    slug = "column-dropped"
    title = gettext_noop("A column is dropped with all its values")
    harm = Harm.LOSES_DATA
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DropColumn) or is_prepared(change, site):
            return
        if site.is_new_column(change.table, change.column):
            return
        yield Found(
            change.table,
            problem(change, site).format(table=change.table, column=change.column),
            late(site) if waits(change, site) else instead(change, site.operation.operation),
        )


def is_prepared(change: DropColumn, site: Site) -> bool:
    """Return whether the migration says that nobody uses the column any more, and nothing speaks against it."""
    return is_declared_late(site.migration) and not hinders(change, site)


def waits(change: DropColumn, site: Site) -> bool:
    """Return whether the column goes when the old code is gone, and the new code can do without it until then."""
    return get_settings().PHASES and runs_late(site.migration) and not hinders(change, site)


def hinders(change: DropColumn, site: Site) -> bool:
    """Return whether the new code cannot write a row as long as the column is there."""
    return change.required and not is_served(change, site.server.vendor, late=True)


def problem(change: DropColumn, site: Site) -> str:
    """Say what is lost, and who cannot go on."""
    if waits(change, site):
        return _(
            "The values of {table}.{column} are gone for good. It waits until the old code is gone, so nobody else is "
            'hurt: declare phase = "post_deploy" if they may go.'
        )
    if get_settings().PHASES and runs_late(site.migration):
        return _(
            "The values of {table}.{column} are gone for good. Until then the column takes no NULL and has no default, "
            "so the new code, which does not know it, cannot write a row."
        )
    return _(
        "The values of {table}.{column} are gone for good, and every query of the running release that names the "
        "column fails: Django's models name all their columns."
    )


def instead(change: DropColumn, operation: Any) -> str:
    """Return the two steps: first the code forgets the field, then the column goes."""
    drop = late_sql(f"ALTER TABLE {change.table} DROP COLUMN {change.column}", "AM301")
    if not isinstance(operation, RemoveField):
        return drop
    comments = {
        "now": comment(_("In this release: the code forgets the field, and new rows may do without it.")),
        "later": comment(_("In a later one, when no running code knows the field:")),
    }
    names = {"model": model_name(change.model), "field": change.field}
    loosen = (
        LOOSEN.format(**names, definition=written(loosened(change))) if change.required or change.references else ""
    )
    return FORGET.format(**comments, **names, loosen=loosen, drop=drop)


def loosened(change: DropColumn) -> Any:
    """Return the field as code that does not know it can live with."""
    # Deleting what a forgotten foreign key points to would fail, since Django no longer knows what to delete with it.
    unbound = {"db_constraint": False} if change.references else {}
    return with_options(change.definition, null=True, **unbound)

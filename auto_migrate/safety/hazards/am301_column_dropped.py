"""AM301: a column goes, with all that is in it, while the running release still uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations import RemoveField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DropColumn
from auto_migrate.changes.sql.quoting import quoted_name, quoted_table
from auto_migrate.safety.after_deploy import late_sql, loosened, with_what_loosens
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
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
        decision = site.migration.decision
        if not isinstance(change, DropColumn) or (decision.declared and decision.waits):
            return
        if site.is_new_column(change.table, change.column):
            return
        yield Found(
            change.table,
            problem(is_late=decision.waits).format(table=change.table, column=change.column),
            instead_late(change, site) if decision.waits else instead(change, site.operation.operation),
        )


def problem(*, is_late: bool) -> str:
    """Say what is lost, and who cannot go on unless it waits until the old code is gone."""
    if is_late:
        return _(
            "The values of {table}.{column} are gone for good. It waits until the old code is gone, so the running "
            'release is not hurt: declare phase = "post_deploy" if they may go.'
        )
    return _(
        "The values of {table}.{column} are gone for good, and every query of the running release that names the "
        "column fails: Django's models name all their columns."
    )


def instead_late(change: DropColumn, site: Site) -> str:
    """Return the same when the old code is gone, with what the new code cannot wait for before it."""
    needed = change.definition is not None and (change.required or change.references)
    fields = [change.definition] if needed else []
    return with_what_loosens(site, "AM301", model_name(change.model), fields)


def instead(change: DropColumn, operation: Any) -> str:
    """Return the two steps: first the code forgets the field, then the column goes."""
    drop = late_sql(f"ALTER TABLE {quoted_table(change.table)} DROP COLUMN {quoted_name(change.column)}", "AM301")
    if not isinstance(operation, RemoveField):
        return drop
    comments = {
        "now": comment(_("In this release: the code forgets the field, and new rows may do without it.")),
        "later": comment(_("In a later one, when no running code knows the field:")),
    }
    names = {"model": model_name(change.model), "field": change.field}
    loosen = ""
    if change.required or change.references:
        loosen = LOOSEN.format(**names, definition=written(loosened(change.definition)))
    return FORGET.format(**comments, **names, loosen=loosen, drop=drop)

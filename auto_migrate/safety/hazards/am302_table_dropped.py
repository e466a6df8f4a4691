"""AM302: a table goes, with all that is in it, while the running release still uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations import DeleteModel, RemoveField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DropTable
from auto_migrate.changes.sql.quoting import quoted_table
from auto_migrate.safety.after_deploy import late_sql, with_options
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment, model_name, written

FORGET = """\
{now}operations = [
    migrations.SeparateDatabaseAndState(
        {unbind}state_operations=[{forget}],
    ),
]

{later}{drop}"""
UNBIND = """\
{comment}        database_operations=[{unbound}],
        """
KEYS = gettext_noop(
    "Foreign keys that nobody knows of keep rows from being deleted: AlterField each to db_constraint=False."
)


class TableDropped(Hazard):
    code = "AM302"
    slug = "table-dropped"
    title = gettext_noop("A table is dropped with all its rows")
    harm = Harm.LOSES_DATA
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        decision = site.migration.decision
        if not isinstance(change, DropTable) or (decision.declared and decision.waits):
            return
        problem = _("The rows of {table} are gone for good, and every query of the running release on it fails.")
        yield Found(change.table, problem.format(table=change.table), instead(change, site.operation.operation))


def instead(change: DropTable, operation: Any) -> str:
    """Return the two steps: first the code forgets the model or the many-to-many field, then the table goes."""
    if change.table.endswith("*"):
        # Which tables that are only the database knows.
        return ""
    drop = late_sql(f"DROP TABLE {quoted_table(change.table)}", "AM302")
    if isinstance(operation, RemoveField):
        forget = f'migrations.RemoveField("{operation.model_name.lower()}", "{operation.name}")'
        now = _("In this release: the code forgets the field, and the table stays.")
        later = _("In a later one, when no running code knows the field:")
        return FORGET.format(now=comment(now), later=comment(later), forget=forget, unbind="", drop=drop)
    if isinstance(operation, DeleteModel) and model_name(change.model) == operation.name_lower:
        forget = f'migrations.DeleteModel("{operation.name}")'
        now = _("In this release: the code forgets the model, and the table stays.")
        later = _("In a later one, when no running code knows the model:")
        unbind = UNBIND.format(comment=comment(_(KEYS)), unbound=unbound(change)) if change.references else ""
        return FORGET.format(now=comment(now), later=comment(later), forget=forget, unbind=unbind, drop=drop)
    return drop


def unbound(change: DropTable) -> str:
    """Write what takes the foreign keys of a model away."""
    keys = [field for field in change.definition._meta.local_fields if field.remote_field and field.db_constraint]
    model = model_name(change.model)
    loose = (with_options(field, db_constraint=False) for field in keys)
    return ", ".join(
        f'migrations.AlterField("{model}", "{field.name}", {written(free)})'
        for field, free in zip(keys, loose, strict=True)
    )

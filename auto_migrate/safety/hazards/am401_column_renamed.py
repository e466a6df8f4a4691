"""AM401: a column gets another name, and the running release knows only the old one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations import RenameField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, RenameColumn, RenameTable
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.safety.after_deploy import with_options
from auto_migrate.safety.becoming_key import becomes_key, key_beside
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment, model_name, written

KEEP_COLUMN = """\
{comment}operations = [
    migrations.AlterField("{model}", "{old}", {definition}),
    migrations.RenameField("{model}", "{old}", "{new}"),
]"""


class ColumnRenamed(Hazard):
    code = "AM401"
    slug = "column-renamed"
    title = gettext_noop("A column that the running release uses is renamed")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, RenameColumn) or comes_with_a_table(site):
            return
        if site.is_new_column(change.table, change.column):
            return
        problem = _(
            "From the moment that {table}.{column} is called {to}, every query of the running release that names the "
            "column fails, and should the new release be taken back, its predecessor fails as well."
        )
        names = {"table": change.table, "column": change.column, "to": change.to}
        yield Found(change.table, problem.format(**names), instead(change, site.operation))


def comes_with_a_table(site: Site) -> bool:
    """Return whether the column is renamed because its model is, of which AM402 tells."""
    return any(isinstance(change, RenameTable) for change in site.operation.changes)


def instead(change: RenameColumn, read: OperationChanges) -> str:
    """Return a field with another name on the same column, or one beside it where it becomes a foreign key."""
    operation: Any = read.operation
    if change.definition is None:
        return ""
    if becomes_key(read):
        return key_beside(change.model, change.field, operation.field)
    definition = written(with_options(change.definition, db_column=change.column))
    if not isinstance(operation, RenameField):
        return f"{change.field} = {definition}"
    names = {"old": operation.old_name, "new": operation.new_name, "definition": definition}
    told = comment(_("Rename the field and keep its column; in the model: {new} = {definition}").format(**names))
    return KEEP_COLUMN.format(**names, model=model_name(change.model), comment=told)

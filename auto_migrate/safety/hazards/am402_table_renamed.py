"""AM402: a table gets another name, and the running release knows only the old one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.db.migrations import AlterModelTable, RenameModel
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, RenameTable
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment, quoted

KEEP_TABLE = """\
{comment}operations = [
    migrations.AlterModelTable("{old}", {table}),
    migrations.RenameModel("{old}", "{new}"),
]"""


class TableRenamed(Hazard):
    code = "AM402"
    slug = "table-renamed"
    title = gettext_noop("A table that the running release uses is renamed")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        renamed = [one for one in site.operation.changes if isinstance(one, RenameTable)]
        # Tables of many-to-many fields are renamed with their model's, and make no trouble of their own.
        if not isinstance(change, RenameTable) or change is not renamed[0]:
            return
        problem = _(
            "From the moment that {table} is called {to}, every query of the running release on it fails, and should "
            "the new release be taken back, its predecessor fails as well."
        )
        found = Found(change.table, problem.format(table=change.table, to=change.to), instead(change, site))
        yield dataclasses.replace(found, others=tuple(one.table for one in renamed[1:]))


def instead(change: RenameTable, site: Site) -> str:
    """Return a model with another name on the same table."""
    operation: Any = site.operation.operation
    if isinstance(operation, RenameModel):
        told = comment(
            _("Rename the model and keep its table; in its Meta: db_table = {table}").format(table=quoted(change.table))
        )
        return KEEP_TABLE.format(
            comment=told, table=quoted(change.table), old=operation.old_name, new=operation.new_name
        )
    return f"class Meta:\n    db_table = {quoted(change.table)}" if isinstance(operation, AlterModelTable) else ""

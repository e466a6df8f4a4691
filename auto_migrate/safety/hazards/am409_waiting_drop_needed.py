"""AM409: a column or table is left until the old code is gone, and the new code cannot work beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, DropColumn, DropTable
from auto_migrate.safety.after_deploy import with_what_loosens
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site


class WaitingDropNeeded(Hazard):
    code = "AM409"
    slug = "waiting-drop-needed"
    title = gettext_noop("What is dropped only after the deploy keeps the new release from writing")
    harm = Harm.BREAKS
    vendors = EVERYWHERE
    while_waiting = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, DropColumn | DropTable) or not site.migration.decision.waits:
            return
        if isinstance(change, DropColumn) and site.is_new_column(change.table, change.column):
            return
        names = {"table": change.table, "column": getattr(change, "column", ""), "references": referenced(change)}
        told = [text.format(**names) for text in problems(change)]
        if told:
            yield Found(change.table, " ".join(told), instead(change, site))


def problems(change: DropColumn | DropTable) -> Iterator[str]:
    """Say what the new code, which does not know the column or table, cannot do as long as it is there."""
    if isinstance(change, DropColumn) and change.required:
        yield _(
            "{table}.{column} goes only when the old code is gone. Until then it takes no NULL and the database fills "
            "in nothing, so the new code, which does not know it, cannot write a row."
        )
    if referenced(change):
        yield _(
            "The foreign key of {table} to {references} goes only when the old code is gone. Until then the database "
            "refuses to delete a row that it points to, and the new code, which does not know it, deletes nothing with "
            "it."
        )


def referenced(change: DropColumn | DropTable) -> str:
    """Name the tables that the foreign keys point to."""
    return change.references if isinstance(change, DropColumn) else ", ".join(change.own_references)


def instead(change: DropColumn | DropTable, site: Site) -> str:
    """Return what loosens it before the deploy, and the same after it."""
    return with_what_loosens(site, "AM409", *what_binds(change)) if change.definition is not None else ""


def what_binds(change: DropColumn | DropTable) -> tuple[str, list[Any]]:
    """Return the model and its fields that the new code cannot live with."""
    definition: Any = change.definition
    if hasattr(definition, "_meta"):
        bound = [field for field in definition._meta.local_fields if field.remote_field and field.db_constraint]
        return definition._meta.model_name, bound
    return definition.model._meta.model_name, [definition]

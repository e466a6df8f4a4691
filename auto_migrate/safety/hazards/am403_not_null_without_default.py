"""AM403: a new column takes no NULL and is not filled by the database, so that the running release cannot insert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.migrations import AddField
from django.db.models import NOT_PROVIDED
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, Change, DropColumn, DropNotNull, SetDefault
from auto_migrate.safety.after_deploy import with_options
from auto_migrate.safety.bridged import with_obstacle
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment, model_name, written

ADD = """\
{comment}operations = [
    migrations.AddField("{model}", "{field}", {definition}),
]"""


class NotNullWithoutDefault(Hazard):
    code = "AM403"
    slug = "not-null-without-default"
    title = gettext_noop("A new column is required and has no default in the database")
    harm = Harm.BREAKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, AddColumn) or change.null or change.keeps_default or is_filled_later(change, site):
            return
        problem = _(
            "The running release does not know {table}.{column} and leaves it out: each of its INSERTs fails. Django "
            "fills old rows with its default and drops that again; only db_default stays."
        )
        names = {"table": change.table, "column": change.column}
        told = with_obstacle(problem.format(**names), change, site)
        yield Found(change.table, told, instead(change, site.operation.operation))


def is_filled_later(change: AddColumn, site: Site) -> bool:
    """Return whether the same transaction gives the column a default, or lets it be NULL, or drops it again."""
    if not site.migration.migration.atomic:
        return False
    changes = [one for _operation, one in site.migration.changes()]
    before = next(place for place, one in enumerate(changes) if one is change)
    fills = (one for one in changes[before:] if isinstance(one, SetDefault | DropNotNull | DropColumn))
    return any((one.table, one.column) == (change.table, change.column) for one in fills)


def instead(change: AddColumn, operation: Any) -> str:
    """Return the field with a default that the database keeps, or one that may be empty."""
    # A default that only fills old rows is the operation's, and none of the model's.
    field = operation.field if isinstance(operation, AddField) else change.definition
    if field is None:
        return ""
    options = lenient(field)
    if not getattr(operation, "preserve_default", True):
        options["default"] = NOT_PROVIDED
    definition = written(with_options(field, **options))
    told = comment(_("In the model: {field} = {definition}").format(field=change.field, definition=definition))
    return ADD.format(comment=told, model=model_name(change.model), field=change.field, definition=definition)


def lenient(field: Any) -> dict[str, Any]:
    """Return the options with which a writer can leave the field out."""
    if field.remote_field or field.primary_key:
        return {"null": True}
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return {"db_default": Now()}
    if field.has_default() and not callable(field.default):
        return {"db_default": field.default}
    return {"db_default": ""} if field.blank and field.empty_strings_allowed else {"null": True}

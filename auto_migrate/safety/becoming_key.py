"""A plain field that becomes a foreign key, which changes its column in several ways and has one answer."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations import AlterField
from django.utils.translation import gettext as _

from auto_migrate.changes.change import AlterType, RenameColumn
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.safety.after_deploy import with_options
from auto_migrate.safety.suggestions import batches, comment, fitting, in_turn, migration, model_name, written


def becomes_key(read: OperationChanges) -> bool:
    """Return whether an operation makes a foreign key of a plain field whose column is of no use for it."""
    if not isinstance(read.operation, AlterField) or not read.operation.field.remote_field:
        return False
    return any(old is not None and not old.remote_field for old in map(field_before, read.changes))


def field_before(change: Any) -> Any:
    """Return the field as it was, None if the change does not tell."""
    if isinstance(change, RenameColumn):
        return change.definition
    return change.old_definition if isinstance(change, AlterType) else None


def key_beside(model: str, field: str, definition: Any) -> str:
    """Return the foreign key as a field of its own beside the plain one."""
    name, label = fitting(field, "new"), model_name(model)
    key = with_options(definition, null=True, db_index=False, db_column=None)
    index = f'models.Index(fields=["{name}"], name="{label[:12]}_{field[:12]}_new")'
    filled = f"{field}__isnull=False, {name}__isnull=True"
    return in_turn(
        migration(f'migrations.AddField("{label}", "{name}", {written(key)})'),
        comment(_("The index in the model's Meta.indexes as well."))
        + migration(f'AddIndexConcurrently("{label}", {index})', atomic=False),
        comment(_("Release code that writes both fields. Copy when the code that writes the old one alone is gone."))
        + batches(model, filled, f'update({name}=models.F("{field}"))', late=True),
        comment(_("Release code that uses the new field alone; remove the old one with the release after that.")),
    )

"""What differs between two states of a field, as far as the database has to know."""

from __future__ import annotations

import copy
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# The pseudo-attribute of a field that is of another class.
KIND = "class"

# What is said of a column beside its type and collation.
BESIDE_TYPE = frozenset(
    {
        "db_column", "db_comment", "db_constraint", "db_default", "db_index", "default", "null", "parent_link",
        "primary_key", "to", "to_field", "unique",
    }
)  # fmt: skip


def changes_in_database(old: Any, new: Any, name: str) -> set[str]:
    """Name the attributes in which a field and the one that takes its place differ, none if nothing is to be done.

    Follows `BaseDatabaseSchemaEditor._field_should_be_altered`; neither need be bound to a model.
    """
    before, after = described(old), described(new)
    changes = {attribute for attribute in before | after if before.get(attribute) != after.get(attribute)}
    if old.many_to_many or named(old, name).column == named(new, name).column:
        changes.discard("db_column")
    if not old.remote_field:
        # A default lives in Python; only what fills old rows needs one, and that is seen by `null`.
        changes.discard("default")
    return changes


def changes_type(changes: set[str]) -> bool:
    """Return whether the column may get another type or collation."""
    return not changes <= BESIDE_TYPE


def described(field: Any) -> dict[str, Any]:
    """Return what a field is made of, without what the database never sees."""
    _name, path, arguments, keywords = field.deconstruct()
    seen = {attribute: value for attribute, value in keywords.items() if attribute not in field.non_db_attrs}
    if isinstance(seen.get("to"), str):
        seen["to"] = seen["to"].lower()
    return {
        **seen,
        KIND: (path, arguments),
        "db_index": getattr(field, "db_index", False),
        "db_column": field.db_column,
    }


def named(field: Any, name: str) -> Any:
    """Return the field as a model would have it under this name, though no model has it."""
    # A clone would be made anew from what `deconstruct` gives, and some fields take long to make.
    found = copy.copy(field)
    found.set_attributes_from_name(name)
    return found


def column_before(operation: Any, app_label: str, state: ProjectState) -> Any:
    """Return the field that an `AlterField` alters, as the state has it; None for one that more than itself decides.

    A relation's column is of the type of what it points to, and what a default makes of the database's own functions
    is told with the model.
    """
    model = state.models.get((app_label, operation.model_name_lower))
    before = model.fields.get(operation.name) if model is not None else None
    for field in (before, operation.field):
        if field is None or field.is_relation or field.db_default is not models.NOT_PROVIDED:
            return None
    return before


def is_for_python(operation: Operation, app_label: str, state: ProjectState, editor: BaseDatabaseSchemaEditor) -> bool:
    """Return whether an operation alters a field in a way that Django's schema editor would do nothing about.

    Half of all alterations are of a label, a help text or choices. The editor itself is asked whether there is anything
    to do, so that no model has to be rendered to find out.
    """
    if type(operation).database_forwards is not ops.AlterField.database_forwards:
        return False
    if type(editor).alter_field is not BaseDatabaseSchemaEditor.alter_field:
        return False
    before = column_before(operation, app_label, state)
    if before is None:
        return False
    old, new = (named(field, operation.name) for field in (before, operation.field))  # type: ignore[attr-defined] # AlterField has both
    return not editor._field_should_be_altered(old, new)  # type: ignore[attr-defined] # Django's own question

"""What differs between two states of a field, as far as the database has to know."""

from __future__ import annotations

from typing import Any

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

    Follows `BaseDatabaseSchemaEditor._field_should_be_altered`; `new` need not be bound to a model.
    """
    before, after = described(old), described(new)
    changes = {attribute for attribute in before | after if before.get(attribute) != after.get(attribute)}
    if old.many_to_many or old.column == column_of(new, name):
        changes.discard("db_column")
    if not old.remote_field:
        # A default lives in Python; only what fills old rows needs one, and that is seen by `null`.
        changes.discard("default")
    return changes


def changes_type(changes: set[str]) -> bool:
    """Tell whether the column may get another type or collation."""
    return not changes <= BESIDE_TYPE


def described(field: Any) -> dict[str, Any]:
    """Give what a field is made of, without what the database never sees."""
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


def column_of(field: Any, name: str) -> str | None:
    """Name the column of a field that no model has yet."""
    bound = field.clone()
    bound.set_attributes_from_name(name)
    column: str | None = bound.column
    return column

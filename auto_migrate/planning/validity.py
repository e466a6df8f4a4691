"""What constraints say of the rows that are there, so that PostgreSQL need not read them to know it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint, Q

from auto_migrate.planning.changes import AddConstraint, Change, DropConstraint, SetNotNull, ValidateConstraint


class Validity:
    """Follows which constraints a plan adds NOT VALID and has not validated yet: they prove nothing."""

    def __init__(self) -> None:
        self._references: dict[tuple[str, str], str] = {}

    def tell(self, change: Change, before: ProjectState) -> Change:
        """Take note of a change, and give it with what constraints mean for it in the state before it."""
        if isinstance(change, SetNotNull):
            return dataclasses.replace(change, proven_by=self._proof(change, before))
        if isinstance(change, AddConstraint) and not change.valid:
            self._references[change.table, change.name] = change.references
        elif isinstance(change, ValidateConstraint):
            references = self._references.pop((change.table, change.name), "")
            return dataclasses.replace(change, references=references)
        elif isinstance(change, DropConstraint):
            self._references.pop((change.table, change.name), None)
        return change

    def _proof(self, change: SetNotNull, state: ProjectState) -> str:
        app_label, _dot, name = change.model.rpartition(".")
        model = state.models.get((app_label, name.lower()))
        proofs = proofs_of(model, change.column) if model is not None else ()
        return next((name for name in proofs if (change.table, name) not in self._references), "")


def proofs_of(model: ModelState, column: str) -> Iterator[str]:
    """Name the CHECK constraints that let no NULL into a column (`NotNullImpliedByRelConstraints`)."""
    names = [name for name, field in model.fields.items() if column in {field.db_column, *columns_of(name, field)}]
    for constraint in model.options.get("constraints", ()):
        if isinstance(constraint, CheckConstraint) and any(refuses_null(constraint.condition, name) for name in names):
            yield constraint.name


def columns_of(name: str, field: Any) -> tuple[str, ...]:
    """Give the column that a field has if it does not say."""
    if field.db_column:
        return ()
    return (f"{name}_id" if field.remote_field else name,)


def refuses_null(condition: Any, field: str) -> bool:
    """Tell whether a condition says, among what it says, that a field is not NULL."""
    if not isinstance(condition, Q):
        return bool(condition == (f"{field}__isnull", False))
    if condition.negated:
        return condition.children in ([(f"{field}__isnull", True)], [(field, None)])
    if condition.connector != Q.AND and len(condition.children) > 1:
        return False
    return any(refuses_null(child, field) for child in condition.children)

"""What constraints say of the rows that are there, so that PostgreSQL need not read them to know it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint, Q

from auto_migrate.changes.change import AddConstraint, Change, DropConstraint, SetNotNull, ValidateConstraint
from auto_migrate.changes.sql.catalog import Catalog


class Validity:
    """Follows which constraints are NOT VALID, in the database or by the plan: they prove nothing."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._known = Catalog(connection, {})
        self._references: dict[tuple[str, str], str] = {}
        # Those to which the plan itself holds all rows.
        self._validated: set[tuple[str, str]] = set()

    def tell(self, change: Change, before: ProjectState) -> Change:
        """Take note of a change, and give it with what constraints mean for it in the state before it."""
        if isinstance(change, SetNotNull):
            return dataclasses.replace(change, proven_by=self._proof(change, before))
        if isinstance(change, AddConstraint) and not change.valid:
            self._references[change.table, change.name] = change.references
        elif isinstance(change, AddConstraint):
            self._validated.add((change.table, change.name))
        elif isinstance(change, ValidateConstraint):
            self._validated.add((change.table, change.name))
            references = self._references.pop((change.table, change.name), "")
            return dataclasses.replace(change, references=references)
        elif isinstance(change, DropConstraint):
            self._references.pop((change.table, change.name), None)
        return change

    def _proof(self, change: SetNotNull, state: ProjectState) -> str:
        app_label, _dot, name = change.model.rpartition(".")
        model = state.models.get((app_label, name.lower()))
        proofs = proofs_of(model, change.column) if model is not None else ()
        return next((name for name in proofs if self._proves(change.table, name)), "")

    def _proves(self, table: str, name: str) -> bool:
        if (table, name) in self._references:
            return False
        return (table, name) in self._validated or not self._known.is_unvalidated(table, name)


def proofs_of(model: ModelState, column: str) -> Iterator[str]:
    """Name the CHECK constraints that let no NULL into a column (`NotNullImpliedByRelConstraints`)."""
    names = [name for name, field in model.fields.items() if column in {field.db_column, *columns_of(name, field)}]
    for constraint in model.options.get("constraints", ()):
        if isinstance(constraint, CheckConstraint) and any(refuses_null(constraint.condition, name) for name in names):
            yield constraint.name


def columns_of(name: str, field: Any) -> tuple[str, ...]:
    """Return the column that a field has if it does not say."""
    if field.db_column:
        return ()
    return (f"{name}_id" if field.remote_field else name,)


def refuses_null(condition: Any, field: str) -> bool:
    """Return whether a condition says, among what it says, that a field is not NULL."""
    if not isinstance(condition, Q):
        return bool(condition == (f"{field}__isnull", False))
    if condition.negated:
        return condition.children in ([(f"{field}__isnull", True)], [(field, None)])
    if condition.connector != Q.AND and len(condition.children) > 1:
        return False
    return any(refuses_null(child, field) for child in condition.children)

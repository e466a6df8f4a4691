"""What constraints say of the rows that are there, so that PostgreSQL need not read them to know it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import CheckConstraint, Q
from django.utils.translation import gettext as _

from auto_migrate.changes.change import (
    AddConstraint,
    Change,
    CreateIndex,
    DropConstraint,
    OpaqueChange,
    SetNotNull,
    ValidateConstraint,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.catalog import Catalog

# A table, and what is within it.
Name = tuple[str, str]


class Validity:
    """Follows which constraints are NOT VALID, in the database or by the plan: they prove nothing."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._known = Catalog(connection, {})
        self._references: dict[Name, str] = {}
        # Those to which the plan itself holds all rows, those that it drops, and what they say of NULL.
        self._validated: set[Name] = set()
        self._dropped: set[Name] = set()
        self._refusing: dict[Name, tuple[str, ...]] = {}
        self._indexes: dict[str, tuple[str, ...]] = {}
        self._not_null: set[Name] = set()

    def tell(self, change: Change, before: ProjectState) -> Iterator[Change]:
        """Take note of a change, and give it with what constraints mean for it in the state before it."""
        match change:
            case SetNotNull():
                change = dataclasses.replace(change, proven_by=self._proof(change, before))
                self._not_null.add((change.table, change.column))
            case AddConstraint():
                yield from self._not_null_of_key(change, before)
                self._add(change)
            case ValidateConstraint():
                self._validated.add((change.table, change.name))
                references = self._references.pop((change.table, change.name), "")
                change = dataclasses.replace(change, references=references)
            case DropConstraint():
                self._references.pop((change.table, change.name), None)
                self._dropped.add((change.table, change.name))
            case CreateIndex():
                self._indexes[change.name] = change.columns
        yield change

    def _add(self, change: AddConstraint) -> None:
        name = change.table, change.name
        self._refusing[name] = change.not_null
        self._dropped.discard(name)
        if change.valid:
            self._validated.add(name)
        else:
            self._validated.discard(name)
            self._references[name] = change.references

    def _not_null_of_key(self, change: AddConstraint, state: ProjectState) -> Iterator[Change]:
        """Return that the columns of an index that becomes the key refuse NULL (`index_check_primary_key`)."""
        if not (change.kind is ConstraintKind.PRIMARY_KEY and change.using_index):
            return
        columns = self._indexes.get(change.index) or self._known.columns_of_index(change.index)
        if not columns:
            reason = _("only the database knows whether the columns of the index {index} may hold NULL")
            yield OpaqueChange(
                table="",
                text=f"ALTER TABLE {change.table} ADD PRIMARY KEY USING INDEX {change.index}",
                reason=reason.format(index=change.index),
            )
        for column in columns:
            if self._may_hold_null(change, column, state):
                yield from self.tell(SetNotNull(table=change.table, model=change.model, column=column), state)

    def _may_hold_null(self, change: AddConstraint, column: str, state: ProjectState) -> bool:
        there = self._known.column(change.table, column)
        if (change.table, column) in self._not_null or (there is not None and there.not_null):
            return False
        fields = field_of(model_of(change, state), column) if there is None else None
        return fields is None or bool(fields.null)

    def _proof(self, change: SetNotNull, state: ProjectState) -> str:
        model = model_of(change, state)
        proofs = proofs_of(model, change.column) if model is not None else ()
        known = (name for name in proofs if self._proves(change.table, name))
        by_sql = (
            name
            for (table, name), columns in self._refusing.items()
            if table == change.table and change.column in columns and (table, name) in self._validated - self._dropped
        )
        live = (
            name
            for name in self._known.proofs_of_not_null(change.table, change.column)
            if (change.table, name) not in self._dropped
        )
        return next(itertools.chain(known, by_sql, live), "")

    def _proves(self, table: str, name: str) -> bool:
        if (table, name) in self._references or (table, name) in self._dropped:
            return False
        return (table, name) in self._validated or not self._known.is_unvalidated(table, name)


def model_of(change: Change, state: ProjectState) -> ModelState | None:
    """Return the model of a change's table as a state has it."""
    app_label, _dot, name = change.model.rpartition(".")
    return state.models.get((app_label, name.lower()))


def field_of(model: ModelState | None, column: str) -> Any:
    """Return the field of a column, None where no model tells."""
    fields = model.fields.items() if model is not None else ()
    return next((field for name, field in fields if column in {field.db_column, *columns_of(name, field)}), None)


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

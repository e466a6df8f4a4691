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
    AlterType,
    Change,
    CreateIndex,
    DropConstraint,
    DropIndex,
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
        self._indexes: dict[str, CreateIndex] = {}
        self._not_null: set[Name] = set()
        # Tables that have other indexes by now than the database says.
        self._unindexed: set[str] = set()

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
                self._unindexed.add(change.table)
            case AlterType():
                change = dataclasses.replace(change, indexed=self._is_indexed(change, before))
            case DropIndex():
                self._unindexed.add(change.table)
            case CreateIndex():
                self._indexes[change.name] = change
        yield change

    def _is_indexed(self, change: AlterType, state: ProjectState) -> bool | None:
        made = (index for index in self._indexes.values() if index.table == change.table)
        by_plan = any(change.column in index.columns for index in made)
        known = None if change.table in self._unindexed else self._known.is_indexed(change.table, change.column)
        if by_plan or known is not None or change.definition is not None:
            return by_plan or known
        model = model_of(change, state)
        name, field = named_field_of(model, change.column)
        return None if model is None or field is None else is_indexed(model, name, field)

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
        made = self._indexes.get(change.index)
        columns = made.columns if made is not None else self._known.columns_of_index(change.index)
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
    return named_field_of(model, column)[1]


def named_field_of(model: ModelState | None, column: str) -> tuple[str, Any]:
    """Return the field of a column and its name, None where no model tells."""
    fields = model.fields.items() if model is not None else ()
    found = ((name, field) for name, field in fields if column in {field.db_column, *columns_of(name, field)})
    return next(found, ("", None))


def is_indexed(model: ModelState, name: str, field: Any) -> bool:
    """Return whether a model has an index that uses a field, as far as that is written in it."""
    options = model.options
    indexes = [*options.get("indexes", ()), *options.get("constraints", ())]
    if any(getattr(index, "expressions", ()) for index in indexes if not is_check(index)):
        # What an expression uses nobody has looked up.
        return True
    named = {one.removeprefix("-") for index in indexes for one in getattr(index, "fields", ())}
    together = {one for group in options.get("unique_together", ()) for one in group}
    return bool(field.unique or field.db_index or name in named | together)


def is_check(index: Any) -> bool:
    """Return whether a constraint has no index."""
    return isinstance(index, CheckConstraint)


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

"""A schema editor that changes nothing: it keeps a record of what Django's operations ask of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.constraints import BaseConstraint

from auto_migrate.changes.alter_field import alterations
from auto_migrate.changes.bridgeable import obstacle_of_default
from auto_migrate.changes.change import (
    AddConstraint,
    Change,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    OpaqueChange,
    RenameTable,
    RewriteTable,
)
from auto_migrate.changes.columns import added, constrained_table, is_required, keys_dropped
from auto_migrate.changes.constraints import as_unique_index, columns_named, columns_of, kind_of
from auto_migrate.changes.indexes import indexes_of

Together = Iterable[tuple[str, ...]]


class RecordingSchemaEditor:
    """Stand in for a schema editor: `changes` are what it was asked for, in order, and nothing is sent.

    `editor` is the database's own, which is never entered: its rules and names are what Django would go by. `labels`
    give the models that an operation renames, new to old.
    """

    def __init__(self, connection: BaseDatabaseWrapper, labels: Mapping[str, str]) -> None:
        self.connection: Any = connection
        self.editor: Any = connection.SchemaEditorClass(connection)
        self.labels = labels
        self.changes: list[Change] = []
        self.renamed: dict[str, str] = {}

    def create_model(self, model: Any) -> None:
        """Record a new table and those of its many-to-many fields."""
        self.changes.append(
            CreateTable(**named(model), references=self._referenced(model), names=tuple(names_within(model)))
        )
        for field in automatic_tables(model):
            self.create_model(field.remote_field.through)

    def delete_model(self, model: Any) -> None:
        """Record that a table goes, and those of its many-to-many fields before it."""
        for field in automatic_tables(model):
            self._drop_table(field.remote_field.through, field)
        self._drop_table(model, model)

    def _drop_table(self, model: Any, definition: Any) -> None:
        self.changes.append(
            DropTable(**named(model), references=self._referenced(model), cascades=True, definition=definition)
        )

    def alter_db_table(self, model: Any, old_db_table: str, new_db_table: str) -> None:
        """Record that a table gets another name."""
        if old_db_table != new_db_table:
            self.renamed[old_db_table] = new_db_table
            label = model._meta.label
            self.changes.append(
                RenameTable(table=old_db_table, model=self.labels.get(label, label), to=new_db_table, new_model=label)
            )

    def add_field(self, model: Any, field: Any) -> None:
        """Record a new column with its indexes, or the table of a many-to-many field."""
        if has_automatic_table(field):
            self.create_model(field.remote_field.through)
        elif self._has_column(field):
            obstacle = obstacle_of_default(field, self.editor)
            self.changes.append(dataclasses.replace(added(model, field, self.editor), obstacle=obstacle))
            self.changes += indexes_of(model, field, self.editor)

    def remove_field(self, model: Any, field: Any) -> None:
        """Record that a column goes, or the table of a many-to-many field."""
        if has_automatic_table(field):
            self._drop_table(field.remote_field.through, field)
        elif self._has_column(field):
            self.changes += keys_dropped(field, self.editor)
            self.changes.append(
                DropColumn(
                    **named(model),
                    column=field.column,
                    field=field.name,
                    references=constrained_table(field, self.editor),
                    required=is_required(field, self.editor),
                    # Up to 5.2, Django says so of each column.
                    cascades="CASCADE" in self.editor.sql_delete_column,
                    definition=field,
                )
            )

    def alter_field(self, model: Any, old_field: Any, new_field: Any, strict: bool = False) -> None:
        """Record what takes a column, or the table of a many-to-many field, from one field to another."""
        if not self.editor._field_should_be_altered(old_field, new_field):
            return
        with_column = [self._has_column(field) for field in (old_field, new_field)]
        with_table = [has_automatic_table(field) for field in (old_field, new_field)]
        if with_column[0] != with_column[1] or with_table[0] != with_table[1]:
            raise ValueError(f"Cannot alter field {old_field} into {new_field}: they are not of compatible types.")
        if all(with_column):
            self.changes += alterations(model, old_field, new_field, self.editor, self.renamed)
            if self._is_sqlite and not self._only_renames(model, old_field, new_field):
                self.changes.append(RewriteTable(**named(model), command=None))
        elif all(with_table):
            self._alter_many_to_many(model, old_field, new_field, strict)

    def _alter_many_to_many(self, model: Any, old_field: Any, new_field: Any, strict: bool) -> None:
        # The base's way on every database: SQLite's own copies the table, to the same end.
        base: Any = BaseDatabaseSchemaEditor
        base._alter_many_to_many(self, model, old_field, new_field, strict)
        if self._is_sqlite:
            self.changes.append(RewriteTable(**named(old_field.remote_field.through), command=None))

    @property
    def _is_sqlite(self) -> bool:
        return bool(self.connection.vendor == "sqlite")

    def _only_renames(self, model: Any, old_field: Any, new_field: Any) -> bool:
        """Return whether SQLite can rename the column, as Django asks there (`_alter_field`)."""
        bound = any(field.remote_field and field.db_constraint for field in (old_field, new_field))
        same = self.editor.column_sql(model, old_field) == self.editor.column_sql(model, new_field)
        return old_field.column != new_field.column and same and not bound

    def add_index(self, model: Any, index: models.Index, concurrently: bool = False) -> None:
        """Record a new index."""
        if self._can_index(index):
            columns = columns_named(model, index.fields)
            self.changes.append(
                CreateIndex(
                    **named(model), name=index.name, columns=columns, concurrently=concurrently, definition=index
                )
            )

    def remove_index(self, model: Any, index: models.Index, concurrently: bool = False) -> None:
        """Record that an index goes."""
        if self._can_index(index):
            columns = columns_named(model, index.fields)
            sql = str(index.create_sql(model, self.editor))
            self.changes.append(
                DropIndex(**named(model), name=index.name, columns=columns, concurrently=concurrently, sql=sql)
            )

    def rename_index(self, model: Any, old_index: models.Index, new_index: models.Index) -> None:
        """Record nothing where the database can rename, else that the index is made anew."""
        if not self.connection.features.can_rename_index:
            self.remove_index(model, old_index)
            self.add_index(model, new_index)

    def add_constraint(
        self, model: Any, constraint: BaseConstraint, *, valid: bool = True, as_index: bool = False
    ) -> None:
        """Record a new constraint; `as_index` where it is an index on this database although it could be said."""
        sql, kind = constraint.create_sql(model, self.editor), kind_of(constraint)
        if sql and kind is None:
            self.execute(sql)
        elif sql and kind is not None:
            self.changes.append(
                AddConstraint(
                    **named(model),
                    name=constraint.name,
                    kind=kind,
                    columns=columns_of(constraint, model),
                    valid=valid,
                    as_index=as_index or self._is_index(constraint),
                    sql=str(sql),
                    nulls_distinct=getattr(constraint, "nulls_distinct", None) is not False,
                    definition=constraint,
                )
            )

    def remove_constraint(self, model: Any, constraint: BaseConstraint, *, as_index: bool = False) -> None:
        """Record that a constraint goes."""
        if constraint.create_sql(model, self.editor):
            self.changes.append(
                DropConstraint(
                    **named(model),
                    name=constraint.name,
                    kind=kind_of(constraint),
                    columns=columns_of(constraint, model),
                    as_index=as_index or self._is_index(constraint),
                    definition=constraint,
                )
            )

    def alter_unique_together(self, model: Any, old_unique_together: Together, new_unique_together: Together) -> None:
        """Record the constraints that come and go."""
        for fields in only_in_first(old_unique_together, new_unique_together):
            constraint = models.UniqueConstraint(fields=fields, name=self._together_name(model, fields, "_uniq"))
            self.remove_constraint(model, constraint, as_index=self._is_sqlite)
        for fields in only_in_first(new_unique_together, old_unique_together):
            constraint = models.UniqueConstraint(fields=fields, name=self._together_name(model, fields, "_uniq"))
            self.add_constraint(model, constraint, as_index=self._is_sqlite)

    def alter_index_together(self, model: Any, old_index_together: Together, new_index_together: Together) -> None:
        """Record the indexes that come and go."""
        for fields in only_in_first(old_index_together, new_index_together):
            self.remove_index(model, models.Index(fields=fields, name=self._together_name(model, fields, "_idx")))
        for fields in only_in_first(new_index_together, old_index_together):
            self.add_index(model, models.Index(fields=fields, name=self._together_name(model, fields, "_idx")))

    def alter_db_table_comment(self, model: Any, old_db_table_comment: Any, new_db_table_comment: Any) -> None:
        """Record nothing: a comment holds nobody up."""

    def execute(self, sql: Any, params: Any = ()) -> None:
        """Record a statement of a constraint that the project defines itself."""
        self.changes.append(
            OpaqueChange(table="", text=str(sql), reason="A constraint of the project's own kind makes it.")
        )

    def _constraint_names(self, model: Any, column_names: Iterable[str], **_kind: Any) -> list[str]:
        # RenameIndex asks the database for an index of which it knows the fields only; Django gave it this name.
        return [self.editor._create_index_name(model._meta.db_table, column_names, suffix="_idx")]

    def _together_name(self, model: Any, fields: Iterable[str], suffix: str) -> str:
        columns = columns_named(model, fields)
        return str(self.editor._create_index_name(model._meta.db_table, columns, suffix=suffix))

    def _referenced(self, model: Any) -> tuple[str, ...]:
        targets = (constrained_table(field, self.editor) for field in model._meta.local_fields)
        return tuple(dict.fromkeys(table for table in targets if table and table != model._meta.db_table))

    def _is_index(self, constraint: BaseConstraint) -> bool:
        # On SQLite others than these are a part of the table (`add_constraint`).
        deferrable = self._is_sqlite and getattr(constraint, "deferrable", None) is not None
        return as_unique_index(constraint) or deferrable

    def _has_column(self, field: Any) -> bool:
        return field.db_parameters(connection=self.connection)["type"] is not None

    def _can_index(self, index: models.Index) -> bool:
        return bool(not index.contains_expressions or self.connection.features.supports_expression_indexes)


def named(model: Any) -> dict[str, Any]:
    """Name a model's table and the model, as every change does."""
    return {"table": model._meta.db_table, "model": model._meta.label}


def names_within(model: Any) -> Iterator[str]:
    """Return the names that the project gave to what comes with a table."""
    yield from (field.column for field in model._meta.local_concrete_fields)
    yield from (index.name for index in model._meta.indexes)
    yield from (constraint.name for constraint in model._meta.constraints)


def has_automatic_table(field: Any) -> bool:
    """Return whether a field is kept in a table that no model of the project describes."""
    return bool(field.many_to_many and field.remote_field.through._meta.auto_created)


def automatic_tables(model: Any) -> Iterator[Any]:
    """Return the fields of a model that bring a table of their own."""
    return (field for field in model._meta.local_many_to_many if has_automatic_table(field))


def only_in_first(first: Together, second: Together) -> list[tuple[str, ...]]:
    """Return the groups of fields that the first has and the second has not, in an order that is always the same."""
    return sorted({tuple(fields) for fields in first} - {tuple(fields) for fields in second})

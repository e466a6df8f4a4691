"""What takes a column from one field to another, as changes in the order of Django's `_alter_field`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.backends.base.schema import _related_non_m2m_objects  # type: ignore[attr-defined]

from auto_migrate.changes.change import (
    AddConstraint,
    AlterType,
    Change,
    DropConstraint,
    DropDefault,
    DropNotNull,
    RenameColumn,
    SetDefault,
    SetNotNull,
)
from auto_migrate.changes.columns import constrained_table, has_database_default, is_auto
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.indexes import dropped, like_index, plain_index

TEXTS = ("varchar", "text", "citext")


def alterations(model: Any, old: Any, new: Any, editor: Any, renamed: Mapping[str, str]) -> Iterator[Change]:
    """Return the changes that take a column from one field to another.

    `editor` is asked for names and rules alone; `renamed` are tables that got another name in the same operation.
    """
    return Alteration(model, old, new, editor, renamed).changes()


@dataclasses.dataclass(frozen=True)
class FieldSide:
    """One of the two fields, and what the database makes of it."""

    field: Any
    type: str
    suffix: str | None
    collation: str
    check: str | None
    target: str
    """The table that its foreign key constraint points to, or nothing."""


class Alteration:
    """The way of one column from a field to another."""

    def __init__(self, model: Any, old: Any, new: Any, editor: Any, renamed: Mapping[str, str]) -> None:
        self.model = model
        self.editor = editor
        self.renamed = renamed
        self.old = self._side(old)
        self.new = self._side(new)

    def changes(self) -> Iterator[Change]:
        """Return what is dropped first, what is done to the column, and what is made (again) at the end."""
        yield from self.dropped()
        yield from self.altered()
        yield from self.made()

    def dropped(self) -> Iterator[Change]:
        """Return what stands in the way, or is not wanted any more."""
        old, new = self.old.field, self.new.field
        if self.old.target and self.editor._field_should_be_altered(old, new, ignore={"db_comment"}):
            same = self.old.target == self.new.target
            yield self._drop(self._fk_name(self.model, old), ConstraintKind.FOREIGN_KEY, self.old.target, again=same)
        if old.unique and (not new.unique or self.becomes_key):
            yield self._drop(self._name(old, "_uniq"), ConstraintKind.UNIQUE)
        for rel, _new in self.related() if self.is_key_that_changes else ():
            yield from self._drop_of_related(rel)
        if old.db_index and not old.unique and (not new.db_index or new.unique):
            yield dropped(plain_index(self.model, old, self.editor))
            yield from map(dropped, like_index(self.model, old, self.editor))
        if self.old.check and self.old.check != self.new.check:
            yield self._drop(self._name(old, "_check"), ConstraintKind.CHECK)

    def altered(self) -> Iterator[Change]:
        """Return what is done to the column itself."""
        old, new = self.old.field, self.new.field
        if old.column != new.column:
            yield RenameColumn(**self._named, column=old.column, field=old.name, to=new.column, definition=old)
        if self.loses_like_index:
            yield from map(dropped, like_index(self.model, old, self.editor))
        if self.is_typed_anew:
            yield self._typed(self.model, self.old, self.new)
        yield from self._default()
        if old.null and not new.null:
            yield SetNotNull(
                **self._column,
                keeps_default=has_database_default(new, self.editor),
                fills=self._fills(),
                definition=new,
            )
        elif new.null and not old.null:
            yield DropNotNull(**self._column)

    def made(self) -> Iterator[Change]:
        """Return what the new field brings, and what was dropped only to be made again."""
        old, new = self.old.field, self.new.field
        if old.primary_key and not new.primary_key:
            yield self._drop(f"{self.model._meta.db_table}_pkey", ConstraintKind.PRIMARY_KEY)
        if self.editor._unique_should_be_added(old, new):
            yield self._add(self._name(new, "_uniq"), ConstraintKind.UNIQUE)
        if (not old.db_index or old.unique) and new.db_index and not new.unique:
            yield plain_index(self.model, new, self.editor)
        if self.becomes_key:
            yield self._add(self._name(new, "_pk"), ConstraintKind.PRIMARY_KEY)
        yield from self._related_types()
        if self.new.target and self.editor._field_should_be_altered(old, new, ignore={"db_comment"}):
            same = self.old.target == self.new.target
            name = self._fk_name(self.model, new)
            yield self._add(name, ConstraintKind.FOREIGN_KEY, references=self.new.target, again=same)
        for _old, rel in self.related() if self.is_key_that_changes else ():
            yield from self._made_of_related(rel)
        if self.new.check and self.old.check != self.new.check:
            yield self._add(self._name(new, "_check"), ConstraintKind.CHECK)
        yield from self._like_indexes()

    @property
    def becomes_key(self) -> bool:
        """Whether the column is to be the primary key and was not."""
        return self.new.field.primary_key and not self.old.field.primary_key

    @property
    def is_retyped(self) -> bool:
        """Whether type or collation change."""
        return (self.old.type, self.old.collation) != (self.new.type, self.new.collation)

    @property
    def is_typed_anew(self) -> bool:
        """Whether Django states the type, as it also does when only the comment changes."""
        comments = self.editor.connection.features.supports_comments
        return (
            self.is_retyped
            or self.old.suffix != self.new.suffix
            or (comments and self.old.field.db_comment != self.new.field.db_comment)
        )

    @property
    def is_key_that_changes(self) -> bool:
        """Whether other columns may hold the values and have to change with them."""
        old, new = self.old.field, self.new.field
        both = (old.primary_key and new.primary_key) or (old.unique and new.unique)
        return bool(both and self.is_retyped and self.editor.connection.features.supports_foreign_keys)

    @property
    def loses_like_index(self) -> bool:
        """Whether the column was text with an index for LIKE and becomes something else."""
        indexed = self.old.field.db_index or self.old.field.unique
        return indexed and any(self.old.type.startswith(text) and not self.new.type.startswith(text) for text in TEXTS)

    def related(self) -> list[tuple[Any, Any]]:
        """Return the relations of models that point here, before and after."""
        return list(_related_non_m2m_objects(self.old.field, self.new.field))

    def _drop_of_related(self, rel: Any) -> Iterator[Change]:
        if rel.field.db_constraint:
            yield DropConstraint(
                table=rel.related_model._meta.db_table,
                model=rel.related_model._meta.label,
                name=self._fk_name(rel.related_model, rel.field),
                kind=ConstraintKind.FOREIGN_KEY,
                columns=(rel.field.column,),
                references=self._target(rel.field),
                again=True,
            )

    def _related_types(self) -> Iterator[Change]:
        for old, new in self.related() if self.is_key_that_changes or self.becomes_key else ():
            yield self._typed(new.related_model, self._side(old.field), self._side(new.field))

    def _made_of_related(self, rel: Any) -> Iterator[Change]:
        if rel.field.db_constraint:
            yield AddConstraint(
                table=rel.related_model._meta.db_table,
                model=rel.related_model._meta.label,
                name=str(self.editor._fk_constraint_name(rel.related_model, rel.field, "_fk")).strip('"`'),
                kind=ConstraintKind.FOREIGN_KEY,
                columns=(rel.field.column,),
                again=True,
                references=self._target(rel.field),
                definition=rel.field,
            )

    def _default(self) -> Iterator[Change]:
        old, new = self.old.field, self.new.field
        if new.has_db_default():
            if not old.has_db_default() or new.db_default != old.db_default:
                yield SetDefault(**self._column)
        elif old.has_db_default() or (is_auto(old) and not is_auto(new)):
            yield DropDefault(**self._column, null=new.null)
        if is_auto(new) and not is_auto(old):
            yield SetDefault(**self._column)

    def _fills(self) -> bool:
        # Django writes the default into the rows that hold NULL, if there is one to write.
        return bool(self.new.field.has_default() or self.new.field.has_db_default())

    def _like_indexes(self) -> Iterator[Change]:
        old, new = self.old.field, self.new.field
        comes = (new.db_index and not (old.db_index or old.unique)) or (new.unique and not old.unique)
        if comes or self.loses_like_index:
            yield from like_index(self.model, new, self.editor)
        if old.unique and not (new.db_index or new.unique):
            yield from map(dropped, like_index(self.model, old, self.editor))

    def _typed(self, model: Any, old: FieldSide, new: FieldSide) -> AlterType:
        return AlterType(
            table=model._meta.db_table,
            model=model._meta.label,
            column=new.field.column,
            field=new.field.name,
            old=old.type,
            new=new.type,
            old_collation=old.collation,
            new_collation=new.collation,
            old_definition=old.field,
            definition=new.field,
        )

    def _drop(self, name: str, kind: ConstraintKind, references: str = "", *, again: bool = False) -> DropConstraint:
        columns = (self.old.field.column,)
        return DropConstraint(**self._named, name=name, kind=kind, columns=columns, references=references, again=again)

    def _add(self, name: str, kind: ConstraintKind, *, references: str = "", again: bool = False) -> AddConstraint:
        return AddConstraint(
            **self._named,
            name=name,
            kind=kind,
            columns=(self.new.field.column,),
            again=again,
            references=references,
            definition=self.new.field,
        )

    @property
    def _named(self) -> dict[str, Any]:
        return {"table": self.model._meta.db_table, "model": self.model._meta.label}

    @property
    def _column(self) -> dict[str, Any]:
        return {**self._named, "column": self.new.field.column, "field": self.new.field.name}

    def _name(self, field: Any, suffix: str) -> str:
        return str(self.editor._create_index_name(self.model._meta.db_table, [field.column], suffix=suffix))

    def _fk_name(self, model: Any, field: Any) -> str:
        name = self.editor._fk_constraint_name(model, field, "_fk_%(to_table)s_%(to_column)s")
        return str(name).strip('"`')

    def _target(self, field: Any) -> str:
        table = constrained_table(field, self.editor)
        return self.renamed.get(table, table)

    def _side(self, field: Any) -> FieldSide:
        parameters = field.db_parameters(connection=self.editor.connection)
        return FieldSide(
            field=field,
            type=parameters["type"] or "",
            suffix=field.db_type_suffix(connection=self.editor.connection),
            collation=parameters.get("collation") or "",
            check=self.editor._field_db_check(field, parameters),
            target=self._target(field),
        )

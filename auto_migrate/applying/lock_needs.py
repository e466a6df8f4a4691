"""Which locks a run of schema operations takes on tables that exist already, told from the operations alone.

PostgreSQL takes them one statement at a time; taken one by one under traffic, each would queue, and those behind it
too. The modes follow the table in the documentation of `ALTER TABLE` and `LOCK`, measured on PostgreSQL 15 and 18. An
operation of a kind that is not listed tells nothing, and its statements stay bounded by `lock_timeout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import models
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.databases.table_locks import Mode

Need = tuple[str, Mode]
Model = type[models.Model]


class Needs:
    """The needs of the operations of one app, read against the state before them."""

    def __init__(self, app_label: str, state: ProjectState) -> None:
        self.app_label = app_label
        self.state = state

    def of(self, operations: Iterable[Operation]) -> dict[str, Mode]:
        """Give each table that must be locked with the strongest mode that any of the operations takes on it."""
        strongest: dict[str, Mode] = {}
        for operation in operations:
            for table, mode in self._of_one(operation):
                strongest[table] = max(mode, strongest.get(table, mode))
        return strongest

    def _of_one(self, operation: Operation) -> Iterator[Need]:
        if isinstance(operation, ops.SeparateDatabaseAndState):
            yield from self.of(operation.database_operations).items()
            return
        for kind, needs in RULES.items():
            if isinstance(operation, kind):
                yield from needs(self, operation)
                return

    def model(self, name: str, app_label: str | None = None) -> Model | None:
        """Give a model of the state before; None for one that these operations make or rename first."""
        try:
            return self.state.apps.get_model(app_label or self.app_label, name)
        except LookupError:
            return None

    def table(self, name: str, mode: Mode) -> Iterator[Need]:
        """Need a mode on a model's table."""
        if (model := self.model(name)) is not None and model._meta.managed and not model._meta.proxy:
            yield model._meta.db_table, mode

    def referenced(self, field: Any, mode: Mode) -> Iterator[Need]:
        """Need a mode on the table that a field points to, and on both ends of an automatic many-to-many table."""
        remote = getattr(field, "remote_field", None)
        if remote is None or (not getattr(field, "db_constraint", True) and not field.many_to_many):
            return
        target = remote.model
        if isinstance(target, str) and target != "self":
            app_label, _, name = target.rpartition(".")
            target = self.model(name, app_label or None)
        if isinstance(target, type) and issubclass(target, models.Model):
            yield target._meta.db_table, mode


def create_model(needs: Needs, operation: Any) -> Iterator[Need]:
    for _name, field in operation.fields:
        yield from needs.referenced(field, Mode.SHARE_ROW_EXCLUSIVE)
    for base in operation.bases:
        if isinstance(base, str) and "." in base:
            app_label, name = base.split(".")
            parent = needs.model(name, app_label)
            if parent is not None and not parent._meta.abstract:
                yield parent._meta.db_table, Mode.SHARE_ROW_EXCLUSIVE


def delete_model(needs: Needs, operation: Any) -> Iterator[Need]:
    yield from needs.table(operation.name, Mode.ACCESS_EXCLUSIVE)
    if (model := needs.model(operation.name)) is not None:
        for field in model._meta.local_fields:
            yield from needs.referenced(field, Mode.ACCESS_EXCLUSIVE)
        for field in model._meta.local_many_to_many:
            yield from through_table(needs, field)


def through_table(needs: Needs, field: Any) -> Iterator[Need]:
    """Need everything on an automatic many-to-many table, and what dropping its foreign keys takes on both ends."""
    through = field.remote_field.through
    if through is not None and through._meta.auto_created:
        yield through._meta.db_table, Mode.ACCESS_EXCLUSIVE
        yield field.model._meta.db_table, Mode.ACCESS_EXCLUSIVE
        yield from needs.referenced(field, Mode.ACCESS_EXCLUSIVE)


def add_field(needs: Needs, operation: Any) -> Iterator[Need]:
    many = operation.field.many_to_many
    yield from needs.table(operation.model_name, Mode.SHARE_ROW_EXCLUSIVE if many else Mode.ACCESS_EXCLUSIVE)
    yield from needs.referenced(operation.field, Mode.SHARE_ROW_EXCLUSIVE)


def existing_field(needs: Needs, operation: Any) -> Any:
    """Give the field of the state before that an operation names, or None."""
    model = needs.model(operation.model_name)
    name = getattr(operation, "old_name", None) or operation.name
    fields = model._meta.get_fields() if model is not None else ()
    return next((field for field in fields if field.name == name and not field.auto_created), None)


def remove_field(needs: Needs, operation: Any) -> Iterator[Need]:
    field = existing_field(needs, operation)
    if field is not None and field.many_to_many:
        yield from through_table(needs, field)
        return
    yield from needs.table(operation.model_name, Mode.ACCESS_EXCLUSIVE)
    yield from needs.referenced(field, Mode.ACCESS_EXCLUSIVE)


def alter_field(needs: Needs, operation: Any) -> Iterator[Need]:
    yield from needs.table(operation.model_name, Mode.ACCESS_EXCLUSIVE)
    old = existing_field(needs, operation)
    yield from needs.referenced(old, Mode.ACCESS_EXCLUSIVE)
    yield from needs.referenced(getattr(operation, "field", None), Mode.ACCESS_EXCLUSIVE)
    if old is not None and (old.primary_key or old.unique):
        # A key that changes is changed in everything that points to it.
        yield from pointing_to(old.model)


def pointing_to(model: Model) -> Iterator[Need]:
    """Need everything on the tables with foreign keys to a model, automatic many-to-many tables included."""
    for relation in model._meta.related_objects:
        through = getattr(relation, "through", None)
        yield (through or relation.related_model)._meta.db_table, Mode.ACCESS_EXCLUSIVE
    yield from many_to_many_tables(model)


def many_to_many_tables(model: Model) -> Iterator[Need]:
    """Need everything on the tables behind a model's own many-to-many fields."""
    for field in model._meta.local_many_to_many:
        through: Any = field.remote_field.through
        yield through._meta.db_table, Mode.ACCESS_EXCLUSIVE


def rename_model(needs: Needs, operation: Any) -> Iterator[Need]:
    yield from needs.table(operation.old_name, Mode.ACCESS_EXCLUSIVE)
    if (model := needs.model(operation.old_name)) is not None:
        yield from pointing_to(model)


def alter_table(needs: Needs, operation: Any) -> Iterator[Need]:
    yield from needs.table(operation.name, Mode.ACCESS_EXCLUSIVE)
    if (model := needs.model(operation.name)) is not None:
        yield from many_to_many_tables(model)


def on_model(mode: Mode) -> Callable[[Needs, Any], Iterator[Need]]:
    """Give the rule of an operation that takes one mode on its own model's table."""
    return lambda needs, operation: needs.table(getattr(operation, "model_name", None) or operation.name, mode)


def add_constraint(needs: Needs, operation: Any) -> Iterator[Need]:
    # What PostgreSQL cannot say as a constraint, Django makes as a unique index.
    as_index = isinstance(operation.constraint, models.UniqueConstraint) and any(
        getattr(operation.constraint, part) for part in ("condition", "include", "opclasses", "expressions")
    )
    yield from needs.table(operation.model_name, Mode.SHARE if as_index else Mode.ACCESS_EXCLUSIVE)


# Subclasses come before what they extend: the first match counts.
RULES: dict[type[Operation], Callable[[Needs, Any], Iterable[Need]]] = {
    ops.CreateModel: create_model,
    ops.DeleteModel: delete_model,
    ops.RenameModel: rename_model,
    ops.AlterModelTable: alter_table,
    ops.AlterUniqueTogether: on_model(Mode.ACCESS_EXCLUSIVE),
    ops.AlterIndexTogether: on_model(Mode.ACCESS_EXCLUSIVE),
    ops.AlterOrderWithRespectTo: on_model(Mode.ACCESS_EXCLUSIVE),
    ops.AlterModelTableComment: on_model(Mode.SHARE_UPDATE_EXCLUSIVE),
    ops.AddField: add_field,
    ops.RemoveField: remove_field,
    ops.AlterField: alter_field,
    ops.RenameField: alter_field,
    ops.AddIndex: on_model(Mode.SHARE),
    ops.RemoveIndex: on_model(Mode.ACCESS_EXCLUSIVE),
    ops.RenameIndex: on_model(Mode.SHARE_UPDATE_EXCLUSIVE),
    ops.AddConstraint: add_constraint,
    ops.RemoveConstraint: on_model(Mode.ACCESS_EXCLUSIVE),
    # No statement at all.
    ops.AlterModelOptions: lambda _needs, _operation: (),
    ops.AlterModelManagers: lambda _needs, _operation: (),
}


def is_schema_operation(operation: Operation) -> bool:
    """Tell whether the operation's locks are known, so that they may be taken ahead together with its neighbours'."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return all(is_schema_operation(inner) for inner in operation.database_operations)
    return any(
        isinstance(operation, kind) and type(operation).database_forwards is kind.database_forwards for kind in RULES
    )


def schema_run(operations: Sequence[Operation]) -> list[Operation]:
    """Give the operations at the front whose locks are known, up to the first that computes or says nothing."""
    run: list[Operation] = []
    for operation in operations:
        if not is_schema_operation(operation):
            break
        run.append(operation)
    return run

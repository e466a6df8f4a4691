"""Which locks a run of schema operations takes on tables that exist already, told from the operations alone.

PostgreSQL takes them one statement at a time; taken one by one under traffic, each would queue, and those behind it
too. What each statement takes stands in `databases.lock_modes`; the rules here tell which statements Django's schema
editor sends to which tables, without rendering more models than that takes (`safety.effects`, which judges a plan, has
all the time for that and tells it from the changes). They are held to what `pg_locks` shows on PostgreSQL 15 and 18. An
operation of a kind that is not listed tells nothing, and its statements stay bounded by `lock_timeout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db import models
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.applying.states.lazy_state import foresee
from auto_migrate.changes.constraints import as_unique_index
from auto_migrate.changes.field_differences import changes_in_database, changes_type, column_before
from auto_migrate.changes.model_tables import table_of
from auto_migrate.databases.lock_modes import (
    ADD_FOREIGN_KEY,
    ALTER_TABLE,
    COMMENT,
    CREATE_INDEX,
    DROP_FOREIGN_KEY,
    DROP_INDEX,
    RENAME_INDEX,
    LockMode,
)

Need = tuple[str, LockMode]
Model = type[models.Model]

# Told by name: importing django.contrib.postgres takes a driver that a project on another database does not have.
POSTGRES_OPERATIONS = "django.contrib.postgres.operations"


def stronger(one: dict[str, LockMode], other: dict[str, LockMode]) -> dict[str, LockMode]:
    """Return the tables of both, each with the stronger of its modes."""
    return one | {table: max(mode, one.get(table, mode)) for table, mode in other.items()}


class LockNeeds:
    """The needs of the operations of one app, read against the state before them."""

    def __init__(self, app_label: str, state: ProjectState) -> None:
        self.app_label = app_label
        self.state = state

    def of(self, operations: Iterable[Operation]) -> dict[str, LockMode]:
        """Return each table that must be locked with the strongest mode that any of the operations takes on it."""
        at_once, deferred = self.split(operations)
        return stronger(at_once, deferred)

    def split(self, operations: Iterable[Operation]) -> tuple[dict[str, LockMode], dict[str, LockMode]]:
        """Return what the operations lock when they run, and what only their deferred SQL locks at the end."""
        at_once: dict[str, LockMode] = {}
        deferred: dict[str, LockMode] = {}
        needs, passed = self, list[Operation]()
        for operation in operations:
            if passed and isinstance(operation, LOOKS_AT_FIELDS):
                needs, passed = needs.after(passed), []
            # The foreign keys of a new table come last, as Django's schema editor defers them.
            found = deferred if isinstance(operation, ops.CreateModel) else at_once
            for table, mode in needs.of_one(operation):
                found[table] = max(mode, found.get(table, mode))
            passed.append(operation)
        return at_once, deferred

    def of_one(self, operation: Operation) -> Iterable[Need]:
        """Return the needs of one operation, a table possibly several times."""
        if isinstance(operation, ops.SeparateDatabaseAndState):
            return self.of(operation.database_operations).items()
        rule = rule_of(operation)
        return rule(self, operation) if rule else ()

    def after(self, operations: Iterable[Operation]) -> LockNeeds:
        """Return the needs against the state that some operations lead to."""
        return LockNeeds(self.app_label, foresee(self.state, self.app_label, operations))

    def model(self, name: str, app_label: str | None = None) -> Model | None:
        """Return a model of the state before; None for one that these operations make or rename first."""
        try:
            return self.state.apps.get_model(app_label or self.app_label, name)
        except LookupError:
            return None

    def migrated(self, name: str) -> Model | None:
        """Return a model whose table Django's operations change, or None."""
        model = self.model(name)
        if model is None or not model._meta.managed or model._meta.proxy or model._meta.swapped:
            return None
        return model

    def migrated_table(self, name: str) -> str | None:
        """Name a model's table if Django's operations change it, or None."""
        state = self.state.models.get((self.app_label, name.lower()))
        if state is not None and not state.options.keys() & {"proxy", "swappable"}:
            return self.table(name) if state.options.get("managed", True) else None
        model = self.migrated(name)
        return model._meta.db_table if model is not None else None

    def table(self, name: str, app_label: str | None = None) -> str | None:
        """Name a model's table, if it was there before; as a rule without rendering the model."""
        app_label = app_label or self.app_label
        state = self.state.models.get((app_label, name.lower()))
        if state is not None and not state.options.keys() & {"proxy", "swappable"}:
            return table_of(state)
        model = self.model(name, app_label)
        return model._meta.db_table if model is not None else None

    def target(self, field: Any) -> str | None:
        """Name the table that a relation points to, if it was there before; the field need not be bound to a model."""
        target = field.remote_field.model
        if isinstance(target, str):
            app_label, _, name = target.rpartition(".")
            return self.table(name, app_label or None)
        return target._meta.db_table if isinstance(target, type) and issubclass(target, models.Model) else None

    def pointed_to(self, field: Any, mode: LockMode) -> Iterator[Need]:
        """Need a mode on the table that the constraint of a foreign key, or of an automatic table's, points to."""
        holder = field if isinstance(field, models.ForeignKey) else automatic_table(field) and field.remote_field
        if getattr(holder, "db_constraint", False) and (table := self.target(field)) is not None:
            yield table, mode


def automatic_table(field: Any) -> bool:
    """Return whether a field brings a table of its own with it, which no model of the project describes."""
    if not getattr(field, "many_to_many", False):
        return False
    through = field.remote_field.through
    return through is None or (not isinstance(through, str) and bool(through._meta.auto_created))


def dropped_table(needs: LockNeeds, field: Any) -> Iterator[Need]:
    """Need everything on an automatic table and on what its foreign keys point to."""
    if automatic_table(field):
        yield field.remote_field.through._meta.db_table, ALTER_TABLE
        for _table, mode in needs.pointed_to(field, DROP_FOREIGN_KEY):
            yield from ((field.model._meta.db_table, mode), (_table, mode))


def same_column(field: Any, other: Any) -> bool:
    """Return whether two fields are one column; a state that was rendered in parts may have two models of a table."""
    return (field.model._meta.db_table, field.column) == (other.model._meta.db_table, other.column)


def incoming(model: Model) -> Iterator[Any]:
    """Return the foreign keys to a model's table, those of automatic tables included."""
    for relation in model._meta.get_fields(include_hidden=True):
        key = getattr(relation, "field", None)
        if not relation.auto_created or not isinstance(key, models.ForeignKey):
            continue
        if relation.model._meta.db_table == model._meta.db_table:
            yield key


def pointing_to(field: Any, seen: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Return the foreign keys that hold a field's values, and those that hold theirs."""
    for key in incoming(field.model):
        if same_column(key.target_field, field) and key not in seen:
            yield key
            if key.unique:
                yield from pointing_to(key, (*seen, field, key))


def everything_on(keys: Iterable[Any]) -> Iterator[Need]:
    """Need everything on the tables of some foreign keys."""
    for key in keys:
        yield key.model._meta.db_table, DROP_FOREIGN_KEY


def create_model(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    if operation.options.get("proxy") or not operation.options.get("managed", True):
        return
    for _name, field in operation.fields:
        yield from needs.pointed_to(field, ADD_FOREIGN_KEY)
    for base in operation.bases:
        if isinstance(base, str) and "." in base:
            app_label, name = base.split(".")
            parent = needs.model(name, app_label)
            if parent is not None and not parent._meta.abstract:
                yield parent._meta.db_table, ADD_FOREIGN_KEY


def delete_model(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    if (model := needs.migrated(operation.name)) is not None:
        yield model._meta.db_table, ALTER_TABLE
        for field in model._meta.local_fields:
            yield from needs.pointed_to(field, DROP_FOREIGN_KEY)
        for field in model._meta.local_many_to_many:
            yield from dropped_table(needs, field)


def rename_model(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    model: Any = needs.migrated(operation.old_name)
    if model is None:
        return
    if not named_table(needs, model):
        yield model._meta.db_table, ALTER_TABLE
        yield from everything_on(key for key in incoming(model) if key.db_constraint)
    # The columns of automatic tables are named after the models, wherever the table itself is.
    for field in model._meta.get_fields(include_hidden=True):
        many: Any = getattr(field, "field", field)
        if automatic_table(many) and model in (many.model, many.remote_field.model):
            yield many.remote_field.through._meta.db_table, ALTER_TABLE
            if many.remote_field.db_constraint:
                yield model._meta.db_table, ALTER_TABLE


def named_table(needs: LockNeeds, model: Model) -> bool:
    """Return whether the project chose the table's name, so that it stays when the model is renamed."""
    options = needs.state.models[model._meta.app_label, model._meta.model_name].options
    return bool(options.get("db_table"))


def alter_table(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    model: Any = needs.migrated(operation.name)
    if model is None or model._meta.db_table == operation.table:
        return
    yield model._meta.db_table, ALTER_TABLE
    for field in model._meta.local_many_to_many:
        if automatic_table(field):
            yield field.remote_field.through._meta.db_table, ALTER_TABLE


def add_field(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    model, field = needs.migrated(operation.model_name), operation.field
    if model is None and needs.model(operation.model_name) is not None:
        return
    if model is not None and not field.many_to_many:
        yield model._meta.db_table, ALTER_TABLE
    elif model is not None and automatic_table(field) and field.remote_field.db_constraint:
        yield model._meta.db_table, ADD_FOREIGN_KEY
    # A model that is made or renamed by these operations points to others just so.
    yield from needs.pointed_to(field, ADD_FOREIGN_KEY)


def field_before(needs: LockNeeds, model_name: str, name: str) -> Any:
    """Return a field of the state before, or None where there is nothing to change."""
    model: Any = needs.migrated(model_name)
    return model._meta.get_field(name) if model is not None else None


def remove_field(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    field = field_before(needs, operation.model_name, operation.name)
    if field is None:
        return
    if field.many_to_many:
        yield from dropped_table(needs, field)
        return
    yield field.model._meta.db_table, ALTER_TABLE
    yield from needs.pointed_to(field, DROP_FOREIGN_KEY)
    # Up to Django 5.2, DROP COLUMN … CASCADE takes the constraints of those that point to it along.
    yield from everything_on(
        key for key in pointing_to(field) if same_column(key.target_field, field) and key.db_constraint
    )


def rename_field(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    field = field_before(needs, operation.model_name, operation.old_name)
    if field is None or field.db_column:
        return
    if field.many_to_many:
        if automatic_table(field):
            yield field.remote_field.through._meta.db_table, ALTER_TABLE
        return
    yield field.model._meta.db_table, ALTER_TABLE
    yield from needs.pointed_to(field, DROP_FOREIGN_KEY)


def alter_field(needs: LockNeeds, operation: Any) -> Iterator[Need]:
    before = column_before(operation, needs.app_label, needs.state)
    if before is not None and not changes_in_database(before, operation.field, operation.name):
        return
    old = field_before(needs, operation.model_name, operation.name)
    if old is not None and (changes := changes_in_database(old, operation.field, operation.name)):
        alter = alter_many_to_many if old.many_to_many else alter_column
        yield from alter(needs, old, operation.field, changes)


def alter_column(needs: LockNeeds, old: Any, new: Any, changes: set[str]) -> Iterator[Need]:
    table = old.model._meta.db_table
    if changes == {"db_constraint"} and new.db_constraint:
        yield table, ADD_FOREIGN_KEY
    elif changes == {"db_index"} and new.db_index:
        yield table, CREATE_INDEX
    else:
        yield table, ALTER_TABLE
    if changes != {"db_comment"}:
        # Foreign keys are dropped whatever changes, and made again.
        yield from needs.pointed_to(old, DROP_FOREIGN_KEY)
    yield from needs.pointed_to(new, ADD_FOREIGN_KEY)
    if (old.primary_key or old.unique) and changes_type(changes):
        # A key that changes is changed in everything that points to it.
        yield from everything_on(pointing_to(old))


def alter_many_to_many(needs: LockNeeds, old: Any, new: Any, changes: set[str]) -> Iterator[Need]:
    if not automatic_table(old):
        return
    yield old.remote_field.through._meta.db_table, ALTER_TABLE
    if "to" in changes:
        yield from needs.pointed_to(old, DROP_FOREIGN_KEY)
        yield from needs.pointed_to(new, ADD_FOREIGN_KEY)


def on_model(mode: LockMode) -> Callable[[LockNeeds, Any], Iterator[Need]]:
    """Return the rule of an operation that takes one mode on its own model's table."""

    def rule(needs: LockNeeds, operation: Any) -> Iterator[Need]:
        if (table := needs.migrated_table(getattr(operation, "model_name", None) or operation.name)) is not None:
            yield table, mode

    return rule


def nothing(_needs: LockNeeds, _operation: Any) -> Iterable[Need]:
    """Return the needs of an operation that sends no statement."""
    return ()


def add_constraint(needs: LockNeeds, operation: Any) -> Iterable[Need]:
    as_index = as_unique_index(operation.constraint)
    return on_model(CREATE_INDEX if as_index else ALTER_TABLE)(needs, operation)


RULES: dict[type[Operation], Callable[[LockNeeds, Any], Iterable[Need]]] = {
    ops.CreateModel: create_model,
    ops.DeleteModel: delete_model,
    ops.RenameModel: rename_model,
    ops.AlterModelTable: alter_table,
    ops.AlterUniqueTogether: on_model(ALTER_TABLE),
    ops.AlterIndexTogether: on_model(ALTER_TABLE),
    ops.AlterOrderWithRespectTo: on_model(ALTER_TABLE),
    ops.AlterModelTableComment: on_model(COMMENT),
    ops.AlterModelOptions: nothing,
    ops.AlterModelManagers: nothing,
    ops.AddField: add_field,
    ops.RemoveField: remove_field,
    ops.AlterField: alter_field,
    ops.RenameField: rename_field,
    ops.AddIndex: on_model(CREATE_INDEX),
    ops.RemoveIndex: on_model(DROP_INDEX),
    ops.RenameIndex: on_model(RENAME_INDEX),
    ops.AddConstraint: add_constraint,
    ops.RemoveConstraint: on_model(ALTER_TABLE),
    ops.AlterConstraint: nothing,
}

# Of these, what earlier operations of the run did to the fields matters; to the others only which tables there are, and
# a table that was renamed is locked under the name that it had.
LOOKS_AT_FIELDS = (
    ops.DeleteModel,
    ops.RenameModel,
    ops.AlterModelTable,
    ops.RemoveField,
    ops.AlterField,
    ops.RenameField,
    ops.SeparateDatabaseAndState,
)


def rule_of(operation: Operation) -> Callable[[LockNeeds, Any], Iterable[Need]] | None:
    """Return the rule of an operation, or None if it is of a kind that may do anything."""
    forwards = type(operation).database_forwards
    for kind, rule in RULES.items():
        # A subclass that carries itself out in its own way, as those that work concurrently, is of another kind.
        if isinstance(operation, kind) and forwards is kind.database_forwards:
            return rule
    if forwards.__module__ == POSTGRES_OPERATIONS and forwards.__qualname__.startswith("AddConstraintNotValid."):
        return on_model(ALTER_TABLE)
    return None


def is_schema_operation(operation: Operation) -> bool:
    """Return whether the operation's locks are known, so that they may be taken ahead together with its neighbours'."""
    if isinstance(operation, ops.SeparateDatabaseAndState):
        return all(is_schema_operation(inner) for inner in operation.database_operations)
    return rule_of(operation) is not None


def schema_run(operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations at the front whose locks are known, up to the first that computes or says nothing."""
    run: list[Operation] = []
    for operation in operations:
        if not is_schema_operation(operation):
            break
        run.append(operation)
    return run

"""The tables that models would have, made by Django itself where nobody sees them: temporary ones, rolled back.

PostgreSQL finds temporary tables before all others once `pg_temp` leads the search path, and refuses a foreign key from
one to a table that is not, so that nothing of the real schema is touched or locked. TEMPORARY is a right that every
role has unless somebody took it away; CREATE on the database, which a schema would need, most roles lack. Locks on what
was made go with each savepoint: `max_locks_per_transaction` holds for a few tables at a time, however many there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import DatabaseError, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic, set_rollback

from auto_migrate.databases.faults import first_line
from auto_migrate.drift.table_introspection import read_tables
from auto_migrate.drift.table_shape import TableConstraint, TableShape

# How many models are made at a time.
BATCH = 40
LED_BY_SCRATCH = """
    SELECT set_config('search_path', concat_ws(', ', 'pg_temp', nullif(current_setting('search_path'), '')), true)
"""
AGAIN = "auto_migrate_again"

Model = type[models.Model]


@dataclasses.dataclass(frozen=True)
class ExpectedTables:
    """The shapes that tables should have by their names, and why some could not be had."""

    shapes: Mapping[str, TableShape]
    unknown: Mapping[str, str]


def expected_tables(connection: BaseDatabaseWrapper, wanted: Sequence[Model]) -> ExpectedTables:
    """Return what the models of a state would make, their automatic tables included."""
    shapes: dict[str, TableShape] = {}
    unknown: dict[str, str] = {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        try:
            shapes |= _made(connection, batch)
        except DatabaseError:
            # One of them cannot be made: the others can.
            for model in batch:
                try:
                    shapes |= _made(connection, [model])
                except DatabaseError as error:
                    unknown[table_name(model)] = first_line(error)
    return ExpectedTables(shapes, unknown)


def table_name(model: Model) -> str:
    """Return what a model's table is called here: with its schema, where `db_table` holds one (`sales"."invoice`)."""
    return ".".join(part for part in model._meta.db_table.split('"') if part not in {"", "."})


def tables_of(wanted: Iterable[Model]) -> Iterator[Model]:
    """Return models together with those of their automatic tables."""
    for model in wanted:
        yield model
        yield from automatic(model)


def automatic(model: Model) -> Iterator[Model]:
    """Return the models of the tables that Django makes for a model's relations."""
    for field in model._meta.local_many_to_many:
        through = field.remote_field.through
        if through is not None and through._meta.auto_created:
            yield through


def _made(connection: BaseDatabaseWrapper, batch: Sequence[Model]) -> dict[str, TableShape]:
    """Make tables, read them and take them back."""
    own = list(tables_of(batch))
    with atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute(LED_BY_SCRATCH)
        try:
            with connection.schema_editor(atomic=False) as editor:
                _make_targets(editor, own)
                for model in batch:
                    editor.create_model(model)
            names = {table_name(model): connection.ops.quote_name(model._meta.db_table) for model in own}
            shapes = read_tables(connection, names)
            return {
                table_name(model): _as_expected(connection, shapes[table_name(model)], model)
                for model in own
                if table_name(model) in shapes
            }
        finally:
            set_rollback(True, using=connection.alias)


def _make_targets(editor: Any, own: Sequence[Model]) -> None:
    """Make what the foreign keys of models point to, without the foreign keys of those."""
    for model in own:
        model._meta.db_table = table_name(model)
        # Operations of packages' own may have put one into the state twice.
        model._meta.indexes = list({index.name: index for index in model._meta.indexes}.values())
    made = set(own)
    for model in own:
        for field in model._meta.local_concrete_fields:
            target = getattr(field.remote_field, "model", None)
            if target is None or not getattr(field, "db_constraint", False):
                continue
            # A proxy has the table of another.
            target = target._meta.concrete_model
            if target in made:
                continue
            made.add(target)
            target._meta.db_table = table_name(target)
            before = len(editor.deferred_sql)
            editor.execute(*editor.table_sql(target))
            del editor.deferred_sql[before:]


def _explicit_names(model: Model) -> Iterator[str]:
    """Name what a model calls by a name, by which Django drops it or names it anew."""
    yield from (str(index.name) for index in model._meta.indexes)
    yield from (str(constraint.name) for constraint in model._meta.constraints)


def _as_expected(connection: BaseDatabaseWrapper, shape: TableShape, model: Model) -> TableShape:
    """Leave out names that Django makes up, learn how a restored database writes expressions and what keys mean."""
    again = _restored(connection, shape, connection.ops.quote_name(model._meta.db_table))
    explicit = frozenset(_explicit_names(model))
    references = _references(model)
    columns = {
        name: dataclasses.replace(column, references=references.get(name)) for name, column in shape.columns.items()
    }
    rules = tuple(
        dataclasses.replace(
            rule, name=rule.name if rule.name in explicit else "", restored=frozenset(filter(None, [again.get(number)]))
        )
        for number, rule in enumerate(shape.rules)
    )
    return dataclasses.replace(shape, columns=columns, rules=rules)


def _references(model: Model) -> dict[str, tuple[str, str]]:
    """Return what the foreign keys of a model point to, by their columns."""
    fields: list[Any] = [field for field in model._meta.local_concrete_fields if hasattr(field, "target_field")]
    return {field.column: (table_name(field.related_model), field.target_field.column) for field in fields}


def _restored(connection: BaseDatabaseWrapper, shape: TableShape, quoted: str) -> dict[int, str]:
    """Have the expressions of rules parsed once more, as they are when a dump is restored; return how they end up."""
    rules = enumerate(shape.rules)
    numbered = {number: rule for number, rule in rules if rule.kind in "ci" and "::" in rule.definition}
    if not numbered:
        return {}
    with connection.cursor() as cursor:
        for number, rule in numbered.items():
            cursor.execute(_statement_for(rule, f'"{AGAIN}_{number}"', quoted), None)
    twice = read_tables(connection, {shape.name: quoted})[shape.name]
    found = {rule.name: rule.definition for rule in twice.rules}
    return {number: found[f"{AGAIN}_{number}"] for number in numbered}


def _statement_for(rule: TableConstraint, name: str, quoted: str) -> str:
    if rule.kind == "c":
        return f"ALTER TABLE {quoted} ADD CONSTRAINT {name} {rule.definition}"
    unique = "UNIQUE " if rule.definition.startswith("UNIQUE ") else ""
    return f"CREATE {unique}INDEX {name} ON {quoted} {rule.definition.removeprefix('UNIQUE ')}"

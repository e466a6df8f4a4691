"""The tables of a state's models: which there are in a database, and what Django calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ProjectState

Model = type[models.Model]


def table_name(model: Model) -> str:
    """Return what a model's table is called here: with its schema, where `db_table` holds one (`sales"."invoice`)."""
    return ".".join(part for part in model._meta.db_table.split('"') if part not in {"", "."})


def models_of(state: ProjectState, connection: BaseDatabaseWrapper) -> Iterator[Model]:
    """Return the models of a state whose tables migrations make in this database, automatic ones left out."""
    for app_label, name in state.models:
        model = state.apps.get_model(app_label, name)
        if is_made(model, connection):
            yield model


def is_made(model: Model, connection: BaseDatabaseWrapper) -> bool:
    """Return whether Django makes the table of a model: no proxy, not unmanaged, not swapped, of this database."""
    return model._meta.can_migrate(connection) and router.allow_migrate_model(connection.alias, model)


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


def quoted_names(connection: BaseDatabaseWrapper, wanted: Iterable[Model]) -> Mapping[str, str]:
    """Return what tables are called here, each with its quoted name: that on scratch, once a model is simplified."""
    return {table_name(model): connection.ops.quote_name(model._meta.db_table) for model in tables_of(wanted)}


def explicit_names(model: Model) -> frozenset[str]:
    """Return the names that a model gives, by which Django drops something or names it anew."""
    return frozenset(str(named.name) for named in (*model._meta.indexes, *model._meta.constraints))


def references_of(model: Model) -> dict[str, tuple[str, str]]:
    """Return what the foreign keys of a model point to, by their columns."""
    fields: list[Any] = [field for field in model._meta.local_concrete_fields if hasattr(field, "target_field")]
    return {field.column: (table_name(field.related_model), field.target_field.column) for field in fields}


def simplify(model: Model) -> None:
    """Let a model of a state be made on scratch: its table without a schema, and each index once.

    Operations of packages' own may have put one into the state twice.
    """
    model._meta.db_table = table_name(model)
    model._meta.indexes = list({index.name: index for index in model._meta.indexes}.values())

"""The tables of a state's models, as Django names them, without rendering any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.backends.utils import strip_quotes, truncate_name
from django.db.migrations.state import ModelState, ProjectState


def table_of(model: ModelState) -> str:
    """Name the table of a model; a name that is given is not cut (`Options.contribute_to_class`)."""
    given = model.options.get("db_table")
    return str(given or fitting(f"{model.app_label}_{model.name_lower}"))


def automatic_tables(model: ModelState) -> Iterator[str]:
    """Name those that Django makes for a model's relations to many (`ManyToManyField._get_m2m_db_table`)."""
    for name, field in model.fields.items():
        if field.many_to_many and not getattr(field.remote_field, "through", None):
            given = getattr(field, "db_table", None)
            yield str(given or fitting(f"{strip_quotes(table_of(model))}_{name}"))


def fitting(name: str) -> str:
    """Cut a name that Django has made as Django does: by the limit of the default database, whichever has the table."""
    return truncate_name(name, connection.ops.max_name_length())


def model_of_table(state: ProjectState) -> dict[str, str]:
    """Return the model of each table of a state, `app_label.ModelName`."""
    return {
        table_of(model): f"{model.app_label}.{model.name}"
        for model in state.models.values()
        if not model.options.get("proxy")
    }


def field_at(state: ProjectState, table: str, column: str) -> Any:
    """Return the field that a column is of, None where no model of a state has it."""
    spelled = {table, table.replace('"."', ".")}
    for model in state.models.values():
        if not model.options.get("proxy") and spelled & {own := table_of(model), own.replace('"."', ".")}:
            fields = state.apps.get_model(model.app_label, model.name)._meta.local_concrete_fields
            return next((field for field in fields if field.column == column), None)
    return None

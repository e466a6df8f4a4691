"""Whether the tables that a migration changes are the tenant's own: `search_path` leads on to those that all share."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import router
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.operations.models import IndexOperation, ModelOperation
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema
from auto_migrate.changes.model_tables import automatic_tables, table_of
from auto_migrate.changes.stock_operations import flat
from auto_migrate.databases.base import Database, Question
from auto_migrate.databases.identifiers import quoted
from auto_migrate.exceptions import MigrationFailed
from auto_migrate.operations import Backfill

OF_NO_TABLE = (ops.AlterModelOptions, ops.AlterModelManagers)
# Which of some tables the search path finds, and finds in another schema than a given one.
ELSEWHERE = """
    SELECT named.name, space.nspname FROM unnest(%s::text[]) AS named(name)
    JOIN pg_class ON pg_class.oid = to_regclass(quote_ident(named.name))
    JOIN pg_namespace AS space ON space.oid = relnamespace WHERE space.nspname <> %s
"""


def refuse_tables_of_others(database: Database, migration: Migration, state: ProjectState) -> None:
    """Raise `MigrationFailed` for a table that the record says is the tenant's, and is there in another schema only.

    As when an app is moved from those that are shared to those of tenants: Django records a migration also where no
    router lets it make anything. `state` is that before the migration.
    """
    names = list(dict.fromkeys(changed_tables(database.alias, migration, state)))
    found = database.ask(Question(ELSEWHERE, [names, active_schema()])) if names else []
    if not found:
        return
    table, schema = found[0]
    raise MigrationFailed(
        _("Migration {migration} would change {table} of the schema {other}, since {schema} has no such table.").format(
            migration=migration, table=table, other=quoted(schema), schema=quoted(active_schema())
        ),
        hint=_("Its record says that the table was made there. Make it, or correct the record of this schema."),
    )


def changed_tables(alias: str, migration: Migration, state: ProjectState) -> Iterator[str]:
    """Return the tables of the models that a migration changes, as they are named before it."""
    for operation in flat(migration.operations):
        label, name = migration.app_label, changed_model(operation)
        if isinstance(operation, Backfill):
            label, name = operation.model_key
        model = state.models.get((label, name)) if name else None
        if model is None or not router.allow_migrate(alias, label, model_name=name):
            continue
        if model.options.get("managed", True) and not model.options.get("proxy"):
            yield table_of(model)
            yield from automatic_tables(model)


def changed_model(operation: Operation) -> str:
    """Return the name of the model whose table an operation may change, empty if there is none."""
    if isinstance(operation, FieldOperation | IndexOperation):
        return str(operation.model_name_lower)
    if isinstance(operation, ModelOperation) and not isinstance(operation, OF_NO_TABLE):
        return str(operation.name_lower)
    return ""

"""Backfills of tenants' rows, which are refused: one record of each is kept a database and not one a schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.backfills.atomicity import is_in_batches
from auto_migrate.backfills.declared import within
from auto_migrate.exceptions import UsageError
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import BackfillKey


def is_in_tenant(alias: str) -> bool:
    """Return whether a connection is in the schema of a tenant, whoever has led it there."""
    tenancy = tenancy_of(alias)
    if tenancy is None:
        return False
    here = current_schema(alias)
    with tenancy.in_public():
        return here != current_schema(alias)


def current_schema(alias: str) -> str | None:
    """Return the schema in which a connection would make a table."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        found: str | None = cursor.fetchone()[0]
    return found


def refuse_rows_of_tenant(key: BackfillKey, model: Any, alias: str) -> None:
    """Raise `UsageError` for a backfill that has anything to do in a tenant's schema; in a new one it has not."""
    if model._base_manager.using(alias).exists():
        raise not_for_tenants(str(key))


def refuse_backfills(loader: MigrationLoader, plan: Sequence[tuple[Migration, bool]], alias: str) -> None:
    """Raise `UsageError` for a plan with a backfill of rows that the schema has which this thread works in."""
    for migration, backwards in plan:
        if backwards or not any(map(is_in_batches, migration.operations)):
            continue
        state = loader.project_state((migration.app_label, migration.name), at_end=False)
        for operation in migration.operations:
            own = [one for one in within([operation]) if hasattr(one, "is_allowed")]
            if any(one.is_allowed(alias, state) for one in own):
                raise not_for_tenants(f"{migration.app_label}.{migration.name}")
            operation.state_forwards(migration.app_label, state)


def not_for_tenants(name: str) -> UsageError:
    """Return the error that says so, and what to write instead."""
    return UsageError(
        _("Migration {migration} has a backfill, which tenants' schemas cannot have.").format(migration=name),
        hint=_("Write it as RunPython or RunSQL, which each schema carries out for itself."),
    )

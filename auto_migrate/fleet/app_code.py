"""What of a plan is code of the project's apps, which threads run one at a time, and in any schema that it likes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.migrations.migration import Migration
from django.db.migrations.operations import CreateModel, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.state import StateApps
from django.db.models import Field

from auto_migrate.applying.locks.operation_locks import is_schema_operation
from auto_migrate.applying.operation_loop import applies_itself
from auto_migrate.backfills.tenant_schemas import forget_content_types
from auto_migrate.changes.stock_operations import flat
from auto_migrate.fleet.shared_plan import Plan, is_plain
from auto_migrate.operations import Backfill


class AppCodeLock:
    """The right to run Python code of others, had by one schema at a time.

    Threads share what such code keeps in memory, first of all Django's content types, whose numbers differ from schema
    to schema: whoever holds it finds none of another's.
    """

    def __init__(self, lock: contextlib.AbstractContextManager[Any]) -> None:
        self.lock = lock

    @contextlib.contextmanager
    def held(self, rendered: StateApps | None = None) -> Iterator[None]:
        """Hold it within the block; `rendered` are models of migrations that other schemas have used."""
        with self.lock:
            forget_content_types(apps, rendered)
            yield


def computes_nothing(migration: Migration) -> bool:
    """Return whether no operation of a migration is code of others, which may keep something of a schema in memory.

    Fields and their defaults are let work in several threads, as they do in every web server, and so are expressions.
    """
    plain = (
        is_schema_operation(operation)
        or type(operation) is RunSQL
        or (type(operation) is Backfill and operation.function is None)
        for operation in migration.operations
    )
    return not applies_itself(migration) and all(plain)


def calls_nobody(plan: Plan) -> bool:
    """Return whether no code of others is called while a plan is carried out, which could lead a connection away."""
    operations = [operation for migration, _backwards in plan for operation in flat(migration.operations)]
    routers = [router if isinstance(router, str) else type(router).__module__ for router in settings.DATABASE_ROUTERS]
    return (
        is_plain(plan)
        and all(is_djangos(field) for operation in operations for field in fields_of(operation))
        and all(router.startswith("django_tenants.") for router in routers)
    )


def fields_of(operation: Operation) -> Iterator[Field[Any, Any]]:
    """Return the fields that an operation is written with."""
    if isinstance(operation, CreateModel):
        yield from (field for _name, field in operation.fields)
    elif isinstance(operation, FieldOperation) and (field := getattr(operation, "field", None)) is not None:
        yield field


def is_djangos(field: Field[Any, Any]) -> bool:
    """Return whether a field, and the function of its default, is Django's or Python's."""
    default = field.default
    module = getattr(default, "__module__", None) or "builtins"
    return type(field).__module__.startswith("django.") and (
        not callable(default) or module.startswith("django.") or module in {"builtins", "datetime", "uuid"}
    )

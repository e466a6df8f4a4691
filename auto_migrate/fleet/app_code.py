"""What of a plan is code of the project's apps, which threads run one at a time, and in any schema that it likes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.state import StateApps
from django.db.models import Field

from auto_migrate.applying.locks.operation_locks import is_schema_operation
from auto_migrate.applying.operation_loop import applies_itself
from auto_migrate.backfills.tenant_schemas import forget_content_types
from auto_migrate.changes.stock_operations import flat
from auto_migrate.code_lock import APP_CODE
from auto_migrate.fleet.shared_plan import Plan
from auto_migrate.operations import Backfill


@contextlib.contextmanager
def app_code_held(rendered: StateApps | None = None) -> Iterator[None]:
    """Hold the right to run code of others within the block; `rendered` are models that other schemas have used.

    Threads share what such code keeps in memory, first of all Django's content types, whose numbers differ from schema
    to schema: whoever holds it finds none of another's.
    """
    with APP_CODE:
        forget_content_types(apps, rendered)
        yield


def calls_nobody(plan: Plan) -> bool:
    """Return whether no code of others is called while a plan is carried out, which could lead a connection away.

    Expressions that a backfill sets are let through: they are compiled, and ask nothing.
    """
    operations = [operation for migration, _backwards in plan for operation in flat(migration.operations)]
    routers = [router if isinstance(router, str) else type(router).__module__ for router in settings.DATABASE_ROUTERS]
    return (
        not any(applies_itself(migration, backwards=backwards) for migration, backwards in plan)
        and all(map(sends_own_statements, operations))
        and all(is_djangos(field) for operation in operations for field in fields_of(operation))
        and all(router.startswith("django_tenants.") for router in routers)
    )


def sends_own_statements(operation: Operation) -> bool:
    """Return whether an operation is one of Django's on the schema, or a backfill that calls no function."""
    functions = (operation.function, operation.reverse_function) if type(operation) is Backfill else ()
    return is_schema_operation(operation) or (type(operation) is Backfill and not any(functions))


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

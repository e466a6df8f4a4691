"""The search path of a connection that stays in one schema, set once where django-tenants sets it at every cursor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.models import Field

from auto_migrate.changes.stock_operations import flat
from auto_migrate.fleet.shared_plan import Plan, is_plain
from auto_migrate.tenancy import DjangoTenants, Tenancy


@contextlib.contextmanager
def settled(tenancy: Tenancy) -> Iterator[None]:
    """Let the connection be where it is within a block in which no code of others may lead it elsewhere.

    Half of all round trips are django-tenants' `SET search_path`. What is set outside of a transaction no rollback
    takes back; whoever enters another schema, and a connection that is made anew, has it set at each cursor as ever.
    """
    own = tenancy.connection
    if not isinstance(tenancy, DjangoTenants) or own.in_atomic_block:
        yield
        return

    def unsettle(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection is own:
            tenancy.set_at_every_cursor(True)

    with own.cursor():
        # Which has set it.
        tenancy.set_at_every_cursor(False)
    connection_created.connect(unsettle, weak=False, dispatch_uid=id(unsettle))
    try:
        yield
    finally:
        connection_created.disconnect(dispatch_uid=id(unsettle))
        tenancy.set_at_every_cursor(True)


def calls_nobody(plan: Plan) -> bool:
    """Return whether no code of others is called while a plan is carried out: no function, default, field or router."""
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

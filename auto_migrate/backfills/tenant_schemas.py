"""In which tenant's schema a backfill is: found out where a connection is in one, and entered where one is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.db import connections

from auto_migrate.active_schema import active_schema, within_schema
from auto_migrate.tenancy import NamedSchemas, Tenancy, Tenant, tenancy_of, without_tenants

# Who is meant by the name of a schema, and of which type.
MEANT = "SELECT kind FROM ({named}) AS kept(name, kind) WHERE name::name = %s"


@contextlib.contextmanager
def within_current_schema(alias: str) -> Iterator[str]:
    """Let this thread work in the tenant's schema in which the connection is, whoever has led it there.

    Return its name; empty in the schema that all share, and where there are no tenants.
    """
    tenancy = tenancy_of(alias)
    if active_schema() or tenancy is None:
        yield active_schema()
        return
    schema = current_schema(alias)
    if schema == tenancy.public or (isinstance(tenancy, NamedSchemas) and meant(tenancy, schema) is None):
        schema = ""
    with within_schema(schema):
        yield schema


def current_schema(alias: str) -> str:
    """Return the schema in which a connection would make a table."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0] or "")


def entered(alias: str, schema: str) -> contextlib.AbstractContextManager[None]:
    """Let this thread and its connection be in the schema of a backfill; raise `UsageError` if nobody has tenants."""
    if schema == active_schema():
        return contextlib.nullcontext()
    tenancy = tenancy_of(alias)
    if tenancy is None:
        raise without_tenants(alias)
    return tenancy.entered(meant(tenancy, schema) or Tenant(schema))


def meant(tenancy: Tenancy, schema: str) -> Tenant | None:
    """Return the tenant whose schema has a name, None if none has."""
    for tenant in tenancy.static:
        if tenant.name == schema:
            return tenant
    named, params = tenancy.named()
    with tenancy.connection.cursor() as cursor:
        cursor.execute(MEANT.format(named=named), [*params, schema])
        row = cursor.fetchone()
    return None if row is None else Tenant(schema, row[0] or "")


def forget_content_types(*registries: Apps | Any | None) -> None:
    """Let nobody find content types that Django keeps of another schema, where their numbers are others."""
    for registry in registries:
        if registry is not None and "contenttypes" in registry.app_configs:
            with contextlib.suppress(LookupError):
                registry.get_model("contenttypes", "ContentType").objects.clear_cache()

"""A tenant's schema, known again after somebody has renamed it by the number that it keeps (`pg_namespace.oid`).

In a database that was restored from a dump all numbers are others. So that of the table in which one is noted is noted
along, and where the table has another one by now, names count.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL

from auto_migrate.active_schema import active_schema

IDENTITY = "(SELECT to_regclass(%s)::oid::text || '.' || oid::text FROM pg_namespace WHERE nspname = %s)"
PRESENT = """
    SELECT to_regclass(%s)::oid::text || '.' || noted.number, nspname
    FROM unnest(%s::text[]) AS noted(number) LEFT JOIN pg_namespace ON pg_namespace.oid::text = noted.number
"""


def identity_here(connection: BaseDatabaseWrapper, model: type[models.Model]) -> dict[str, RawSQL]:
    """Return what is noted of the schema that this thread works in with a row of a model; nothing without tenants."""
    if not (schema := active_schema()):
        return {}
    table = connection.ops.quote_name(model._meta.db_table)
    return {"schema_identity": RawSQL(IDENTITY, [table, schema])}  # noqa: S611 # names are parameters


def present_names(
    connection: BaseDatabaseWrapper, model: type[models.Model], identities: Iterable[str]
) -> dict[str, str | None]:
    """Return the names that schemas have now, by what was noted of them; None of one that is gone.

    Those that were noted in another database are left out.
    """
    noted = set(identities)
    if not noted:
        return {}
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(PRESENT, [table, [identity.partition(".")[2] for identity in noted]])
        return {identity: name for identity, name in cursor.fetchall() if identity in noted}

"""Who makes a tenant: code of the project, which holds its schema's lock until all is there, and is named for it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.databases.postgresql.client_releases import tag_of

MAKERS = """
    SELECT DISTINCT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = ANY(%s)
"""


def maker_of(schema: str) -> str:
    """Return the `application_name` under which a schema's tenant is made."""
    return f"tenant {tag_of(schema)}"


def being_made(connection: BaseDatabaseWrapper, schemas: Iterable[str]) -> frozenset[str]:
    """Return those of the schemas whose tenants somebody is making at this moment."""
    makers = {maker_of(schema): schema for schema in schemas}
    with connection.cursor() as cursor:
        cursor.execute(MAKERS, [list(makers)])
        return frozenset(makers[name] for (name,) in cursor.fetchall())

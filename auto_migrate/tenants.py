"""Projects that keep a schema for each of their tenants, with a record of migrations in each.

Whoever looks at one schema knows nothing of the others. Until all of them are migrated here, nobody is told that such a
database is up to date; the project says by `TENANTS` = `none` that the one schema is all there is to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.exceptions import UsageError

# The packages that are known to do this, and what each migrates all schemas with.
COMMANDS: Mapping[str, str] = {
    "django_tenants": "manage.py migrate_schemas",
    "django_pgschemas": "manage.py migrateschema --include-all-schemas",
    "tenant_schemas": "manage.py migrate_schemas",
}


class TenantsUnknown(UsageError):
    """The database has a schema for each tenant, and what state they are in was not looked at."""


def tenants_package(database: str) -> str:
    """Return the package by whose connections the database has tenants, empty if it has none or none are to count."""
    if get_settings().TENANTS == "none":
        return ""
    modules = (kind.__module__.partition(".")[0] for kind in type(connections[database]).__mro__)
    return next((module for module in modules if module in COMMANDS), "")


def refuse_tenants(database: str) -> None:
    """Raise `TenantsUnknown` for a database of which one schema does not tell the state."""
    if not (package := tenants_package(database)):
        return
    raise TenantsUnknown(
        _(
            "{package} keeps a schema for each tenant in database {database!r}, and auto_migrate would look at one of "
            "them only. Nothing was done."
        ).format(package=package, database=database),
        hint=_(
            "Migrate all schemas: {command}\n"
            'If the one schema is all that this project migrates, say so: AUTO_MIGRATE = {{"TENANTS": "none"}}'
        ).format(command=COMMANDS[package]),
    )

"""Backends that keep a schema, or a database, for each tenant in a way that is not known here."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

# Its successor is django-tenants, which knows how to take over.
FORMER = "tenant_schemas"
PACKAGES = frozenset({FORMER, "boardinghouse", "db_multitenant", "rds_db_multitenant"})
# What connections have that can be led into another schema.
SWITCHES = frozenset({"set_schema", "set_tenant"})


def unknown_package(backend: type[BaseDatabaseWrapper]) -> str:
    """Return the package by which a backend keeps its tenants apart, empty if it has none."""
    for kind in backend.__mro__:
        package = kind.__module__.partition(".")[0]
        if package in PACKAGES or not SWITCHES.isdisjoint(vars(kind)):
            return package
    return ""


def ways_to_all(package: str) -> Iterator[str]:
    """Say what to do about such tenants, as lines."""
    if package == FORMER:
        yield _("Migrate all schemas: {command}").format(command="manage.py migrate_schemas")
    else:
        yield _("Migrate all schemas as {package} has it.").format(package=package)
    yield _('If the one schema is all that this project migrates, say so: AUTO_MIGRATE = {"TENANTS": "none"}')

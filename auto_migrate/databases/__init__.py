"""One adapter a vendor: readiness, deploy lock, faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import connections, router
from django.utils.connection import ConnectionDoesNotExist
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.exceptions import UsageError

# Every process of the project loads this package at its start, and most never migrate.
if TYPE_CHECKING:
    from auto_migrate.databases.base import Database

ADAPTERS = {
    "mysql": "auto_migrate.databases.mysql.adapter.MySQL",
    "postgresql": "auto_migrate.databases.postgresql.adapter.PostgreSQL",
    "sqlite": "auto_migrate.databases.sqlite.adapter.SQLite",
}


def migratable() -> list[str]:
    """Return the aliases that may be migrated: no mirrors of others, and none that the routers refuse every app."""
    labels = [config.label for config in apps.get_app_configs()]
    return [
        alias
        for alias in connections
        if not connections[alias].settings_dict["TEST"].get("MIRROR")
        and any(router.allow_migrate(alias, label) for label in labels)
    ]


def adapter_for(alias: str) -> Database:
    """Return the adapter of an alias; raise `UsageError` for an unknown alias or a vendor without a deploy lock."""
    from django.utils.module_loading import import_string

    try:
        vendor = connections[alias].vendor
    except ConnectionDoesNotExist as error:
        known = ", ".join(sorted(connections))
        raise UsageError(
            _("There is no database {alias!r} in DATABASES.").format(alias=alias),
            hint=_("Choose one of: {known}.").format(known=known),
        ) from error
    if vendor in ADAPTERS:
        adapter: Database = import_string(ADAPTERS[vendor])(alias)
        return adapter
    if get_settings().LOCK == "none":
        from auto_migrate.databases.other import Other

        return Other(alias)
    raise UsageError(
        _("auto_migrate has no deploy lock for {vendor} (database {alias!r}).").format(vendor=vendor, alias=alias),
        hint=_('If only one process ever migrates it, say so: AUTO_MIGRATE = {"LOCK": "none"}.'),
    )

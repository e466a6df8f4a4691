"""One adapter a vendor: readiness, deploy lock, faults."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.utils.connection import ConnectionDoesNotExist
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.exceptions import UsageError, summary_of

# Every process of the project loads this package at its start, and most never migrate.
if TYPE_CHECKING:
    from auto_migrate.databases.base import Database

ADAPTERS = {
    "mysql": "auto_migrate.databases.mysql.adapter.MySQL",
    "postgresql": "auto_migrate.databases.postgresql.adapter.PostgreSQL",
    "sqlite": "auto_migrate.databases.sqlite.adapter.SQLite",
}


def migratable() -> list[str]:
    """Return the aliases that may be migrated: no mirrors of others, and none that the routers refuse everything."""
    return [
        alias
        for alias in connections
        if not connections[alias].settings_dict["TEST"].get("MIRROR") and _is_anything_allowed(alias)
    ]


def _is_anything_allowed(alias: str) -> bool:
    """Return whether the routers let any model be migrated on an alias, or any app as a whole."""
    try:
        return _is_allowed(alias)
    except Exception as error:
        raise UsageError(
            _("A router of DATABASE_ROUTERS raised {error} when it was asked about {alias!r}.").format(
                error=summary_of(error), alias=alias
            ),
            hint=_("Mend it, or name the databases: manage.py auto_migrate --database {alias}").format(alias=alias),
        ) from error


def _is_allowed(alias: str) -> bool:
    models = apps.get_models(include_auto_created=True, include_swapped=True)
    if any(router.allow_migrate_model(alias, model) for model in models):
        return True
    # Migrations may do more than to make models, and ask for their app alone.
    with contextlib.suppress(TypeError):
        return any(router.allow_migrate(alias, config.label) for config in apps.get_app_configs())
    # A router that cannot answer without a model has refused them all.
    return False


def adapter_for(alias: str) -> Database:
    """Return the adapter of an alias; raise `UsageError` for an unknown alias or a vendor without a deploy lock."""
    from django.utils.module_loading import import_string

    try:
        vendor = connections[alias].vendor
    except ConnectionDoesNotExist as error:
        raise unknown_alias(alias) from error
    except (ImproperlyConfigured, ImportError) as error:
        engine, reason = settings.DATABASES[alias].get("ENGINE"), str(error).partition("\n")[0]
        raise UsageError(
            _("The ENGINE {engine!r} of DATABASES[{alias!r}] cannot be used: {reason}").format(
                engine=engine, alias=alias, reason=reason
            ),
            hint=_("Correct its name, or install its driver."),
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


def unknown_alias(alias: str) -> UsageError:
    """Return the error that says what there is in the place of an alias that there is not."""
    return UsageError(
        _("There is no database {alias!r} in DATABASES.").format(alias=alias),
        hint=_("Choose one of: {known}.").format(known=", ".join(sorted(connections))),
    )

"""Settings as they may be shown: enough to see what is wrong, and no secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.views.debug import get_default_exception_reporter_filter

from auto_migrate.conf import get_settings
from auto_migrate.redaction import redacted

SHOWN = ("ENGINE", "HOST", "PORT", "NAME", "USER", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS", "ATOMIC_REQUESTS", "OPTIONS")


def scrubbed(value: Any) -> Any:
    """Hide what is secret by its key, as Django's own error pages do, and credentials within any text."""
    if isinstance(value, Mapping):
        return {str(key): scrubbed(_cleansed(str(key), item)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrubbed(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def shown_settings() -> dict[str, Any]:
    """Return AUTO_MIGRATE as it is in force; of the tokens, how many there are."""
    # The clients of the services are imported with it, which nobody but this page and a run that notifies needs.
    from auto_migrate.reporting.notifications.recipient import shown_address

    settings = get_settings()
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    values["TOKEN"] = f"{len(settings.TOKEN)} set" if settings.TOKEN else "not set"
    values["NOTIFY"] = {shown_address(address): list(events) for address, events in settings.NOTIFY.items()}
    # Nothing left in it is a secret, and Django's filter would hide the word TOKEN whatever it holds.
    return {key: value if key == "TOKEN" else scrubbed(value) for key, value in values.items()}


def shown_database(alias: str) -> dict[str, Any]:
    """Return an entry of DATABASES, as the connection has it."""
    settings = connections[alias].settings_dict
    return {key.lower(): scrubbed(settings.get(key)) for key in SHOWN}


def _cleansed(key: str, value: Any) -> Any:
    return get_default_exception_reporter_filter().cleanse_setting(key, value)

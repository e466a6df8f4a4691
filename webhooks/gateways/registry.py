"""The gateways of `settings.GATEWAYS`.

Everything about a gateway follows from its line there: its address, its column's choices, its filters, its secret's
variable. A module that cannot be loaded is refused by the system checks; what is delivered to it all the same is kept,
and processed once the module can be loaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from webhooks import registry
from webhooks.gateways.notice import Notice


@dataclasses.dataclass(frozen=True)
class Gateway:
    """Who sends webhooks: `LABEL` and `read` of its module. `read` raises `MalformedPayload` or `UnknownWord`."""

    name: str
    label: str
    read: Callable[[Mapping[str, Any]], Notice]


def names() -> list[str]:
    """Return the gateways' names, without loading any."""
    return [registry.name_of(path) for path in settings.GATEWAYS]


def get(name: str) -> Gateway:
    """Return the gateway of that name; raise `ImproperlyConfigured` if there is none, or if it cannot be loaded."""
    return load(registry.find(settings.GATEWAYS, name))


def load(path: str) -> Gateway:
    """Load a module's gateway; raise `ImproperlyConfigured`."""
    module = registry.load(path)
    label, read = getattr(module, "LABEL", None), getattr(module, "read", None)
    if not isinstance(label, str) or not label.strip():
        raise ImproperlyConfigured(f"{path!r} has no LABEL, the gateway's name for people.")
    if not callable(read):
        raise ImproperlyConfigured(f"{path!r} has no function read(payload).")
    return Gateway(registry.name_of(path), label, read)


def choices() -> list[tuple[str, str]]:
    """Return names with their labels. Models take the function itself, so that no migration lists the gateways."""
    return [(name, _label(name)) for name in names()]


def _label(name: str) -> str:
    try:
        return get(name).label
    except ImproperlyConfigured:  # the system checks tell
        return name

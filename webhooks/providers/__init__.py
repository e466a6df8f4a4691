"""Who carries the SMS: one module a provider, listed in `settings.SMS_PROVIDERS` and chosen by `SMS_PROVIDER`.

A module has `provider`, which makes what `webhooks.providers.base.Provider` describes, and `SETTINGS`, the names of
what must be set, if it needs any.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from webhooks import registry
from webhooks.providers.base import (
    AccountTrouble,
    NotSent,
    OptedOut,
    OutcomeUnknown,
    Provider,
    ProviderError,
    Rejected,
    setting,
)

__all__ = [
    "AccountTrouble", "NotSent", "OptedOut", "OutcomeUnknown", "Provider", "ProviderError", "Rejected",
    "get_provider", "missing_settings", "names", "setting",
]  # fmt: skip


def names() -> list[str]:
    """Return the names that `SMS_PROVIDER` may have."""
    return [registry.name_of(path) for path in settings.SMS_PROVIDERS]


def missing_settings(name: str) -> list[str]:
    """Return what that provider needs and nobody has set; raise `ImproperlyConfigured` if it cannot be loaded."""
    path = registry.find(settings.SMS_PROVIDERS, name)
    module = registry.load(path)
    if not callable(getattr(module, "provider", None)):
        raise ImproperlyConfigured(f"{path!r} has no provider, which makes one.")
    return [needed for needed in getattr(module, "SETTINGS", ()) if not setting(needed)]


def get_provider(name: str) -> Provider:
    """Make the provider of that name, with today's settings; raise `NotSent` if there is none (any more)."""
    try:
        module = registry.load(registry.find(settings.SMS_PROVIDERS, name))
    except ImproperlyConfigured as error:
        raise NotSent(f"No provider: {error}") from error
    provider: Provider = module.provider()
    return provider

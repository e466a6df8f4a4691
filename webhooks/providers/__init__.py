"""Who carries the SMS: one module a provider, chosen by `SMS_PROVIDER`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webhooks.providers.base import NotSent, OutcomeUnknown, Provider, ProviderError, Rejected
from webhooks.providers.console import ConsoleProvider
from webhooks.providers.twilio import TwilioProvider

__all__ = ["PROVIDERS", "NotSent", "OutcomeUnknown", "Provider", "ProviderError", "Rejected", "get_provider"]

PROVIDERS: Mapping[str, Callable[[], Provider]] = {"console": ConsoleProvider, "twilio": TwilioProvider}


def get_provider(name: str) -> Provider:
    """Make the provider of that name, with today's settings."""
    return PROVIDERS[name]()

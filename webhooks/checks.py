"""System checks: settings that would only fail once an SMS is due are refused when the service starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import resolve, reverse

from webhooks import gateways, providers, registry, signatures
from webhooks.models import Payment
from webhooks.texts import recovery_text

NAME_HINT = "Call its module by a word of small letters, digits and underscores, 20 at most."
NAME = r"[a-z][a-z0-9_]{0,19}"
"""A gateway's is part of an address and of a variable; a provider's is chosen by; both are kept, in 20 characters."""


@register
def check_template(**_: Any) -> list[CheckMessage]:
    """Fill the template in once."""
    try:
        text = recovery_text(Payment(customer_name="Ana", amount=100))
    except (LookupError, ValueError, AttributeError) as error:
        told, hint = f"SMS_TEMPLATE cannot be filled in: {error!r}.", "Use {name}, {amount} and {pix_code} only."
        return [Error(told, hint=hint, id="webhooks.E001")]
    return [] if text.strip() else [Error("SMS_TEMPLATE is blank.", hint="unset SMS_TEMPLATE", id="webhooks.E001")]


@register
def check_provider(**_: Any) -> list[CheckMessage]:
    """Look for the provider and what it needs."""
    if not re.fullmatch(NAME, settings.SMS_PROVIDER):
        told = f"SMS_PROVIDER={settings.SMS_PROVIDER!r} is no name of a provider."
        return [Error(told, hint=NAME_HINT, id="webhooks.E002")]
    try:
        missing = providers.missing_settings(settings.SMS_PROVIDER)
    except ImproperlyConfigured as error:
        told = f"SMS_PROVIDER={settings.SMS_PROVIDER!r} cannot be used: {error}"
        return [Error(told, hint=f"export SMS_PROVIDER={'|'.join(providers.names())}", id="webhooks.E002")]
    return [Error(f"{name} is not set.", hint=f"export {name}=…", id="webhooks.E003") for name in missing]


@register
def check_gateways(**_: Any) -> list[CheckMessage]:
    """Load every gateway."""
    paths: object = settings.GATEWAYS
    if not isinstance(paths, list | tuple):
        hint = "Write a list of dotted paths, a line each."
        return [Error(f"GATEWAYS={paths!r} is no list.", hint=hint, id="webhooks.E004")]
    return [error for path in paths for error in _gateway_errors(path)]


@register
def check_signing_secrets(**_: Any) -> list[CheckMessage]:
    """Decode every signing secret; none of them is told."""
    return [
        error for name, secrets in settings.GATEWAY_SIGNING_SECRETS.items() for error in _secret_errors(name, secrets)
    ]


def _secret_errors(name: str, secrets: list[str]) -> Iterator[CheckMessage]:
    for place, secret in enumerate(secrets, start=1):
        try:
            signatures.key(secret)
        except ValueError as error:
            told = f"{name.upper()}_WEBHOOK_SIGNING_SECRET, number {place}, is no signing secret. {error}"
            yield Error(told, hint="Copy it from the gateway: whsec_ and base64.", id="webhooks.E006")


def _gateway_errors(path: str) -> Iterator[CheckMessage]:
    name = registry.name_of(path)
    if not re.fullmatch(NAME, name):
        yield Error(f"{name!r}, of GATEWAYS, is no name of a gateway.", hint=NAME_HINT, id="webhooks.E005")
    elif gateways.names().count(name) > 1:
        hint = "Take a line out of GATEWAYS, or call the module something else."
        yield Error(f"GATEWAYS names {name!r} more than once.", hint=hint, id="webhooks.E005")
    elif resolve(address := reverse("gateway", args=[name])).url_name != "gateway":
        hint = f"Call the module of {path} something else."
        yield Error(f"The gateway {name!r} cannot have {address}, which is taken.", hint=hint, id="webhooks.E005")
    try:
        gateways.load(path)
    except ImproperlyConfigured as error:
        hint = f'python -c "import {path}" tells more; how a gateway is added is in docs/sms_sender.md.'
        yield Error(str(error), hint=hint, id="webhooks.E004")

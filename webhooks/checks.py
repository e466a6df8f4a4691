"""System checks: settings that would only fail once an SMS is due are refused when the service starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from django.urls import NoReverseMatch, resolve, reverse

from webhooks import gateways, providers, registry, signatures
from webhooks.hours import parse_hours
from webhooks.models import Payment
from webhooks.start import TAG
from webhooks.states import REMINDERS
from webhooks.texts import fill_in, payment_url

NAME_HINT = "Call its module by a word of small letters, digits and underscores, 20 at most."
NAME = r"[a-z][a-z0-9_]{0,19}"
"""A gateway's is part of an address and of a variable; a provider's is chosen by; both are kept, in 20 characters."""


@register(TAG)
def check_template(**_: Any) -> list[CheckMessage]:
    """Fill each template in once, unless the link cannot be, which another check tells."""
    if check_payment_url():
        return []
    templates = {"SMS_TEMPLATE": settings.SMS_TEMPLATE, **settings.SMS_TEMPLATES}
    return [error for variable, template in templates.items() for error in _template_errors(variable, template)]


def _template_errors(variable: str, template: str) -> Iterator[CheckMessage]:
    try:
        text = fill_in(template, Payment(customer_name="Ana", amount=100))
    except (LookupError, ValueError, AttributeError) as error:
        told = f"{variable}={template!r} cannot be filled in: {error!r}."
        yield Error(told, hint="Use {name}, {amount}, {link} and {pix_code} only.", id="webhooks.E001")
        return
    if not text.strip():
        yield Error(f"{variable} is blank.", hint=f"unset {variable}", id="webhooks.E001")


@register(TAG)
def check_reminders(**_: Any) -> list[CheckMessage]:
    """Count the reminders."""
    most = max(REMINDERS)
    if most >= settings.SMS_REMINDERS:
        return []
    told = f"SMS_REMINDERS={settings.SMS_REMINDERS}: a payment has at most {most}."
    return [Error(told, hint=f"export SMS_REMINDERS={most}", id="webhooks.E013")]


@register(TAG)
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
    needed = f"(SMS_PROVIDER={settings.SMS_PROVIDER} needs it)"
    return [Error(f"{name} is not set.", hint=f"export {name}=… {needed}", id="webhooks.E003") for name in missing]


@register(TAG)
def check_countries(**_: Any) -> list[CheckMessage]:
    """Look the countries up."""
    return [
        Error(f"SMS_COUNTRIES names {name!r}, which is no country.", hint="export SMS_COUNTRIES=BR", id="webhooks.E008")
        for name in settings.SMS_COUNTRIES
        if name not in phonenumbers.SUPPORTED_REGIONS
    ]


@register(TAG)
def check_hours(**_: Any) -> list[CheckMessage]:
    """Read the hours."""
    errors: list[CheckMessage] = []
    for name, example in (("SMS_HOURS", "09:00-21:00"), ("SMS_SATURDAY_HOURS", "10:00-16:00")):
        try:
            parse_hours(getattr(settings, name))
        except ValueError as error:
            told = f"{name}={getattr(settings, name)!r}: {error}"
            errors.append(Error(told, hint=f"export {name}={example}", id="webhooks.E006"))
    return errors


@register(TAG)
def check_payment_url(**_: Any) -> list[CheckMessage]:
    """Fill the link in once."""
    if not settings.PAYMENT_URL:
        return []
    hint = "export PAYMENT_URL='https://shop.example/pay/{id}', with {gateway}, {id} and {external_id} if you like."
    try:
        url = payment_url(Payment(gateway="ghostpay", gateway_id="1", external_id="2"))
    except (LookupError, ValueError, AttributeError) as error:
        told = f"PAYMENT_URL={settings.PAYMENT_URL!r} cannot be filled in: {error!r}."
        return [Error(told, hint=hint, id="webhooks.E007")]
    if not _is_page(url):
        told = f"PAYMENT_URL={settings.PAYMENT_URL!r} is no address of a page."
        return [Error(told, hint=hint, id="webhooks.E007")]
    return []


@register(TAG)
def check_public_url(**_: Any) -> list[CheckMessage]:
    """Look at the address under which providers reach this service, and at the one where Twilio is reached."""
    examples = {"PUBLIC_URL": "https://sms.example.com", "TWILIO_BASE_URL": "https://api.twilio.com"}
    return [
        Error(f"{name}={getattr(settings, name)!r} is no address.", hint=f"export {name}={example}", id="webhooks.E009")
        for name, example in examples.items()
        if getattr(settings, name) and not _is_page(getattr(settings, name))
    ]


@register(TAG)
def check_alarms(**_: Any) -> list[CheckMessage]:
    """Look at the addresses that are told of alarms."""
    errors: list[CheckMessage] = []
    for address in settings.ALARM_EMAILS:
        try:
            validate_email(address)
        except ValidationError:
            told = f"ALARM_EMAILS has {address!r}, which is no address."
            errors.append(Error(told, hint="export ALARM_EMAILS=ana@shop.example,bia@shop.example", id="webhooks.E011"))
    if settings.ALARM_WEBHOOK_URL and not _is_page(settings.ALARM_WEBHOOK_URL):
        # Not the value: it may hold a secret.
        hint = "export ALARM_WEBHOOK_URL=https://hooks.example/…"
        errors.append(Error("ALARM_WEBHOOK_URL is no address.", hint=hint, id="webhooks.E012"))
    return errors


def _is_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url)


@register
def check_gateways(**_: Any) -> list[CheckMessage]:
    """Load every gateway."""
    paths: object = settings.GATEWAYS
    if not isinstance(paths, list | tuple):
        hint = "Write a list of dotted paths, a line each."
        return [Error(f"GATEWAYS={paths!r} is no list.", hint=hint, id="webhooks.E004")]
    return [error for path in paths for error in _gateway_errors(path)]


@register(TAG)
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
            problem = f"{name.upper()}_WEBHOOK_SIGNING_SECRET, number {place}, is no signing secret. {error}"
            yield Error(problem, hint="Copy it from the gateway: whsec_ and base64.", id="webhooks.E010")


def address_of(name: str) -> str:
    """Return the address of a gateway, empty where the project serves none."""
    try:
        return reverse("gateway", args=[name])
    except NoReverseMatch:
        return ""


def _gateway_errors(path: str) -> Iterator[CheckMessage]:
    name = registry.name_of(path)
    if not re.fullmatch(NAME, name):
        yield Error(f"{name!r}, of GATEWAYS, is no name of a gateway.", hint=NAME_HINT, id="webhooks.E005")
    elif gateways.names().count(name) > 1:
        hint = "Take a line out of GATEWAYS, or call the module something else."
        yield Error(f"GATEWAYS names {name!r} more than once.", hint=hint, id="webhooks.E005")
    elif (address := address_of(name)) and resolve(address).url_name != "gateway":
        hint = f"Call the module of {path} something else."
        yield Error(f"The gateway {name!r} cannot have {address}, which is taken.", hint=hint, id="webhooks.E005")
    try:
        gateways.load(path)
    except ImproperlyConfigured as error:
        hint = f'python -c "import {path}" tells more; how a gateway is added is in docs/sms_sender.md.'
        yield Error(str(error), hint=hint, id="webhooks.E004")

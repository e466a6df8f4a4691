"""System checks: settings that would only fail once an SMS is due are refused when the service starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from webhooks.models import Payment
from webhooks.providers import PROVIDERS
from webhooks.texts import recovery_text

TWILIO = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")


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
    if settings.SMS_PROVIDER not in PROVIDERS:
        told = f"SMS_PROVIDER={settings.SMS_PROVIDER!r} is not known."
        return [Error(told, hint=f"export SMS_PROVIDER={'|'.join(PROVIDERS)}", id="webhooks.E002")]
    missing = [name for name in TWILIO if settings.SMS_PROVIDER == "twilio" and not getattr(settings, name)]
    return [Error(f"{name} is not set.", hint=f"export {name}=…", id="webhooks.E003") for name in missing]

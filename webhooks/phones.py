"""Phone numbers: from whatever a gateway sends to E.164, and from E.164 to what a log may show."""

from __future__ import annotations

import phonenumbers

COUNTRY = "BR"
"""Where a number without a country code is from."""


def to_e164(number: str) -> str:
    """Return the number in E.164, or an empty text if there is no such number."""
    # Gateways also send "5511999887766": with its length, only the country code can be what comes first.
    candidates = (number, f"+{number.strip()}")
    return next((found for candidate in candidates if (found := _parse(candidate))), "")


def _parse(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, COUNTRY)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(parsed):
        return ""
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def mask(phone: str) -> str:
    """Hide the middle of a number: `+55119…7766`."""
    return f"{phone[:6]}…{phone[-4:]}" if len(phone) > 10 else "…" * bool(phone)

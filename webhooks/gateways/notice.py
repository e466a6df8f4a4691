"""What a delivery says, in our words, and how to take it out of a payload that nobody vouches for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from webhooks.phones import to_e164
from webhooks.states import PaymentMethod, PaymentStatus

MAX_AMOUNT = 10**12
"""Centavos; anything above is no payment."""

Word = TypeVar("Word", PaymentStatus, PaymentMethod)


class MalformedPayload(ValueError):
    """The payload lacks what every delivery of this gateway has."""


class UnknownWord(ValueError):
    """A status or method that this code does not know: kept, and not acted upon. An alarm shows `word`."""

    def __init__(self, message: str, *, word: str = "") -> None:
        super().__init__(message)
        self.word = (word or message)[:100]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notice:
    """A delivery's content; instants are None where the gateway does not say.

    `status_at` is when the status was taken, `issued_at` when the payment was made out. Raise `ValueError` for a status
    or a method that is none of ours.
    """

    gateway_id: str
    status: PaymentStatus
    method: PaymentMethod
    amount: int
    status_at: datetime | None = None
    issued_at: datetime | None = None
    external_id: str = ""
    customer_name: str = ""
    customer_phone: str = ""
    customer_email: str = ""
    pix_code: str = ""
    expires_at: datetime | None = None
    paid_at: datetime | None = None

    def __post_init__(self) -> None:
        # The gateway's own word, kept as it is, would be a status that nothing here acts upon.
        PaymentStatus(self.status)
        PaymentMethod(self.method)


def identity(payload: Mapping[str, Any], key: str) -> str:
    """Take the payment's id, without which nothing can be done."""
    value = payload.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or value != clean(value) or len(value) > 200:
        raise MalformedPayload(_("{key} must be a text of 1 to 200 printable characters.").format(key=key))
    return value.strip()


def centavos(payload: Mapping[str, Any], key: str) -> int:
    """Take an amount."""
    value = payload.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_AMOUNT:
        told = _("{key} must be a whole number of centavos from 0 to {most}.")
        raise MalformedPayload(told.format(key=key, most=MAX_AMOUNT))
    return value


def word(payload: Mapping[str, Any], key: str, known: Mapping[str, Word]) -> Word:
    """Translate a status or method, written in whatever case, into ours."""
    value = payload.get(key)
    if not isinstance(value, str):
        raise MalformedPayload(_("{key} must be a text.").format(key=key))
    wanted = value.strip().casefold()
    for candidate, ours in known.items():
        if candidate.casefold() == wanted:
            return ours
    word = f"{key} {clean(value)[:50]!r}"
    raise UnknownWord(_("{word} is not one of {known}.").format(word=word, known=", ".join(known)), word=word)


def section(payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Take a nested object; one that is absent is empty."""
    value = payload.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedPayload(_("{key} must be an object.").format(key=key))
    return value


def text(payload: Mapping[str, Any], key: str, *, limit: int) -> str:
    """Take an optional text; what is no text counts as absent."""
    value = payload.get(key)
    return clean(value).strip()[:limit] if isinstance(value, str) else ""


def phone(payload: Mapping[str, Any], *keys: str) -> str:
    """Take the first of `keys` that holds a phone number, in E.164."""
    values = (str(payload[key]) for key in keys if isinstance(payload.get(key), str | int))
    return next((found for value in values if (found := to_e164(value[:40]))), "")


def moment(payload: Mapping[str, Any], key: str) -> datetime | None:
    """Take an optional ISO 8601 instant; what is none counts as absent, and a naive one is local time."""
    value = payload.get(key)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None:
            return None
        aware = found if found.tzinfo else found.replace(tzinfo=timezone.get_default_timezone())
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clean(value: str) -> str:
    """Drop what no text column takes (NUL, lone surrogates) and no person types (control characters)."""
    return "".join(character for character in value if character.isprintable())

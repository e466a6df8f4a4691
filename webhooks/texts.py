"""What the SMS says."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from django.conf import settings

from webhooks.models import Payment

NAMELESS = "cliente"
LONGEST_NAME = 20
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""What an SMS writes in seven bits (3GPP TS 23.038, 6.2.1); one letter else, and 70 fill a segment instead of 160."""


def reais(centavos: int) -> str:
    """Write an amount as Brazilians do: `R$ 1.234,56`."""
    whole, rest = divmod(centavos, 100)
    return f"R$ {whole:,}".replace(",", ".") + f",{rest:02}"


def payment_url(payment: Payment) -> str:
    """Fill in `PAYMENT_URL`; an empty text if there is none."""
    values = {"gateway": payment.gateway, "id": payment.gateway_id, "external_id": payment.external_id}
    escaped = {name: quote(value, safe="") for name, value in values.items()}
    return str(settings.PAYMENT_URL).format(**escaped)


def recovery_text(payment: Payment) -> str:
    """Fill in `SMS_TEMPLATE`: `{name}` (the first one), `{amount}`, `{pix_code}`."""
    values = {"name": first_name(payment.customer_name), "amount": reais(payment.amount), "pix_code": payment.pix_code}
    return str(settings.SMS_TEMPLATE).format(**values)


def first_name(full: str) -> str:
    """Return what to call somebody: anybody at a checkout may have typed it, and it must not carry a link or a text."""
    first = next(iter(full.split()), "")
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFC", first))
    return plain if plain.isalpha() and len(plain) <= LONGEST_NAME and GSM_7.issuperset(plain) else NAMELESS


def _plain(letter: str) -> str:
    """Take the accent off a letter that would not fit into seven bits: `João` becomes `Joao`."""
    return letter if letter in GSM_7 else unicodedata.normalize("NFD", letter)[0]

"""What the SMS says."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from django.conf import settings

from webhooks.models import Payment

NAMELESS = "cliente"
BR_CODE = re.compile(r"000201[\x20-\x7e]{0,506}")
"""What a PIX code looks like (Banco Central, “Manual de Padrões para Iniciação do Pix”); nothing else is sent on."""
LONGEST_NAME = 20
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_TWICE = frozenset("\f^{}\\[~]|€")
"""What takes an escape before it, and so the place of two."""
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


def template_of(gateway: str, number: int = 1) -> str:
    """Return the text that a gateway's customers get as their first, second or third reminder.

    `<GATEWAY>_SMS_TEMPLATE_2`, say; else the gateway's for all, else that reminder's for all gateways, else
    `SMS_TEMPLATE`.
    """
    own = f"{gateway.upper()}_SMS_TEMPLATE"
    found = (settings.SMS_TEMPLATES.get(name) for name in (f"{own}_{number}", own, f"SMS_TEMPLATE_{number}"))
    return next(filter(None, found), str(settings.SMS_TEMPLATE))


def recovery_text(payment: Payment, number: int = 1) -> str:
    """Return what the payment's customer is sent as their first, second or third reminder."""
    return fill_in(template_of(payment.gateway, number), payment)


def fill_in(template: str, payment: Payment) -> str:
    """Fill in `{name}` (the first one), `{amount}`, `{link}`, `{pix_code}`.

    `{link}` is the payment's page, else its PIX code, else nothing, which leaves no gap.
    """
    pix_code = payment.pix_code if BR_CODE.fullmatch(payment.pix_code) else ""
    text = template.format(
        name=first_name(payment.customer_name),
        amount=reais(payment.amount),
        link=payment_url(payment) or pix_code,
        pix_code=pix_code,
    )
    return text if pix_code in text and pix_code else re.sub(" {2,}", " ", text).strip()


def segments(text: str) -> int:
    """Return how many SMS a text is sent as, and paid for: joined ones lose some room to what joins them."""
    if GSM_7.union(GSM_7_TWICE).issuperset(text):
        length, alone, joined = len(text) + sum(letter in GSM_7_TWICE for letter in text), 160, 153
    else:
        length, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)


def unusual_letters(text: str) -> list[str]:
    """Return the letters that are not of seven bits, each of which makes every segment shorter than half."""
    return sorted(set(text) - GSM_7 - GSM_7_TWICE)


def first_name(full: str) -> str:
    """Return what to call somebody: anybody at a checkout may have typed it, and it must not carry a link or a text."""
    first = next(iter(full.split()), "")
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFC", first))
    return plain if plain.isalpha() and len(plain) <= LONGEST_NAME and GSM_7.issuperset(plain) else NAMELESS


def _plain(letter: str) -> str:
    """Take the accent off a letter that would not fit into seven bits: `João` becomes `Joao`."""
    return letter if letter in GSM_7 else unicodedata.normalize("NFD", letter)[0]

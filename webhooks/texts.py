"""What the SMS says."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings

from webhooks.models import Payment

NAMELESS = "cliente"


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
    first_name = next(iter(payment.customer_name.split()), NAMELESS)
    return str(settings.SMS_TEMPLATE).format(name=first_name, amount=reais(payment.amount), pix_code=payment.pix_code)

"""A gateway that lives outside the service: one module, for `settings.GATEWAYS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.gateways import Notice, notice
from webhooks.states import PaymentMethod, PaymentStatus

LABEL = "LunaPay"
PAYLOAD = {
    "charge": "lp_1",
    "state": "open",
    "kind": "pix",
    "cents": 4990,
    "payer": {"name": "Ana Souza", "phone": "11999887766"},
}


def read(payload: Mapping[str, Any]) -> Notice:
    """Return what the delivery says."""
    payer = notice.section(payload, "payer")
    return Notice(
        gateway_id=notice.identity(payload, "charge"),
        status=notice.word(payload, "state", {"open": PaymentStatus.WAITING}),
        method=notice.word(payload, "kind", {"pix": PaymentMethod.PIX}),
        amount=notice.centavos(payload, "cents"),
        customer_name=notice.text(payer, "name", limit=200),
        customer_phone=notice.phone(payer, "phone"),
    )

"""TriboPay: lower-case words, the payment under `transaction`, and no time of change but `paid_at`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.gateways import notice
from webhooks.gateways.notice import Notice
from webhooks.states import PaymentMethod, PaymentStatus

LABEL = "TriboPay"
STATUSES: Mapping[str, PaymentStatus] = {
    "waiting_payment": PaymentStatus.WAITING,
    "waiting": PaymentStatus.WAITING,
    "paid": PaymentStatus.PAID,
    "authorized": PaymentStatus.AUTHORIZED,
    "refused": PaymentStatus.REFUSED,
    "cancelled": PaymentStatus.CANCELLED,
    "refunded": PaymentStatus.REFUNDED,
}
METHODS: Mapping[str, PaymentMethod] = {
    "pix": PaymentMethod.PIX,
    "credit_card": PaymentMethod.CREDIT_CARD,
    "debit_card": PaymentMethod.DEBIT_CARD,
    "bank_slip": PaymentMethod.BOLETO,
}


def read(payload: Mapping[str, Any]) -> Notice:
    """Return what the delivery says; raise `MalformedPayload` or `UnknownWord`."""
    customer = notice.section(payload, "customer")
    transaction = notice.section(payload, "transaction")
    status = notice.word(payload, "status", STATUSES)
    paid_at = notice.moment(payload, "paid_at")
    return Notice(
        gateway_id=notice.identity(transaction, "id"),
        status=status,
        method=notice.word(payload, "method", METHODS),
        amount=notice.centavos(transaction, "amount"),
        issued_at=notice.moment(payload, "created_at"),
        # `created_at` is the payment's birth, the same in every delivery, and tells nothing about their order.
        status_at=paid_at if status == PaymentStatus.PAID else None,
        customer_name=notice.text(customer, "name", limit=200),
        customer_phone=notice.phone(customer, "phone_number", "phone"),
        customer_email=notice.text(customer, "email", limit=254),
        paid_at=paid_at,
    )

"""GhostPay: upper-case words, `updatedAt` on every delivery, phones as bare national numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.gateways import notice
from webhooks.gateways.notice import Notice
from webhooks.states import PaymentMethod, PaymentStatus

LABEL = "GhostPay"
STATUSES: Mapping[str, PaymentStatus] = {
    "PENDING": PaymentStatus.WAITING,
    "IN_REVIEW": PaymentStatus.IN_REVIEW,
    "APPROVED": PaymentStatus.PAID,
    "REJECTED": PaymentStatus.REFUSED,
    "REFUNDED": PaymentStatus.REFUNDED,
    "CHARGEBACK": PaymentStatus.CHARGEBACK,
}
METHODS: Mapping[str, PaymentMethod] = {
    "PIX": PaymentMethod.PIX,
    "CREDIT_CARD": PaymentMethod.CREDIT_CARD,
    "DEBIT_CARD": PaymentMethod.DEBIT_CARD,
    "BOLETO": PaymentMethod.BOLETO,
    "BILLET": PaymentMethod.BOLETO,
}


def read(payload: Mapping[str, Any]) -> Notice:
    """Return what the delivery says; raise `MalformedPayload` or `UnknownWord`."""
    customer = notice.section(payload, "customer")
    status = notice.word(payload, "status", STATUSES)
    status_at = notice.moment(payload, "updatedAt")
    return Notice(
        gateway_id=notice.identity(payload, "paymentId"),
        status=status,
        method=notice.word(payload, "paymentMethod", METHODS),
        amount=notice.centavos(payload, "totalValue"),
        status_at=status_at,
        issued_at=notice.moment(payload, "createdAt"),
        external_id=notice.text(payload, "externalId", limit=200),
        customer_name=notice.text(customer, "name", limit=200),
        customer_phone=notice.phone(customer, "phone"),
        customer_email=notice.text(customer, "email", limit=254),
        pix_code=notice.text(payload, "pixCode", limit=2000),
        expires_at=notice.moment(payload, "expiresAt"),
        paid_at=status_at if status == PaymentStatus.PAID else None,
    )

"""Keeping payments up to date with deliveries that arrive many times and out of order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from webhooks import inserts, queue
from webhooks.gateways import Notice
from webhooks.models import Payment
from webhooks.states import PaymentStatus

FORGOTTEN = {"customer_name": "", "customer_phone": "", "customer_email": "", "pix_code": ""}
"""What a payment tells of its customer, and what stands there once that is forgotten."""

CLOCK_TOLERANCE = timedelta(days=1)
"""A status from further in the future is a broken clock's; believed, it would outdate every delivery to come."""


def record(gateway: str, notice: Notice, is_known: Callable[[], bool]) -> Payment:
    """Bring the payment up to date with what a delivery says, and its SMS with the payment, in the open transaction.

    `is_known` is asked once nobody else can record anything of this payment, and tells whether this delivery has been
    recorded before.
    """
    told: dict[str, Any] = vars(notice).copy()
    if notice.status_at is not None and notice.status_at > timezone.now() + CLOCK_TOLERANCE:
        told["status_at"] = None
    payment = Payment(gateway=gateway, **told)
    if inserted := inserts.insert(payment, conflict="gateway, gateway_id"):
        (payment.pk,) = inserted
        payment._state.adding = False
    else:
        payment = Payment.objects.select_for_update().get(gateway=gateway, gateway_id=notice.gateway_id)
        if is_known():
            return payment
        if payment.anonymized_at is not None:
            told = {name: value for name, value in told.items() if name not in FORGOTTEN}
        if supersedes(payment, notice.status, told["status_at"]):
            _update(payment, told)
    queue.follow(payment)
    return payment


def supersedes(payment: Payment, status: PaymentStatus, status_at: datetime | None) -> bool:
    """Return whether a report is at least as late as what is known.

    The gateway's own times decide, and the statuses' rank where these are missing or equal. Times are not believed when
    they would turn a payment that was made into one that is awaited: a customer who has paid must not be asked to.
    """
    known = PaymentStatus(payment.status)
    contradicts = known.money_moved != status.money_moved and (known.is_open or status.is_open)
    if contradicts or payment.status_at is None or status_at is None or payment.status_at == status_at:
        return status.rank >= known.rank
    return status_at > payment.status_at


def _update(payment: Payment, told: dict[str, object]) -> None:
    for field, value in told.items():
        # A delivery that leaves something out does not say that it is gone.
        if value not in ("", None):
            setattr(payment, field, value)
    payment.save()

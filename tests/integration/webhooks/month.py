"""A month that nobody had: payments, deliveries and SMS in every state."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import datetime, timedelta

from webhooks.models import Payment, RecoverySMS, WebhookEvent

OUTCOMES = {"sent": 60, "failed": 5, "cancelled": 15, "unknown": 5, "scheduled": 15}
PHONE = "+5511999887766"


def fill(chance: random.Random, now: datetime, *, payments: int, prefix: str = "gp") -> None:
    """Make up so many payments of the last 35 days, each with a delivery and an SMS, and some with two; none later."""
    moments = [now - timedelta(days=35 * chance.random()) for _ in range(payments)]
    rows = [_payment(chance, moment, now, f"{prefix}_{number}") for number, moment in enumerate(moments)]
    Payment.objects.bulk_create(rows)
    sms = [_sms(chance, payment, moment, now) for payment, moment in zip(rows, moments, strict=True)]
    sms += [_further(chance, first, now) for first in sms if first.sent_at and chance.random() < 0.3]
    made = [row.created_at for row in sms]
    RecoverySMS.objects.bulk_create(sms)
    for row, moment in zip(sms, made, strict=True):  # which Django has dated today
        row.created_at = moment
    RecoverySMS.objects.bulk_update(sms, ["created_at"])
    WebhookEvent.objects.bulk_create([_event(chance, payment, now) for payment in rows])


def _payment(chance: random.Random, moment: datetime, now: datetime, identity: str) -> Payment:
    paid_at = min(now, moment + timedelta(minutes=chance.randint(1, 300))) if chance.random() < 0.5 else None
    told = chance.random() < 0.8  # a gateway that says when; the others say it by the status
    return Payment(
        gateway=chance.choice(["ghostpay", "tribopay"]), gateway_id=identity, external_id=f"pedido-{identity}",
        status="paid" if paid_at else "waiting", method="pix", amount=chance.randint(100, 90000),
        customer_name="Ana Souza",
        customer_phone=PHONE, customer_email="ana@example.com", paid_at=paid_at if told else None,
        status_at=paid_at or moment,
    )  # fmt: skip


def _sms(chance: random.Random, payment: Payment, moment: datetime, now: datetime) -> RecoverySMS:
    [status] = chance.choices(list(OUTCOMES), list(OUTCOMES.values()))
    due_at = now + timedelta(minutes=chance.randint(-30, 300)) if status == "scheduled" else moment
    went_out = status in {"sent", "unknown"}
    return RecoverySMS(
        payment=payment, status=status, due_at=due_at, phone=PHONE, segments=chance.choice([1, 2]) if went_out else 0,
        claimed_at=moment if went_out else None,
        sent_at=min(now, moment + timedelta(minutes=10)) if status == "sent" else None,
        delivery_status=chance.choice(["delivered", "undelivered", "sent", ""]) if status == "sent" else "",
        created_at=moment,
    )  # fmt: skip


def _further(chance: random.Random, first: RecoverySMS, now: datetime) -> RecoverySMS:
    sent_at = min(now, first.created_at + timedelta(minutes=chance.randint(60, 120)))
    return RecoverySMS(
        payment=first.payment, number=2, status="sent", due_at=sent_at, phone=PHONE, segments=1, claimed_at=sent_at,
        sent_at=sent_at, created_at=first.created_at,
    )  # fmt: skip


def _event(chance: random.Random, payment: Payment, now: datetime) -> WebhookEvent:
    text = json.dumps(
        {"paymentId": payment.gateway_id, "customer": {"phone": "11999887766", "document": "00000000191"}}
    )
    [status] = chance.choices(["processed", "ignored", "rejected", "failed"], [90, 5, 3, 2])
    return WebhookEvent(
        gateway=payment.gateway, digest=hashlib.sha256(text.encode()).hexdigest(), payload=text, status=status,
        payment=payment, received_at=now - timedelta(hours=60 * chance.random() ** 2),
    )  # fmt: skip

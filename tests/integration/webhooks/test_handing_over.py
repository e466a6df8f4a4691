"""The broker is given as many SMS as it can bear, and never one that it has already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from webhooks import queue
from webhooks.models import Payment, RecoverySMS
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db


def make_due(count: int) -> list[int]:
    """Return the keys of due SMS, the one first that has been due for longest."""
    told = {"gateway": "ghostpay", "status": "waiting", "method": "pix", "amount": 9990}
    payments = [Payment.objects.create(gateway_id=f"gp_{number}", **told) for number in range(count)]
    now = timezone.now()
    return [
        RecoverySMS.objects.create(payment=payment, due_at=now - timedelta(seconds=count - number)).pk
        for number, payment in enumerate(payments)
    ]


def test_no_more_than_a_batch_is_in_the_brokers_hands(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(queue, "BATCH", 2)
    keys = make_due(5)
    assert queue.take_due() == keys[:2]
    assert queue.take_due() == []
    RecoverySMS.objects.filter(pk=keys[0]).update(status=SMSStatus.SENT)
    assert queue.take_due() == [keys[2]]
    # Their messages were lost: they come again, and before those that are due later.
    lost = timezone.now() - timedelta(seconds=settings.SMS_REDISPATCH_AFTER + 1)
    RecoverySMS.objects.filter(pk__in=keys[1:3]).update(dispatched_at=lost)
    assert queue.take_due() == keys[1:3]

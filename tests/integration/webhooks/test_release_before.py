"""The first release's code works on today's schema: a deploy has both run side by side."""

from __future__ import annotations

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.fake_twilio import FakeTwilio
from webhooks import queue, sending
from webhooks.models import RecoverySMS
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def before() -> Apps:
    """Return the models of the first release."""
    return MigrationLoader(connection).project_state(("webhooks", "0001_initial")).apps


def test_what_it_writes_is_read_and_sent_by_this_one(before: Apps, settings: Settings, twilio: FakeTwilio) -> None:
    payment = before.get_model("webhooks", "Payment").objects.create(
        gateway="ghostpay", gateway_id="gp_1", status="waiting", method="pix", amount=1, customer_phone="+5511999887766"
    )
    before.get_model("webhooks", "RecoverySMS").objects.create(payment=payment, due_at=timezone.now())
    [key] = queue.take_due()
    sending.send(key)
    assert (RecoverySMS.objects.get().status, len(twilio.sent)) == (SMSStatus.SENT, 1)

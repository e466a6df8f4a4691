"""The log answers support: what happened to a payment's delivery and SMS, a line each, and nobody's number in it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.fake_twilio import FakeTwilio, Mood, signature
from tests.integration.webhooks.payloads import ghostpay
from webhooks import sending
from webhooks.models import RecoverySMS

pytestmark = pytest.mark.django_db(transaction=True)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the service's own lines of the test so far."""
    both = [*caplog.get_records("setup"), *caplog.get_records("call")]
    records = (record for record in both if record.name.startswith("webhooks"))
    return [record.msg for record in records if isinstance(record.msg, dict)]


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Return what happened, to which payment and phone."""
    return [(line["event"], line.get("payment", ""), line.get("phone", "")) for line in lines(caplog)]


@pytest.fixture
def sms(deliver: Deliver, settings: Settings, twilio: FakeTwilio, caplog: pytest.LogCaptureFixture) -> RecoverySMS:
    """Deliver a payment whose SMS is due at once."""
    caplog.set_level(logging.INFO)
    settings.SMS_RECOVERY_DELAY = 0
    settings.PUBLIC_URL = "http://testserver"
    deliver(ghostpay())
    return RecoverySMS.objects.get()


def test_a_payments_story_is_in_its_lines(
    sms: RecoverySMS, twilio: FakeTwilio, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    sending.send(sms.pk)
    url, form = twilio.call(0, "delivered")
    told = client.post(url, form, headers={"X-Twilio-Signature": signature(url, form)})
    assert told.status_code == 204
    whose = ("gp_7f3a9c21", "+55119…7766")
    happened = [("A delivery was taken in", *whose), ("Claimed", *whose), ("Sent", *whose), ("Reported", *whose)]
    assert events(caplog) == happened
    assert "999887766" not in json.dumps(lines(caplog))
    assert {line["timestamp"][-1] for line in lines(caplog)} == {"Z"}


def test_a_failure_and_its_reason_are_too(
    sms: RecoverySMS, twilio: FakeTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    twilio.mood = Mood.REFUSES
    sending.send(sms.pk)
    assert [event for event, *_whose in events(caplog)] == ["A delivery was taken in", "Claimed", "Not delivered"]
    last = lines(caplog)[-1]
    assert (last["outcome"], last["payment"], last["phone"]) == ("failed", "gp_7f3a9c21", "+55119…7766")
    assert "21211" in last["reason"]

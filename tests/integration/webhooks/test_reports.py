"""What the provider reports of an SMS is noted, in whatever order it comes; trouble with the account is seen."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.fake_twilio import TOKEN, FakeTwilio, Mood, signature
from tests.integration.webhooks.payloads import ghostpay
from webhooks import eligibility, health, queue, sending
from webhooks.models import OptOut, Payment, RecoverySMS
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC_URL = "https://sms.example.com"


@pytest.fixture
def sms(deliver: Deliver, settings: Settings, twilio: FakeTwilio) -> RecoverySMS:
    """Return an SMS that is due now, to be sent through Twilio."""
    cache.clear()
    settings.SMS_RECOVERY_DELAY = 0
    settings.PUBLIC_URL = PUBLIC_URL
    deliver(ghostpay())
    return RecoverySMS.objects.get()


def report(twilio: FakeTwilio, status: str, code: str = "", *, token: str = TOKEN, **changes: str) -> int:
    """Report what became of the first message, as Twilio does, and return the answer's status."""
    url, form = twilio.call(0, status, code)
    form |= changes
    parts = urlsplit(url)
    headers = {"X-Twilio-Signature": signature(url, form, token)}
    return Client().post(f"{parts.path}?{parts.query}", form, headers=headers).status_code


def known(sms: RecoverySMS) -> tuple[str, str, str]:
    """Return what is known of an SMS."""
    sms.refresh_from_db()
    return sms.status, sms.delivery_status, sms.delivery_code


def test_twilio_is_told_until_when_an_sms_is_wanted_and_whom_to_tell(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    Payment.objects.update(expires_at=timezone.now() + timedelta(minutes=10))
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert sms.claimed_at
    # Midnight, at which it closes in these tests, may come first.
    assert int(twilio.sent[0]["validity"]) == max(60, eligibility.valid_for(sms.payment, sms.claimed_at)) <= 600
    assert twilio.sent[0]["callback"].startswith(f"{PUBLIC_URL}/api/webhooks/sms/status/?reference={sms.pk}-")


def test_without_a_public_address_nothing_is_reported(sms: RecoverySMS, twilio: FakeTwilio, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    sending.send(sms.pk)
    assert (twilio.sent[0]["callback"], known(sms)[0]) == ("", SMSStatus.SENT)


@pytest.mark.parametrize(
    ("reports", "becomes"),
    [
        ([("sent", "")], ("sent", "")), ([("sent", ""), ("delivered", "")], ("delivered", "")),
        ([("delivered", ""), ("sent", "")], ("delivered", "")), ([("queued", ""), ("sending", "")], ("", "")),
        ([("sent", ""), ("undelivered", "30005")], ("undelivered", "30005")),
        ([("undelivered", "30005"), ("delivered", "")], ("undelivered", "30005")),
        ([("failed", "30007")] * 2, ("failed", "30007")),
    ],
)  # fmt: skip
def test_the_last_word_is_kept(
    sms: RecoverySMS, twilio: FakeTwilio, reports: list[tuple[str, str]], becomes: tuple[str, str]
) -> None:
    sending.send(sms.pk)
    for status, code in reports:
        assert report(twilio, status, code) == 204
    assert known(sms) == (SMSStatus.SENT, *becomes)


def test_a_report_proves_that_an_sms_went_out_whose_worker_died(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    twilio.mood, twilio.forgets = Mood.BREAKS, True
    sending.send(sms.pk)
    assert report(twilio, "sent") == 204
    assert known(sms)[0] == SMSStatus.SENDING
    RecoverySMS.objects.update(claimed_at=timezone.now() - timedelta(hours=1))
    assert sending.settle_abandoned() == 1
    assert (known(sms)[0], sms.provider_id) == (SMSStatus.SENT, twilio.sent[0]["sid"])


def test_a_report_tells_what_became_of_one_that_nobody_knew_of(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    twilio.mood, twilio.forgets = Mood.BREAKS, True
    sending.send(sms.pk)
    RecoverySMS.objects.update(claimed_at=timezone.now() - timedelta(hours=1))
    sending.settle_abandoned()
    assert known(sms)[0] == SMSStatus.UNKNOWN
    assert report(twilio, "delivered") == 204
    assert (known(sms)[:2], sms.provider_id, sms.error) == (("sent", "delivered"), twilio.sent[0]["sid"], "")


def test_a_report_of_an_attempt_that_was_given_up_is_not_the_nexts(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    twilio.mood, twilio.forgets = Mood.BREAKS, True
    sending.send(sms.pk)
    RecoverySMS.objects.update(claimed_at=timezone.now() - timedelta(hours=1))
    sending.settle_abandoned()
    twilio.mood = Mood.WELL
    assert queue.send_again(RecoverySMS.objects.all()) == 1
    sending.send(sms.pk)
    assert report(twilio, "undelivered", "30005") == 204
    assert known(sms) == (SMSStatus.SENT, "", "")


def test_only_twilio_may_report(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    sending.send(sms.pk)
    assert report(twilio, "delivered", token="another") == 403
    for reference in ("", "1", f"{sms.pk}-{'0' * 36}", f"{10**17}-{sms.pk:036}", "\x00"):
        twilio.sent[0]["callback"] = f"{PUBLIC_URL}/api/webhooks/sms/status/?reference={reference}"
        assert report(twilio, "delivered", MessageSid="SM-of-somebody-else") in {204, 400}
    assert known(sms) == (SMSStatus.SENT, "", "")


def test_an_opt_out_that_comes_as_a_report_is_remembered(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    sending.send(sms.pk)
    report(twilio, "failed", "21610")
    assert OptOut.objects.get().phone == "+5511999887766"


@pytest.mark.parametrize("trouble", ["wrong token", Mood.SUSPENDED, Mood.UNAUTHENTICATED])
def test_trouble_with_the_account_is_not_the_end_of_an_sms_and_degrades_the_health(
    sms: RecoverySMS, twilio: FakeTwilio, settings: Settings, caplog: pytest.LogCaptureFixture, trouble: str | Mood
) -> None:
    if isinstance(trouble, Mood):
        twilio.mood = trouble
    else:
        settings.TWILIO_AUTH_TOKEN = "wrong"
    for _ in range(sending.MAX_ATTEMPTS + 1):
        RecoverySMS.objects.update(due_at=timezone.now())
        with caplog.at_level(logging.ERROR):
            sending.send(sms.pk)
        sms.refresh_from_db()
        assert (sms.status, sms.attempts, sms.due_at > timezone.now()) == (SMSStatus.SCHEDULED, 0, True)
    assert (health.sms_provider()["status"], health.sms_provider()["error"]) == ("degraded", sms.error)
    assert "Twilio answered 40" in sms.error
    assert any("see to its account" in str(record.msg) for record in caplog.records)
    twilio.mood, settings.TWILIO_AUTH_TOKEN = Mood.WELL, TOKEN
    RecoverySMS.objects.update(due_at=timezone.now())
    sending.send(sms.pk)
    assert (known(sms)[0], len(twilio.sent)) == (SMSStatus.SENT, 1)
    assert health.sms_provider() == {"status": "healthy"}

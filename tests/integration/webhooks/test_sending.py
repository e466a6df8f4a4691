"""An SMS goes out at most once, only while it is wanted, and nobody guesses what became of it."""

from __future__ import annotations

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.fake_twilio import FakeTwilio, Mood
from tests.integration.webhooks.payloads import ghostpay
from tests.servers import free_port
from webhooks import queue, sending
from webhooks.models import Payment, RecoverySMS
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = (
    "Ana, seu PIX de R$ 99,90 ainda aguarda o pagamento. 00020101021226830014br.gov.bcb.pix0136example "
    "Para parar, responda SAIR."
)


@pytest.fixture
def sms(deliver: Deliver, settings: Settings, twilio: FakeTwilio) -> RecoverySMS:
    """Return an SMS that is due now, to be sent through Twilio."""
    settings.SMS_RECOVERY_DELAY = 0
    deliver(ghostpay())
    return RecoverySMS.objects.get()


def abandon(sms: RecoverySMS) -> None:
    """Let so much time pass that the attempt's worker must be dead."""
    RecoverySMS.objects.filter(pk=sms.pk).update(claimed_at=timezone.now() - timedelta(hours=1))


def test_an_sms_is_sent_with_the_customers_name_and_amount(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert [(message["to"], message["from"], message["body"]) for message in twilio.sent] == [
        ("+5511999887766", "+15005550006", TEXT)
    ]
    assert (sms.status, sms.provider_id, sms.body, sms.attempts) == (SMSStatus.SENT, twilio.sent[0]["sid"], TEXT, 1)
    assert sms.segments == 1
    credentials = base64.b64encode(f"AC{'0' * 32}:twilio-token".encode()).decode()
    assert twilio.authorizations == [f"Basic {credentials}"]


def test_eight_workers_at_once_send_one(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    def work(_: int) -> None:
        try:
            sending.send(sms.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    sms.refresh_from_db()
    assert (len(twilio.sent), sms.status, sms.attempts) == (1, SMSStatus.SENT, 1)


def test_the_console_writes_one_line_that_names_the_sms_and_its_payment(
    sms: RecoverySMS, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SMS_PROVIDER = "console"
    with caplog.at_level(logging.INFO):
        sending.send(sms.pk)
    [line] = [record.msg for record in caplog.records if "SMS to" in str(record.msg)]
    assert isinstance(line, dict)
    assert line["event"] == f"SMS to +55119…7766: {TEXT}"
    assert (line["sms"], line["payment"]) == (sms.pk, "gp_7f3a9c21")


@pytest.mark.parametrize("status", ["APPROVED", "REJECTED", "REFUNDED", "CHARGEBACK"])
def test_nothing_is_sent_once_the_payment_is_not_awaited(
    sms: RecoverySMS, deliver: Deliver, twilio: FakeTwilio, status: str
) -> None:
    deliver(ghostpay(status=status))
    sms.refresh_from_db()
    assert sms.status == SMSStatus.CANCELLED
    sending.send(sms.pk)
    assert not twilio.sent


def test_a_payment_that_was_changed_behind_the_queues_back_is_noticed(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    Payment.objects.update(status="paid")
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error, twilio.sent) == (SMSStatus.CANCELLED, "The payment is paid.", [])


def test_nothing_is_sent_for_a_code_that_expired_during_the_delay(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    now = timezone.now()
    Payment.objects.update(created_at=now - timedelta(minutes=10), expires_at=now - timedelta(minutes=1))
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error, twilio.sent) == (SMSStatus.CANCELLED, "The PIX code has expired.", [])


def test_a_code_that_was_delivered_expired_is_still_recovered(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    Payment.objects.update(expires_at=timezone.now() - timedelta(days=1))
    sending.send(sms.pk)
    assert len(twilio.sent) == 1


def test_nothing_is_sent_before_it_is_due(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    RecoverySMS.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    sending.send(sms.pk)
    assert not twilio.sent
    assert queue.take_due() == []


def test_a_number_that_the_provider_refuses_is_not_tried_again(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    twilio.mood = Mood.REFUSES
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error) == (SMSStatus.FAILED, "Twilio answered 400, code 21211.")


@pytest.mark.parametrize("obstacle", ["nobody listens", "throttled"])
def test_what_was_certainly_not_sent_is_tried_again_later(
    sms: RecoverySMS, twilio: FakeTwilio, settings: Settings, obstacle: str
) -> None:
    twilio.mood = Mood.THROTTLES
    settings.TWILIO_BASE_URL = twilio.url if obstacle == "throttled" else f"http://127.0.0.1:{free_port()}"
    for attempt, pause in enumerate([30, 60, 120], start=1):
        before = timezone.now()
        sending.send(sms.pk)
        sms.refresh_from_db()
        assert (sms.status, sms.attempts) == (SMSStatus.SCHEDULED, attempt)
        assert before + timedelta(seconds=pause) <= sms.due_at <= timezone.now() + timedelta(seconds=pause)
        RecoverySMS.objects.update(due_at=before)
    twilio.mood, settings.TWILIO_BASE_URL = Mood.WELL, twilio.url
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert (sms.status, sms.error, len(twilio.sent)) == (SMSStatus.SENT, "", 1)


def test_a_provider_that_stays_away_is_given_up(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    twilio.mood = Mood.THROTTLES
    RecoverySMS.objects.update(attempts=sending.MAX_ATTEMPTS - 1)
    sending.send(sms.pk)
    sms.refresh_from_db()
    assert sms.status == SMSStatus.FAILED
    assert sms.error.endswith("Given up after 8 attempts.")


@pytest.mark.parametrize("forgets", [False, True])
def test_an_unclear_answer_is_looked_up_and_never_repeated(
    sms: RecoverySMS, twilio: FakeTwilio, *, forgets: bool
) -> None:
    twilio.mood, twilio.forgets = Mood.BREAKS, forgets
    sending.send(sms.pk)
    assert sending.settle_abandoned() == 0
    abandon(sms)
    assert sending.settle_abandoned() == 1
    sms.refresh_from_db()
    if forgets:
        assert sms.status == SMSStatus.UNKNOWN
        assert "Ask the provider" in sms.error
    else:
        assert (sms.status, sms.provider_id) == (SMSStatus.SENT, twilio.sent[0]["sid"])
    sending.send(sms.pk)
    assert queue.take_due() == []
    assert len(twilio.sent) == 1


def test_a_lookup_that_fails_is_made_again(sms: RecoverySMS, twilio: FakeTwilio, settings: Settings) -> None:
    twilio.mood = Mood.BREAKS
    sending.send(sms.pk)
    abandon(sms)
    settings.TWILIO_BASE_URL = f"http://127.0.0.1:{free_port()}"
    assert sending.settle_abandoned() == 0
    settings.TWILIO_BASE_URL = twilio.url
    assert sending.settle_abandoned() == 1


def test_two_alike_sms_are_not_taken_for_each_other(sms: RecoverySMS, deliver: Deliver, twilio: FakeTwilio) -> None:
    sending.send(sms.pk)
    deliver(ghostpay(paymentId="gp_2", externalId="pedido-2"))
    other = RecoverySMS.objects.get(payment__gateway_id="gp_2")
    assert sending.take(other.pk)
    abandon(other)
    sending.settle_abandoned()
    other.refresh_from_db()
    assert (other.status, len(twilio.sent)) == (SMSStatus.UNKNOWN, 1)


def test_an_attempt_that_was_given_up_does_not_overwrite_the_next(sms: RecoverySMS, twilio: FakeTwilio) -> None:
    late = sending.take(sms.pk)
    assert late
    abandon(sms)
    sending.settle_abandoned()
    assert queue.send_again(RecoverySMS.objects.all()) == 1
    sending.send(sms.pk)
    sending._record(late, status=SMSStatus.FAILED, error="Too late.")
    sms.refresh_from_db()
    assert (sms.status, len(twilio.sent)) == (SMSStatus.SENT, 1)


def test_a_row_is_handed_over_once_and_again_if_nobody_took_it(sms: RecoverySMS, settings: Settings) -> None:
    assert queue.take_due() == [sms.pk]
    assert queue.take_due() == []
    lost = timezone.now() - timedelta(seconds=settings.SMS_REDISPATCH_AFTER + 1)
    RecoverySMS.objects.update(dispatched_at=lost)
    assert queue.take_due() == [sms.pk]


def test_pollers_share_the_rows_out(deliver: Deliver, settings: Settings) -> None:
    settings.SMS_RECOVERY_DELAY = 0
    for number in range(20):
        deliver(ghostpay(paymentId=f"gp_{number}"))

    def poll(_: int) -> list[int]:
        try:
            return queue.take_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        taken = [key for keys in pool.map(poll, range(4)) for key in keys]
    taken += queue.take_due()
    assert sorted(taken) == sorted(RecoverySMS.objects.values_list("pk", flat=True))

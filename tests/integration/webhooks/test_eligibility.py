"""An SMS goes out when it may, to whom it may, and only as often."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.fake_twilio import FakeTwilio, Mood
from tests.integration.webhooks.payloads import ghostpay, tribopay
from webhooks import budget, health, hours, queue, sending
from webhooks.models import Payment, RecoverySMS
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+5511999887766"


@pytest.fixture(autouse=True)
def at_once(settings: Settings, twilio: FakeTwilio) -> None:
    """Let SMS be due at once, and go through Twilio."""
    settings.SMS_RECOVERY_DELAY = 0
    cache.clear()


def close(settings: Settings) -> None:
    """Choose hours that it is not."""
    is_early = timezone.now().astimezone(hours.zones(PHONE)[0]).hour < 12
    settings.SMS_HOURS = settings.SMS_SATURDAY_HOURS = "18:00-20:00" if is_early else "04:00-06:00"


def order(deliver: Deliver, number: int, **changes: object) -> RecoverySMS:
    """Deliver the payment of an order of its own and return its SMS."""
    deliver(ghostpay(paymentId=f"gp_{number}", externalId=f"pedido-{number}", **changes))
    return RecoverySMS.objects.get(payment__gateway_id=f"gp_{number}")


def send_all() -> None:
    """Have every SMS sent at once, each by a worker of its own."""

    def work(key: int) -> None:
        try:
            sending.send(key)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, RecoverySMS.objects.values_list("pk", flat=True)))


def outcome(sms: RecoverySMS) -> tuple[str, str]:
    """Return what became of an SMS, and why."""
    sms.refresh_from_db()
    return sms.status, sms.error


def test_an_sms_is_due_when_it_opens(deliver: Deliver, settings: Settings, twilio: FakeTwilio) -> None:
    close(settings)
    sms = order(deliver, 1)
    assert sms.due_at == hours.next_open(PHONE, timezone.now()) > timezone.now()
    sending.send(sms.pk)
    assert not twilio.sent


def test_one_that_is_due_at_night_all_the_same_is_put_off_until_it_opens(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio
) -> None:
    sms = order(deliver, 1)
    assert queue.take_due() == [sms.pk]
    close(settings)
    sending.send(sms.pk)
    assert outcome(sms) == (SMSStatus.SCHEDULED, "Nobody is written to at this hour.")
    assert (sms.due_at, sms.dispatched_at) == (hours.next_open(PHONE, timezone.now()), None)
    settings.SMS_HOURS = settings.SMS_SATURDAY_HOURS = "00:00-24:00"
    RecoverySMS.objects.update(due_at=timezone.now())
    assert queue.take_due() == [sms.pk]
    sending.send(sms.pk)
    assert (outcome(sms), len(twilio.sent)) == ((SMSStatus.SENT, ""), 1)


def test_one_whose_code_has_expired_by_the_morning_is_cancelled(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio
) -> None:
    close(settings)
    sms = order(deliver, 1)
    settings.SMS_HOURS = settings.SMS_SATURDAY_HOURS = "00:00-24:00"
    now = timezone.now()
    RecoverySMS.objects.update(due_at=now)
    Payment.objects.update(created_at=now - timedelta(hours=8), expires_at=now - timedelta(hours=1))
    sending.send(sms.pk)
    assert (outcome(sms), twilio.sent) == ((SMSStatus.CANCELLED, "The PIX code has expired."), [])


@pytest.mark.parametrize("gateway", ["ghostpay", "tribopay"])
def test_nobody_is_reminded_of_what_is_long_past(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio, gateway: str
) -> None:
    settings.SMS_MAX_AGE = 86400.0
    old, new = (timezone.now() - timedelta(hours=hours) for hours in (25, 23))
    for number, moment in enumerate((old, new)):
        born = moment.isoformat()
        if gateway == "ghostpay":
            order(deliver, number, createdAt=born, updatedAt=timezone.now().isoformat())
        else:
            deliver(tribopay({"id": f"gp_{number}"}, created_at=born), "tribopay")
    send_all()
    states = dict(RecoverySMS.objects.values_list("payment__gateway_id", "status"))
    assert states == {"gp_0": SMSStatus.CANCELLED, "gp_1": SMSStatus.SENT}
    assert RecoverySMS.objects.get(status="cancelled").error == "The payment is older than 86400 s."


def test_thirty_eight_orders_of_one_phone_at_once_make_one_sms_a_day(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio
) -> None:
    settings.SMS_PER_PHONE_PER_DAY = 1
    for number in range(38):
        order(deliver, number)
    send_all()
    assert len(twilio.sent) == 1
    cancelled = RecoverySMS.objects.filter(status=SMSStatus.CANCELLED, error="The phone has had 1 SMS today.")
    assert cancelled.count() == 37
    RecoverySMS.objects.filter(status=SMSStatus.SENT).update(claimed_at=timezone.now() - timedelta(days=1))
    sending.send(order(deliver, 38).pk)
    assert len(twilio.sent) == 2


def test_an_order_of_several_payments_gets_one_sms(deliver: Deliver, twilio: FakeTwilio) -> None:
    phones = ["11999887766", "11988776655", "11977665544", "11966554433"]
    for number, phone in enumerate(phones):
        deliver(ghostpay(paymentId=f"gp_{number}", customer={"name": "Ana", "phone": phone}))
    send_all()
    assert len(twilio.sent) == 1
    assert RecoverySMS.objects.filter(error="The order has had its SMS.").count() == 3


def test_the_days_budget_is_kept_to_the_sms_and_its_end_raises_an_alarm(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SMS_PER_DAY = 3
    for number in range(8):
        order(deliver, number, customer={"name": "Ana", "phone": f"1199988776{number}"})
    assert health.sms_budget() == {"status": "healthy"}
    with caplog.at_level(logging.ERROR):
        send_all()
    assert len(twilio.sent) == 3
    waiting = RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED, due_at__gte=budget.next_day(timezone.now()))
    assert set(waiting.values_list("error", flat=True)) == {"The day's budget of 3 SMS is spent."}
    assert waiting.count() == 5
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert health.sms_budget() == {"status": "degraded", "error": "SMS_PER_DAY is spent."}


@pytest.mark.parametrize("mood", [Mood.THROTTLES, Mood.REFUSES])
def test_what_did_not_go_out_is_not_counted(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio, mood: Mood
) -> None:
    settings.SMS_PER_DAY = 1
    twilio.mood = mood
    sending.send(order(deliver, 1).pk)
    twilio.mood = Mood.WELL
    second = order(deliver, 2)
    sending.send(second.pk)
    assert (outcome(second), len(twilio.sent)) == ((SMSStatus.SENT, ""), 1)


def test_a_review_holds_the_sms_back_and_does_not_cancel_it(deliver: Deliver, twilio: FakeTwilio) -> None:
    sms = order(deliver, 1)
    order(deliver, 1, status="IN_REVIEW", updatedAt="2026-11-22T14:01:00Z")
    sending.send(sms.pk)
    assert outcome(sms) == (SMSStatus.SCHEDULED, "The payment is in review.")
    assert sms.due_at > timezone.now()
    order(deliver, 1, updatedAt="2026-11-22T14:02:00Z")
    RecoverySMS.objects.update(due_at=timezone.now())
    assert queue.take_due() == [sms.pk]
    sending.send(sms.pk)
    assert (outcome(sms), len(twilio.sent)) == ((SMSStatus.SENT, ""), 1)


@pytest.mark.parametrize(("status", "told"), [("APPROVED", "paid"), ("REJECTED", "refused")])
def test_a_review_that_ends_otherwise_cancels_it(deliver: Deliver, twilio: FakeTwilio, status: str, told: str) -> None:
    sms = order(deliver, 1)
    order(deliver, 1, status="IN_REVIEW", updatedAt="2026-11-22T14:01:00Z")
    order(deliver, 1, status=status, updatedAt="2026-11-22T14:02:00Z")
    sending.send(sms.pk)
    assert (outcome(sms), twilio.sent) == ((SMSStatus.CANCELLED, f"The payment is {told}."), [])


def test_a_review_that_does_not_end_is_not_waited_for_for_ever(deliver: Deliver, settings: Settings) -> None:
    sms = order(deliver, 1)
    order(deliver, 1, status="IN_REVIEW", updatedAt="2026-11-22T14:01:00Z")
    settings.SMS_MAX_AGE = 1.0
    sending.send(sms.pk)
    assert outcome(sms) == (SMSStatus.CANCELLED, "The payment is older than 1 s.")


@pytest.mark.parametrize("status", ["APPROVED", "REFUNDED", "CHARGEBACK"])
def test_an_order_that_another_of_its_payments_has_paid_gets_none(
    deliver: Deliver, twilio: FakeTwilio, status: str
) -> None:
    sms = order(deliver, 1)
    other = {"paymentMethod": "CREDIT_CARD", "customer": {"name": "Ana"}, "updatedAt": "2026-11-01T14:00:00Z"}
    deliver(ghostpay(paymentId="gp_2", externalId="pedido-1", status=status, **other))
    sending.send(sms.pk)
    assert (outcome(sms), twilio.sent) == ((SMSStatus.CANCELLED, "The order is paid, by another payment."), [])


@pytest.mark.parametrize(
    ("paid_at", "status"),
    [
        ("2026-11-22T14:05:00Z", SMSStatus.CANCELLED),
        ("2026-11-22T13:55:00Z", SMSStatus.SENT),
        (None, SMSStatus.CANCELLED),
    ],
)
def test_a_phone_that_has_paid_since_gets_none_and_one_that_paid_before_does(
    deliver: Deliver, twilio: FakeTwilio, paid_at: str | None, status: str
) -> None:
    sms = order(deliver, 1)
    deliver(tribopay(status="paid", paid_at=paid_at), "tribopay")
    sending.send(sms.pk)
    assert outcome(sms)[0] == status
    assert len(twilio.sent) == (status == SMSStatus.SENT)


def test_a_payment_that_is_recorded_during_a_claim_of_its_phone_is_waited_for(
    deliver: Deliver, twilio: FakeTwilio
) -> None:
    """The claim locks the phone's other payments: it comes after a delivery that is about to pay one of them."""
    first, second = order(deliver, 1), order(deliver, 2)
    claimed: list[str] = []

    def claim() -> None:
        try:
            sending.send(first.pk)
            claimed.append(outcome(first)[1])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Payment.objects.filter(recovery_sms=second).update(status="paid", paid_at=timezone.now())
            done = pool.submit(claim)
            wait_until_somebody_waits()
        done.result()
    assert (claimed, twilio.sent) == (["The customer has paid since."], [])


def test_a_claim_does_not_wait_for_payments_that_are_long_past(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio
) -> None:
    settings.SMS_MAX_AGE = 86400.0
    now = timezone.now()
    first, second = (order(deliver, number, createdAt=now.isoformat()) for number in (1, 2))
    Payment.objects.filter(recovery_sms=second).update(created_at=now - timedelta(days=2))

    def claim() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            sending.send(first.pk)
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Payment.objects.select_for_update().get(recovery_sms=second)
        pool.submit(claim).result()
    assert (outcome(first), len(twilio.sent)) == ((SMSStatus.SENT, ""), 1)


def wait_until_somebody_waits() -> None:
    """Return when another connection waits for a lock."""
    deadline = time.monotonic() + 30
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(waiting)
            if cursor.fetchone() != (0,):
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)

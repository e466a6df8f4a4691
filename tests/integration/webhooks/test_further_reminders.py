"""A payment's second and third reminder: when the shop wants them, as long as they are wanted, and each once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.fake_twilio import FakeTwilio
from tests.integration.webhooks.payloads import ghostpay
from webhooks import budget, checks, hours, opt_outs, previews, queue, sending, tasks
from webhooks.models import DailyBudget, Payment, RecoverySMS
from webhooks.states import OptOutSource, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+5511999887766"


@pytest.fixture(autouse=True)
def three(settings: Settings, twilio: FakeTwilio) -> None:
    """Let a payment have three reminders, each due at once."""
    settings.SMS_RECOVERY_DELAY = 0
    settings.SMS_REMINDERS = 3
    settings.SMS_FURTHER_DELAYS = {2: 0.0, 3: 0.0}
    settings.SMS_TEMPLATES = {
        "SMS_TEMPLATE_2": "{name}, ainda?", "SMS_TEMPLATE_3": "{name}, ultima chance", "TRIBOPAY_SMS_TEMPLATE": "Tribo",
        "TRIBOPAY_SMS_TEMPLATE_3": "Tribo, tchau",
    }  # fmt: skip


def look() -> list[tuple[int, str]]:
    """Have what is due sent, and the next reminders looked for; return each SMS's number and state."""
    for key in queue.take_due():
        sending.send(key)
    tasks.finish_interrupted()
    return list(RecoverySMS.objects.order_by("number").values_list("number", "status"))


def test_three_reminders_each_with_its_text_and_none_more(deliver: Deliver, twilio: FakeTwilio) -> None:
    deliver(ghostpay())
    assert look() == [(1, "sent"), (2, "scheduled")]
    deliver(ghostpay(updatedAt="2026-11-22T14:01:00Z"))  # still left waiting
    assert look() == [(1, "sent"), (2, "sent"), (3, "scheduled")]
    look()
    assert look() == [(1, "sent"), (2, "sent"), (3, "sent")]
    first, *further = [sms["body"] for sms in twilio.sent]
    assert "aguarda o pagamento" in first
    assert further == ["Ana, ainda?", "Ana, ultima chance"]


def test_each_is_due_its_delay_after_the_one_before_at_an_hour_that_is_open(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio
) -> None:
    settings.SMS_FURTHER_DELAYS = {2: 7200.0, 3: 0.0}
    settings.SMS_HOURS = settings.SMS_SATURDAY_HOURS = "09:00-21:00"
    deliver(ghostpay())
    sent_at = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    RecoverySMS.objects.update(status=SMSStatus.SENT, sent_at=sent_at)
    assert queue.follow_up() == 1
    due_at = RecoverySMS.objects.get(number=2).due_at
    assert due_at == hours.next_open(PHONE, sent_at + timedelta(hours=2)) > timezone.now()


@pytest.mark.parametrize("status", ["scheduled", "sending", "unknown", "failed", "cancelled"])
def test_none_follows_one_that_did_not_go_out(deliver: Deliver, status: str) -> None:
    deliver(ghostpay())
    RecoverySMS.objects.update(status=status, claimed_at=timezone.now())
    assert queue.follow_up() == 0


def test_one_whose_arrival_an_operator_has_found_out_is_followed(deliver: Deliver) -> None:
    deliver(ghostpay())
    RecoverySMS.objects.update(status=SMSStatus.UNKNOWN, claimed_at=timezone.now())
    queue.confirm(RecoverySMS.objects.all())
    assert queue.follow_up() == 1


def test_a_payment_that_is_made_ends_them(deliver: Deliver, twilio: FakeTwilio) -> None:
    deliver(ghostpay())
    look()
    deliver(ghostpay(status="APPROVED", updatedAt="2026-11-22T14:05:00Z"))
    assert look() == [(1, "sent"), (2, "cancelled")]
    assert (RecoverySMS.objects.get(number=2).error, len(twilio.sent)) == ("The payment is paid.", 1)
    assert queue.follow_up() == 0


def test_a_phone_that_opts_out_ends_them(deliver: Deliver, twilio: FakeTwilio) -> None:
    deliver(ghostpay())
    look()
    opt_outs.add(PHONE, OptOutSource.INBOUND)
    assert look() == [(1, "sent"), (2, "cancelled")]
    assert look()[1:] == [(2, "cancelled")]
    assert len(twilio.sent) == 1


def test_a_forgotten_person_gets_none(deliver: Deliver) -> None:
    deliver(ghostpay())
    look()
    RecoverySMS.objects.filter(number=2).delete()
    Payment.objects.update(customer_phone="", anonymized_at=timezone.now())
    assert queue.follow_up() == 0


def test_the_phones_limit_of_the_day_puts_a_further_one_off_and_the_budget_counts_it(
    deliver: Deliver, settings: Settings, twilio: FakeTwilio
) -> None:
    settings.SMS_PER_PHONE_PER_DAY, settings.SMS_PER_DAY = 1, 100
    deliver(ghostpay())
    look()
    assert look() == [(1, "sent"), (2, "scheduled")]
    further = RecoverySMS.objects.get(number=2)
    tomorrow = hours.start_of_day(PHONE, timezone.now()) + timedelta(days=1)
    assert (further.due_at, further.error) == (tomorrow, "The phone has had 1 SMS today.")
    settings.SMS_PER_PHONE_PER_DAY = 2
    queue.send_again(RecoverySMS.objects.filter(pk=further.pk))
    assert look()[:2] == [(1, "sent"), (2, "sent")]
    assert DailyBudget.objects.get(day=budget.day_of(timezone.now())).spent == 2


def test_another_payments_reminder_counts_for_the_phone(deliver: Deliver, settings: Settings) -> None:
    settings.SMS_PER_PHONE_PER_DAY = 2
    deliver(ghostpay())
    look()
    look()
    deliver(ghostpay(paymentId="gp_2", externalId="pedido-2"))
    look()
    other = RecoverySMS.objects.get(payment__gateway_id="gp_2")
    assert (other.status, other.error) == (SMSStatus.CANCELLED, "The phone has had 2 SMS today.")


def test_many_that_look_at_once_schedule_each_once(deliver: Deliver, twilio: FakeTwilio) -> None:
    for number in range(8):
        deliver(ghostpay(paymentId=f"gp_{number}", externalId=f"pedido-{number}"))
    for key in queue.take_due():
        sending.send(key)

    def work(_number: int) -> None:
        try:
            queue.follow_up()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))
    assert sorted(RecoverySMS.objects.values_list("number", flat=True)) == [1] * 8 + [2] * 8


def test_one_reminder_is_the_default(deliver: Deliver, settings: Settings) -> None:
    settings.SMS_REMINDERS = 1
    deliver(ghostpay())
    assert look() == [(1, "sent")]


def test_none_goes_out_beyond_what_is_allowed_by_now(deliver: Deliver, settings: Settings) -> None:
    deliver(ghostpay())
    settings.SMS_PER_PHONE_PER_DAY = 9
    payment = Payment.objects.get()
    RecoverySMS.objects.update(status=SMSStatus.SENT, sent_at=timezone.now())
    further = RecoverySMS.objects.create(payment=payment, number=2, due_at=timezone.now())
    settings.SMS_REMINDERS = 1
    sending.send(further.pk)
    further.refresh_from_db()
    assert (further.status, further.error) == ("cancelled", "A payment has 1 SMS at most.")


def test_operators_see_which_reminder_it_is(deliver: Deliver, admin_client: Client, settings: Settings) -> None:
    deliver(ghostpay())
    look()
    assert "reminder 2" in admin_client.get("/panel/").content.decode()
    listed = admin_client.get("/api/webhooks/sms-logs/?number=2").json()["results"]
    assert [sms["number"] for sms in listed] == [2]
    assert admin_client.get("/api/webhooks/sms-logs/?number=4").status_code == 400
    for number, count in ((1, 1), (2, 1), (3, 0)):
        shown = admin_client.get(f"/admin/webhooks/recoverysms/?number={number}")
        assert shown.context["cl"].result_count == count
    texts = admin_client.get("/admin/webhooks/recoverysms/texts/").content.decode()
    assert ("GhostPay, reminder 3" in texts, "ultima chance" in texts, "Tribo, tchau" in texts) == (True, True, True)
    assert [found.text for found in previews.all_previews()[3:]] == ["Tribo", "Tribo", "Tribo, tchau"]
    settings.SMS_REMINDERS = 4
    assert [error.id for error in checks.check_reminders()] == ["webhooks.E013"]


@pytest.fixture
def half_deployed() -> Iterator[None]:
    """Have the database be what it is until the release before is gone."""
    call_command("migrate", "webhooks", "0012", verbosity=0)
    yield
    call_command("migrate", "webhooks", verbosity=0)


ITS_INSERT = """
INSERT INTO webhooks_recoverysms (payment_id, status, due_at, phone, body, provider, provider_id, attempts, error,
    created_at, updated_at) SELECT id, 'scheduled', now(), '', '', '', '', 0, '', now(), now() FROM webhooks_payment
ON CONFLICT (payment_id) DO NOTHING RETURNING id
"""
"""How the release before this one schedules a payment's SMS."""


@pytest.mark.usefixtures("half_deployed")
def test_while_the_release_before_runs_a_payment_has_one_and_the_next_comes_afterwards(
    deliver: Deliver, twilio: FakeTwilio
) -> None:
    deliver(ghostpay())
    deliver(ghostpay(updatedAt="2026-11-22T14:01:00Z"))
    with connection.cursor() as cursor:
        cursor.execute(ITS_INSERT)
        assert cursor.fetchall() == []
        RecoverySMS.objects.all().delete()
        cursor.execute(ITS_INSERT)
        assert len(cursor.fetchall()) == 1
    assert look() == [(1, "sent")]
    call_command("migrate", "webhooks", verbosity=0)
    assert look() == [(1, "sent"), (2, "scheduled")]

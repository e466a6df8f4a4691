"""A later status replaces an earlier one, in whatever order the two arrive."""

from __future__ import annotations

import itertools

import pytest

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay, tribopay
from webhooks.models import Payment, RecoverySMS
from webhooks.states import PaymentStatus, SMSStatus

pytestmark = pytest.mark.django_db

PENDING = ghostpay()
REJECTED = ghostpay(status="REJECTED", updatedAt="2026-11-22T14:01:00Z")
APPROVED = ghostpay(status="APPROVED", updatedAt="2026-11-22T14:05:00Z")
REFUNDED = ghostpay(status="REFUNDED", updatedAt="2026-11-22T15:00:00Z")


@pytest.mark.parametrize("order", list(itertools.permutations([PENDING, REJECTED, APPROVED, REFUNDED])))
def test_any_order_of_ghostpays_deliveries_ends_alike(deliver: Deliver, order: tuple[dict[str, object], ...]) -> None:
    for payload in order:
        assert deliver(payload).status_code == 200
    assert Payment.objects.get().status == PaymentStatus.REFUNDED
    assert not RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED).exists()


TRIBOPAY = [
    tribopay(),
    tribopay(status="authorized"),
    tribopay(status="paid", paid_at="2026-11-22T14:05:00-03:00"),
    tribopay(status="refunded", paid_at="2026-11-22T14:05:00-03:00"),
]


@pytest.mark.parametrize("order", list(itertools.permutations(TRIBOPAY)))
def test_any_order_of_tribopays_deliveries_ends_alike(deliver: Deliver, order: tuple[dict[str, object], ...]) -> None:
    for payload in order:
        assert deliver(payload, "tribopay").status_code == 200
    assert Payment.objects.get().status == PaymentStatus.REFUNDED
    assert not RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED).exists()


@pytest.mark.parametrize(
    ("status", "becomes"),
    [("APPROVED", "paid"), ("REJECTED", "refused"), ("REFUNDED", "refunded"), ("IN_REVIEW", "in_review")],
)
def test_a_status_of_the_same_instant_goes_by_its_place_in_a_payments_life(
    deliver: Deliver, status: str, becomes: str
) -> None:
    deliver(ghostpay(status=status))
    deliver(PENDING)
    assert Payment.objects.get().status == becomes
    assert not RecoverySMS.objects.exists()


def test_no_clock_turns_a_payment_that_was_made_into_one_that_is_awaited(deliver: Deliver) -> None:
    deliver(APPROVED)
    deliver(ghostpay(updatedAt="2026-11-22T18:00:00Z"))
    assert Payment.objects.get().status == PaymentStatus.PAID
    deliver(ghostpay(paymentId="gp_2"))
    deliver(ghostpay(paymentId="gp_2", status="APPROVED", updatedAt="2026-11-22T13:00:00Z"))
    assert Payment.objects.get(gateway_id="gp_2").status == PaymentStatus.PAID


def test_a_delivery_from_the_far_future_does_not_outdate_those_to_come(deliver: Deliver) -> None:
    deliver(ghostpay(status="REJECTED", updatedAt="9999-12-31T23:59:59-03:00"))
    deliver(ghostpay(status="CHARGEBACK", updatedAt="2026-11-22T15:00:00Z"))
    assert Payment.objects.get().status == PaymentStatus.CHARGEBACK


def test_a_rejected_payment_that_is_tried_again_is_awaited_again(deliver: Deliver) -> None:
    deliver(REJECTED)
    deliver(ghostpay(updatedAt="2026-11-22T14:02:00Z"))
    assert Payment.objects.get().status == PaymentStatus.WAITING


def test_a_later_delivery_fills_in_what_an_earlier_one_lacked_and_empties_nothing(deliver: Deliver) -> None:
    deliver(ghostpay(customer={"name": "Ana Souza"}))
    deliver(ghostpay(customer={"phone": "11999887766"}, pixCode=None, updatedAt="2026-11-22T14:01:00Z"))
    payment = Payment.objects.get()
    assert (payment.customer_name, payment.customer_phone) == ("Ana Souza", "+5511999887766")
    assert payment.pix_code
    assert payment.recovery_sms.get().status == SMSStatus.SCHEDULED


def test_the_same_id_at_two_gateways_is_two_payments(deliver: Deliver) -> None:
    deliver(PENDING)
    deliver(tribopay({"id": PENDING["paymentId"]}), "tribopay")
    assert Payment.objects.count() == 2

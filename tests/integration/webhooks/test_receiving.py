"""Deliveries are kept once, whatever they say and however they arrive."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from tests.integration.webhooks.conftest import SECRET, Deliver
from tests.integration.webhooks.payloads import ghostpay, tribopay
from webhooks import payments
from webhooks.models import Payment, RecoverySMS, WebhookEvent
from webhooks.states import EventStatus, PaymentMethod, PaymentStatus, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pending_pix_of_ghostpay_becomes_a_payment_and_a_scheduled_sms(deliver: Deliver) -> None:
    answer = deliver(ghostpay())
    event = WebhookEvent.objects.get()
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"id": event.pk, "status": "processed", "duplicate": False}
    payment = Payment.objects.get()
    assert (payment.status, payment.method, payment.amount) == (PaymentStatus.WAITING, PaymentMethod.PIX, 9990)
    assert (payment.customer_phone, payment.customer_name) == ("+5511999887766", "Ana Souza")
    assert (event.payment, json.loads(event.payload)) == (payment, ghostpay())
    assert payment.recovery_sms.get().status == SMSStatus.SCHEDULED


@pytest.mark.parametrize("status", ["waiting_payment", "waiting"])
def test_a_waiting_pix_of_tribopay_does_likewise(deliver: Deliver, status: str) -> None:
    assert deliver(tribopay(status=status), "tribopay").status_code == 200
    assert (
        Payment.objects.get(gateway="tribopay", gateway_id="tp_90b1").recovery_sms.get().status == SMSStatus.SCHEDULED
    )


def test_the_same_delivery_again_changes_nothing(deliver: Deliver) -> None:
    deliver(ghostpay())
    reordered = json.dumps(dict(reversed(ghostpay().items())), indent=3).encode()
    assert json.loads(deliver(reordered).content)["duplicate"] is True
    assert WebhookEvent.objects.get().deliveries == 2
    assert RecoverySMS.objects.count() == 1


def test_ten_identical_deliveries_at_once_make_one_event_and_one_sms() -> None:
    body = json.dumps(ghostpay())

    def post(_: int) -> dict[str, Any]:
        try:
            answer = Client().post(
                "/api/webhooks/ghostpay/", body, content_type="application/json", headers={"X-Webhook-Secret": SECRET}
            )
            assert answer.status_code == 200
            told: dict[str, Any] = answer.json()
            return told
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(10)))
    assert [answer["duplicate"] for answer in answers].count(False) == 1
    assert {answer["status"] for answer in answers} == {"processed"}
    assert WebhookEvent.objects.get().deliveries == 10
    assert (Payment.objects.count(), RecoverySMS.objects.count()) == (1, 1)


@pytest.mark.parametrize("method", ["CREDIT_CARD", "BOLETO"])
def test_only_pix_gets_an_sms(deliver: Deliver, method: str) -> None:
    assert deliver(ghostpay(paymentMethod=method)).status_code == 200
    assert Payment.objects.count() == 1
    assert not RecoverySMS.objects.exists()


@pytest.mark.parametrize("phone", ["", "12", None, "not a phone", 5])
def test_a_payment_without_a_usable_phone_gets_none(deliver: Deliver, phone: object) -> None:
    assert deliver(ghostpay(customer={"name": "Ana", "phone": phone})).status_code == 200
    assert not RecoverySMS.objects.exists()
    assert Payment.objects.get().sms_obstacle == "There is no phone number."


@pytest.mark.parametrize(
    ("phone", "told"), [("1133334444", "a landline"), ("08001234567", "a free-call number"), ("+15005550006", "of US")]
)
def test_a_phone_that_may_not_be_written_to_gets_none_and_the_payment_says_why(
    deliver: Deliver, phone: str, told: str
) -> None:
    deliver(ghostpay(customer={"name": "Ana", "phone": phone}))
    assert told in Payment.objects.get().sms_obstacle
    assert not RecoverySMS.objects.exists()
    deliver(ghostpay(customer={"phone": "1188887777"}, updatedAt="2026-11-22T14:01:00Z"))
    payment = Payment.objects.get()
    assert (payment.customer_phone, payment.sms_obstacle) == ("+5511988887777", "")
    assert payment.recovery_sms.get().status == SMSStatus.SCHEDULED


@pytest.mark.parametrize("change", [{"status": "ABDUCTED"}, {"paymentMethod": "BARTER"}])
def test_an_unknown_word_is_kept_and_not_acted_upon(deliver: Deliver, change: dict[str, str]) -> None:
    assert deliver(ghostpay(**change)).status_code == 202
    event = WebhookEvent.objects.get()
    assert event.status == EventStatus.IGNORED
    assert next(iter(change.values())) in event.note
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"paymentId": None}, {"paymentId": " "}, {"paymentId": "x" * 201}, {"paymentId": "a\u0000b"}, {"status": 1},
        {"totalValue": -1}, {"totalValue": "9990"}, {"totalValue": True}, {"totalValue": 10**15}, {"customer": "Ana"},
    ],
)  # fmt: skip
def test_a_malformed_delivery_is_refused_and_kept(deliver: Deliver, change: dict[str, object]) -> None:
    with translation.override("pt-br"):
        answer = deliver(ghostpay(**change))
    assert answer.status_code == 422
    event = WebhookEvent.objects.get()
    told = f"{event.note} A entrega está guardada como {event.pk}."
    assert json.loads(answer.content)["error"] == {"code": "malformed", "message": told}
    assert event.status == EventStatus.REJECTED


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"amount": NaN}', b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"],
)
def test_what_is_no_json_object_is_refused(deliver: Deliver, body: bytes) -> None:
    answer = deliver(body)
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (400, "bad_json")
    assert not WebhookEvent.objects.exists()


def test_a_body_that_is_too_large_is_refused(deliver: Deliver, settings: Settings) -> None:
    answer = deliver(ghostpay(note="x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (413, "too_large")


def test_characters_that_no_database_takes_lose_nothing(deliver: Deliver) -> None:
    customer = {"name": "Ana\u0000 \ud800Souza", "phone": "11999887766"}
    assert deliver(ghostpay(customer=customer)).status_code == 200
    assert Payment.objects.get().customer_name == "Ana Souza"
    assert json.loads(WebhookEvent.objects.get().payload)["customer"] == customer


def test_a_delivery_that_breaks_our_code_is_kept_and_processed_when_it_comes_again(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(payments, "record", lambda *_: 1 / 0)
        assert deliver(ghostpay()).status_code == 202
    event = WebhookEvent.objects.get()
    assert event.status == EventStatus.FAILED
    assert "ZeroDivisionError" in event.note
    assert deliver(ghostpay()).status_code == 200
    assert Payment.objects.get().recovery_sms.get().status == SMSStatus.SCHEDULED


@pytest.mark.parametrize("headers", [{"X-Other": "1"}, {"X-Webhook-Secret": "wrong"}, {"X-Webhook-Secret": "é"}])
def test_nobody_without_the_secret_is_believed(deliver: Deliver, headers: dict[str, str]) -> None:
    answer = deliver(ghostpay(), **headers)
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (403, "forbidden")
    assert not WebhookEvent.objects.exists()


def test_an_old_and_a_new_secret_are_good_at_once(deliver: Deliver, settings: Settings) -> None:
    settings.GATEWAY_SECRETS = {"ghostpay": ["new", "old"], "tribopay": []}
    assert [deliver(ghostpay(), **{"X-Webhook-Secret": secret}).status_code for secret in ("old", "new")] == [200, 200]


def test_the_secret_may_come_in_the_url(client: Client) -> None:
    url = f"/api/webhooks/ghostpay/?token={SECRET}"
    assert client.post(url, ghostpay(), content_type="application/json").status_code == 200


def test_without_a_configured_secret_production_refuses_and_development_believes(
    deliver: Deliver, settings: Settings
) -> None:
    settings.GATEWAY_SECRETS = {"ghostpay": [], "tribopay": []}
    assert deliver(ghostpay()).status_code == 503
    settings.DEBUG = True
    assert deliver(ghostpay()).status_code == 200


def test_deliveries_are_made_by_post(client: Client) -> None:
    answer = client.get("/api/webhooks/ghostpay/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")

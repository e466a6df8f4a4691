"""Signatures as Standard Webhooks describes them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings
from structlog.testing import capture_logs

from tests.integration.webhooks.conftest import SECRET, Deliver
from tests.integration.webhooks.payloads import ghostpay
from webhooks import signatures
from webhooks.models import RefusalCount, WebhookEvent

pytestmark = pytest.mark.django_db

# The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + "bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzISE="
BODY = json.dumps(ghostpay()).encode()


@pytest.fixture(autouse=True)
def signing(settings: Settings) -> None:
    """Let GhostPay sign, while one secret replaces another, and leave it no shared secret."""
    settings.GATEWAY_SIGNING_SECRETS = {"ghostpay": [NEW, OLD]}
    settings.GATEWAY_SECRETS = {"ghostpay": [], "tribopay": [SECRET]}


def signed(body: bytes = BODY, *, secret: str = OLD, ago: int = 0) -> dict[str, str]:
    """Return the headers of a delivery."""
    timestamp = str(int(time.time()) - ago)
    made = signatures.sign(secret, "msg_1", timestamp, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": made}


def test_a_signature_is_the_one_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    made = signatures.sign(OLD, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_a_signature_with_either_secret_is_good(deliver: Deliver, secret: str) -> None:
    assert deliver(BODY, **signed(secret=secret)).status_code == 200


def test_one_good_signature_of_several_is_enough(deliver: Deliver) -> None:
    headers = signed()
    several = f"v1a,AAAA v1,{'A' * 43}= {headers['webhook-signature']}"
    assert deliver(BODY, **headers | {"webhook-signature": several}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Webhook-Secret": SECRET}, signed(b"other"), signed() | {"webhook-id": "msg_2"},
        signed() | {"webhook-id": ""}, signed() | {"webhook-timestamp": "now"},
        signed() | {"webhook-signature": "v1,é"},
        signed() | {"webhook-timestamp": "9" * 30}, signed(secret="whsec_" + "AAAA" * 8),
    ],
    ids=["shared", "other body", "other id", "no id", "no time", "no base64", "far time", "other secret"],
)  # fmt: skip
def test_what_is_not_signed_by_the_gateway_is_refused_and_counted(deliver: Deliver, headers: dict[str, str]) -> None:
    with capture_logs() as logs:
        answer = deliver(BODY, **headers)
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (401, "bad_signature")
    assert [line["code"] for line in logs] == ["bad_signature"]
    assert not WebhookEvent.objects.exists()
    assert RefusalCount.objects.get().reason == "bad_signature"


@pytest.mark.parametrize(("ago", "status"), [(290, 200), (310, 401), (-290, 200), (-310, 401)])
def test_a_signature_is_good_for_five_minutes_either_way(deliver: Deliver, ago: int, status: int) -> None:
    answer = deliver(BODY, **signed(ago=ago))
    assert answer.status_code == status
    if status == 401:
        assert json.loads(answer.content)["error"]["code"] == "stale_signature"


def test_the_shared_secret_is_good_beside_it_where_there_is_one(deliver: Deliver, settings: Settings) -> None:
    settings.GATEWAY_SECRETS = {"ghostpay": [SECRET]}
    assert deliver(BODY, **{"X-Webhook-Secret": SECRET}).status_code == 200
    assert deliver(BODY, **signed()).status_code == 200
    wrong: dict[str, Any] = signed(b"other") | {"X-Webhook-Secret": SECRET}
    assert deliver(BODY, **wrong).status_code == 401


def test_a_secret_that_is_none_is_refused_at_the_start(settings: Settings) -> None:
    settings.GATEWAY_SIGNING_SECRETS = {"ghostpay": [OLD, "hunter2!", "whsec_AAAA"]}
    found = [error for error in run_checks() if error.id == "webhooks.E010"]
    assert [error.msg.split(".")[0] for error in found] == [
        f"GHOSTPAY_WEBHOOK_SIGNING_SECRET, number {number}, is no signing secret" for number in (2, 3)
    ]
    assert "hunter2" not in str(found)

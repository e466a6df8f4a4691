"""Deliveries as gateways make them, and a provider that can be told to misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.integration.webhooks.fake_twilio import TOKEN, FakeTwilio

SECRET = "the-secret-that-the-gateway-sends"
AT_ANY_TIME = {
    "SMS_HOURS": "00:00-24:00",
    "SMS_SATURDAY_HOURS": "00:00-24:00",
    "SMS_SUNDAYS": "true",
    "SMS_HOLIDAYS": "true",
    "SMS_MAX_AGE": str(10**9),
    "SMS_PER_PHONE_PER_DAY": "1000",
}
Deliver = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def secrets(settings: Settings) -> None:
    """Set a secret for each gateway."""
    settings.GATEWAY_SECRETS = {"ghostpay": [SECRET], "tribopay": [SECRET]}
    settings.GATEWAY_SIGNING_SECRETS = {}


@pytest.fixture(autouse=True)
def at_any_time(settings: Settings) -> None:
    """Let SMS go out whenever tests run, however old the examples of payloads are, and often."""
    for name, value in AT_ANY_TIME.items():
        setattr(settings, name, {"true": True}.get(value, int(value) if value.isdigit() else value))


@pytest.fixture
def deliver(client: Client) -> Deliver:
    """Return a function that delivers a payload, or a raw body, as a gateway does."""

    def deliver(payload: dict[str, Any] | bytes, gateway: str = "ghostpay", **headers: str) -> HttpResponse:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = headers or {"X-Webhook-Secret": SECRET}
        url = f"/api/webhooks/{gateway}/"
        return cast(HttpResponse, client.post(url, body, content_type="application/json", headers=headers))

    return deliver


@pytest.fixture
def twilio(settings: Settings) -> Iterator[FakeTwilio]:
    """Send through a Twilio of our own."""
    with FakeTwilio() as server:
        settings.SMS_PROVIDER = "twilio"
        settings.TWILIO_ACCOUNT_SID = "AC" + "0" * 32
        settings.TWILIO_AUTH_TOKEN = TOKEN
        settings.TWILIO_FROM = "+15005550006"
        settings.TWILIO_BASE_URL = server.url
        yield server

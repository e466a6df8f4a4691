"""Whatever JSON allows is kept, and shown as it was delivered; what is refused is told and logged."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from sms_sender.wsgi import application
from tests.integration.webhooks.conftest import SECRET, Deliver
from tests.integration.webhooks.payloads import ghostpay
from webhooks import deliveries
from webhooks.models import Payment, WebhookEvent

pytestmark = pytest.mark.django_db

BODY = json.dumps(ghostpay())[:-1]
RELAXED = settings(
    deadline=None,
    database=None,
    max_examples=60 if "SWEEP" in os.environ else 20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXTS = st.text() | st.sampled_from(["\ud800", "a\udfff\u0000b", "status", "customer"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def operator(settings: Settings) -> Client:
    """Return a client that bears the token."""
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    return Client(headers={"Authorization": "Bearer token"})


def shown(operator: Client) -> Any:
    """Return the payload of the one delivery as operators are shown it."""
    answer = operator.get(f"/api/webhooks/events/{WebhookEvent.objects.get().pk}/")
    assert answer.status_code == 200
    return json.loads(answer.content)["payload"]


def nested(depth: int) -> str:
    """Return lists in lists, as the payload's second level."""
    return "[" * (depth - 1) + "]" * (depth - 1)


@pytest.mark.parametrize(
    ("value", "as_shown"),
    [
        (r'"\ud800"', "\ud800"),
        (r'"\udfff\u0000é"', "\udfff\x00é"),
        (r'{"\ud800": 1}', {"\ud800": 1}),
        ("1e400", "1e400"),
        ("-1E+999", "-1E+999"),
        ("[1.5, 1e-400]", [1.5, 0.0]),
        ("9" * 4300, int("9" * 4300)),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (nested(deliveries.DEPTH), json.loads(nested(deliveries.DEPTH))),
    ],
    ids=["surrogate", "NUL", "surrogate key", "huge", "huge below", "float", "long", "same key twice", "deep"],
)
def test_an_odd_value_is_kept_and_shown(deliver: Deliver, operator: Client, value: str, as_shown: object) -> None:
    assert deliver(f'{BODY}, "odd": {value}}}'.encode()).status_code == 200
    assert Payment.objects.count() == 1
    assert shown(operator)["odd"] == as_shown


def test_an_odd_value_in_any_place_is_kept_and_shown(deliver: Deliver, operator: Client) -> None:
    values = [r'"\ud800"', "1e400", "-1e400", "9" * 4300, nested(99), "1.5", r'"\u0000"']
    for key, value in itertools.product([*ghostpay(), "customer.name", "customer.phone"], values):
        WebhookEvent.objects.all().delete()
        outer, _, inner = key.partition(".")
        place = {outer: {**ghostpay()[outer], inner: "ODD"} if inner else "ODD"}
        body = json.dumps(ghostpay(**place)).replace('"ODD"', value)
        assert deliver(body.encode()).status_code in {200, 202, 422}, (key, value)
        assert isinstance(shown(operator), dict), (key, value)


@pytest.mark.parametrize("depth", [101, 300, 900, 960, 980, 990, 1000, 5000, 50_000])
def test_one_that_is_nested_too_deep_is_refused(deliver: Deliver, depth: int) -> None:
    answer = deliver(f'{BODY}, "deep": {nested(depth)}}}'.encode())
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (400, "bad_json")


@pytest.mark.parametrize("payload", ['{"a": ' + nested(700) + "}", '{"a": ' + "9" * 5000 + "}", "nonsense"])
def test_what_an_earlier_release_kept_is_shown_as_it_came(operator: Client, payload: str) -> None:
    WebhookEvent.objects.create(gateway="ghostpay", digest="d", payload=payload)
    assert shown(operator) == payload


@RELAXED
@given(payload=st.dictionaries(TEXTS | st.sampled_from(list(ghostpay())), JSON, max_size=4))
def test_any_object_is_answered_and_shown(deliver: Deliver, operator: Client, payload: dict[str, Any]) -> None:
    WebhookEvent.objects.all().delete()
    assert deliver(payload).status_code in {200, 202, 422}
    assert shown(operator) == payload


CONTENT_TYPES = [
    "", "nonsense", ";", "application/json; charset=utf-16", "application/json; charset=hex", "x; charset=undefined",
    "application/json; charset=\u00ff", "application/x-www-form-urlencoded", "multipart/form-data",
    "multipart/form-data; boundary=", "text/plain; charset=idna", "application/json; charset*=hex''x",
    "application/json; boundary*=hex''x", 'multipart/form-data; boundary="\u00ff"; charset="rot13"',
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_no_content_type_keeps_a_delivery_out(rf: RequestFactory) -> None:
    """Through the application that a server runs: Django fails before its first middleware."""

    def post(query: str, content_type: str, headers: dict[str, str]) -> int:
        url = f"/api/webhooks/ghostpay/?{query}"
        environ = rf.generic("POST", url, json.dumps(ghostpay()), content_type="", headers=headers).environ
        statuses: list[str] = []
        answer = application(
            {**environ, "CONTENT_TYPE": content_type},
            lambda status, *_: statuses.append(status),  # type: ignore[arg-type]
        )
        assert b"".join(answer)
        return int(statuses[-1].split()[0])

    header = {"X-Webhook-Secret": SECRET}
    for content_type in CONTENT_TYPES:
        for query, headers in [("token=%00%ff%ed%a0%80+", header), (f"token={SECRET}", {}), (f"token={SECRET}&", {})]:
            assert post(query, content_type, headers) == 200, (content_type, query)
        assert post("token=%00%ff", content_type, {}) == 403, content_type


def test_a_body_that_breaks_off_is_refused(client: Client) -> None:
    class Broken:
        def read(self, *_: object) -> bytes:
            raise ConnectionResetError

        readline = read

    stream: dict[str, Any] = {"wsgi.input": Broken()}
    answer = client.post(
        "/api/webhooks/ghostpay/", "{}", content_type="application/json", headers={"X-Webhook-Secret": SECRET}, **stream
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "incomplete")

"""Zenvia, as a server of the test's own that checks what it gets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from tests.servers import free_port
from webhooks import checks, sending
from webhooks.models import RecoverySMS
from webhooks.providers import http

pytestmark = pytest.mark.django_db(transaction=True)


class FakeZenvia:
    """Takes messages as the API of version 2 does, and can be told to answer otherwise."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.status = 200
        self.delay = 0.0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                is_known = self.headers["X-API-TOKEN"] == "zenvia-token"
                is_right = self.path == "/v2/channels/sms/messages" and message["from"] == "loja"
                time.sleep(fake.delay)
                status = fake.status if is_right and is_known else 401
                if status == 200:
                    fake.sent.append(message)
                body = json.dumps({"id": f"z-{len(fake.sent)}"} if status == 200 else {"code": "x"}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def zenvia(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeZenvia]:
    """Send through a Zenvia of the test's own."""
    fake = FakeZenvia()
    settings.SMS_PROVIDER, settings.SMS_RECOVERY_DELAY = "zenvia", 0
    monkeypatch.setenv("ZENVIA_TOKEN", "zenvia-token")
    monkeypatch.setenv("ZENVIA_FROM", "loja")
    monkeypatch.setenv("ZENVIA_BASE_URL", f"http://127.0.0.1:{fake.server.server_address[1]}")
    threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def outcome(deliver: Deliver) -> tuple[str, str, str]:
    """Send the SMS of a new payment, and return what became of it."""
    deliver(ghostpay())
    sms = RecoverySMS.objects.get()
    sending.send(sms.pk)
    sms.refresh_from_db()
    return sms.status, sms.provider_id, sms.error


def test_it_sends(deliver: Deliver, zenvia: FakeZenvia) -> None:
    assert checks.check_provider() == []
    assert outcome(deliver) == ("sent", "z-1", "")
    [message] = zenvia.sent
    assert message["to"] == "5511999887766"
    assert message["contents"][0]["text"].startswith("Ana, seu PIX de R$ 99,90")


@pytest.mark.parametrize(
    ("status", "becomes"),
    [(400, "failed"), (401, "scheduled"), (402, "scheduled"), (403, "scheduled"), (429, "scheduled"), (500, "sending")],
)
def test_what_it_answers_is_understood(deliver: Deliver, zenvia: FakeZenvia, status: int, becomes: str) -> None:
    zenvia.status = status
    assert outcome(deliver) == (becomes, "", f"Zenvia answered {status}.")


def test_one_that_is_not_reached_was_given_nothing(
    deliver: Deliver, zenvia: FakeZenvia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENVIA_BASE_URL", f"http://127.0.0.1:{free_port()}")
    assert outcome(deliver)[0] == "scheduled"


def test_one_that_does_not_answer_may_have_sent(
    deliver: Deliver, zenvia: FakeZenvia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.providers.zenvia.TIMEOUT", 0.1)
    zenvia.delay = 0.5
    assert outcome(deliver)[0] == "sending"
    assert http.TIMEOUT > 1


def test_what_it_needs_is_asked_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SMS_PROVIDER = "zenvia"
    monkeypatch.delenv("ZENVIA_TOKEN", raising=False)
    monkeypatch.delenv("ZENVIA_FROM", raising=False)
    assert [error.msg for error in checks.check_provider()] == ["ZENVIA_TOKEN is not set.", "ZENVIA_FROM is not set."]

"""What somebody has to see to is found, told once in a while by e-mail and webhook, and told when it is over."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from tests.manage import ROOT
from webhooks import alarms, health
from webhooks.models import Alarm, DailyBudget, Payment, RecoverySMS, RefusalCount, WebhookEvent
from webhooks.states import EventStatus, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

RULES = yaml.safe_load((ROOT / "deploy/prometheus-rules.yaml").read_text())


@pytest.fixture(autouse=True)
def quiet(settings: Settings) -> None:
    """Begin with nobody to tell and nothing known."""
    cache.clear()
    settings.ALARM_EMAILS = ["ana@shop.example"]
    settings.ALARM_WEBHOOK_URL = ""


class Listener:
    """Takes what is posted to it, and can be told to fail."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listener.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def listener(settings: Settings) -> Iterator[Listener]:
    """Serve an address that takes alarms."""
    found = Listener()
    settings.ALARM_WEBHOOK_URL = found.url
    threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def sms(**values: Any) -> RecoverySMS:
    """Make an SMS of a payment of its own."""
    number = Payment.objects.count()
    payment = Payment.objects.create(
        gateway="ghostpay", gateway_id=f"gp_{number}", status="waiting", method="pix", amount=100
    )
    return RecoverySMS.objects.create(**{"payment": payment, "due_at": timezone.now()} | values)


def late(now: datetime) -> None:
    sms(due_at=now - timedelta(minutes=6))


def failures(_now: datetime) -> None:
    for _ in range(5):
        sms(status=SMSStatus.FAILED)


def unknown(_now: datetime) -> None:
    sms(status=SMSStatus.UNKNOWN)


def failed_delivery(now: datetime) -> None:
    WebhookEvent.objects.create(
        gateway="ghostpay", digest="1", payload="{}", status=EventStatus.FAILED, received_at=now - timedelta(minutes=9)
    )


def silent(now: datetime) -> None:
    WebhookEvent.objects.create(
        gateway="tribopay",
        digest="1",
        payload="{}",
        status=EventStatus.PROCESSED,
        received_at=now - timedelta(hours=26),
    )


def unknown_word(now: datetime) -> None:
    RefusalCount.objects.create(
        gateway="ghostpay", reason="unknown_word", detail="status 'ABDUCTED'", day=now.date(), count=1, last_at=now
    )


def provider_trouble(_now: datetime) -> None:
    health.note_provider_trouble("Twilio answered 401, code 20003.")


def budget_spent(now: datetime) -> None:
    DailyBudget.objects.create(day=timezone.localdate(now), spent=1, exhausted_at=now)


TROUBLE = [
    (late, "late_queue", "by 6 min"), (failures, "failed_sms", "5 SMS have failed"), (unknown, "unknown_sms", "1 SMS"),
    (failed_delivery, "failed_deliveries", "1 delivery cannot"),
    (silent, "silent_gateway:tribopay", "nothing for 26 h"),
    (unknown_word, "unknown_words:ghostpay", "ABDUCTED"), (provider_trouble, "provider_trouble", "401"),
    (budget_spent, "budget_spent", "SMS are spent"),
]  # fmt: skip


@pytest.mark.parametrize(("trouble", "name", "text"), TROUBLE, ids=[name for _trouble, name, _text in TROUBLE])
def test_trouble_is_found_and_told(trouble: Any, name: str, text: str) -> None:
    now = timezone.now()
    alarms.look(now)
    assert not mail.outbox
    trouble(now)
    alarms.look(now)
    [alarm] = alarms.current()
    assert alarm.name == name
    assert text in alarm.text
    [message] = mail.outbox
    assert (message.to, text in message.subject) == (["ana@shop.example"], True)
    assert "/panel/" in message.body


def test_one_that_goes_on_is_told_again_after_the_cool_down_and_its_end_once(listener: Listener) -> None:
    now = timezone.now()
    late(now)
    for minutes in (0, 1, 59, 61, 62):
        alarms.look(now + timedelta(minutes=minutes))
    assert [(told["alarm"], told["state"]) for told in listener.told] == [("late_queue", "raised")] * 2
    RecoverySMS.objects.update(status=SMSStatus.SENT)
    for minutes in (63, 64):
        alarms.look(now + timedelta(minutes=minutes))
    assert [told["state"] for told in listener.told] == ["raised", "raised", "over"]
    assert listener.told[-1]["text"].startswith("Over: ")
    assert len(mail.outbox) == 3
    assert not alarms.current().exists()


def test_one_that_comes_and_goes_is_told_once_within_the_cool_down(listener: Listener) -> None:
    now = timezone.now()
    row = sms(due_at=now - timedelta(minutes=6))
    for minutes in range(0, 20, 2):
        RecoverySMS.objects.update(status=SMSStatus.SCHEDULED)
        alarms.look(now + timedelta(minutes=minutes))
        RecoverySMS.objects.filter(pk=row.pk).update(status=SMSStatus.SENT)
        alarms.look(now + timedelta(minutes=minutes + 1))
    assert [told["state"] for told in listener.told] == ["raised", "over"]
    assert Alarm.objects.count() == 10


def test_what_nobody_took_is_told_again_and_whoever_took_it_is_not_told_twice(
    listener: Listener, settings: Settings
) -> None:
    now = timezone.now()
    late(now)
    listener.status = 500
    settings.ALARM_EMAILS = []
    for minutes in (0, 1):
        alarms.look(now + timedelta(minutes=minutes))
    assert len(listener.told) == 2
    settings.ALARM_EMAILS = ["ana@shop.example"]
    for minutes in (2, 3):
        alarms.look(now + timedelta(minutes=minutes))
    assert len(mail.outbox) == 1


def test_looking_at_once_tells_once(listener: Listener) -> None:
    now = timezone.now()
    late(now)
    threads = [threading.Thread(target=_look, args=(now,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listener.told) == 1


def _look(now: datetime) -> None:
    from django.db import connection

    try:
        alarms.look(now)
    finally:
        connection.close()


def test_a_gateway_that_never_delivered_is_not_silent(deliver: Deliver, settings: Settings) -> None:
    deliver(ghostpay())
    assert dict(alarms.findings(timezone.now() + timedelta(hours=23))).get("silent_gateway:ghostpay") is None
    found = dict(alarms.findings(timezone.now() + timedelta(hours=25)))
    assert [name for name in found if name.startswith("silent")] == ["silent_gateway:ghostpay"]
    settings.ALARM_SILENT_AFTER = None
    assert "silent_gateway:ghostpay" not in dict(alarms.findings(timezone.now() + timedelta(days=9)))


def test_prometheus_rules_ask_for_what_is_exported(settings: Settings, deliver: Deliver) -> None:
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    deliver(ghostpay())
    deliver(b"{")
    shown = Client(headers={"Authorization": "Bearer token"}).get("/metrics").content.decode()
    exported = set(re.findall(r"^(\w+)", shown, re.MULTILINE))
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len(rules) >= 7
    for rule in rules:
        named = set(re.findall(r"\b(?:webhooks|auto_migrate)_\w+", rule["expr"]))
        assert named
        assert named <= exported, rule["alert"]
        assert rule["annotations"]["summary"]
    kinds = {rule["alert"] for rule in rules}
    assert kinds >= {"SMSQueueLate", "SMSFailing", "GatewaySilent", "UnknownWords", "ProviderTrouble", "BudgetSpent"}

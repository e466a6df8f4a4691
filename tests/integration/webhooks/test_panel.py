"""The shop's page shows what the database holds, to staff alone, and lets operators act on the spot."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from tests.integration.webhooks.month import fill
from webhooks import roles
from webhooks.models import Alarm, OptOut, Payment, RecoverySMS
from webhooks.panel import figures
from webhooks.panel.views import from_now
from webhooks.states import SMSStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def month() -> datetime:
    """Make a month up, and return when it ends."""
    now = timezone.now()
    fill(random.Random(7), now, payments=300)
    return now


def asked(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what plain SQL finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


RECOVERED = """
SELECT count(*), coalesce(sum(p.amount), 0) FROM webhooks_payment p
WHERE p.status = 'paid' AND coalesce(p.paid_at, p.status_at, p.updated_at) >= %s AND EXISTS (
    SELECT FROM webhooks_recoverysms s
    WHERE s.payment_id = p.id AND s.sent_at <= coalesce(p.paid_at, p.status_at, p.updated_at)
)
"""
SENT = """
SELECT count(*), count(*) FILTER (WHERE s.number = 1), count(*) FILTER (
    WHERE s.number = 1 AND p.status = 'paid' AND coalesce(p.paid_at, p.status_at, p.updated_at) >= s.sent_at
) FROM webhooks_payment p JOIN webhooks_recoverysms s ON s.payment_id = p.id WHERE s.sent_at >= %s
"""


def midnight(now: datetime, days: int) -> datetime:
    """Return the midnight of Sao Paulo with which the last so many days began."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)


def test_what_was_recovered_is_what_sql_finds(month: datetime) -> None:
    periods, by_day = figures.recovery(month)
    for found in periods:
        since = midnight(month, found.days)
        assert [(found.payments, found.centavos)] == asked(RECOVERED, since)
        assert [(found.sent, found.reminded, found.paid)] == asked(SENT, since)
    assert found.payments > 20
    assert found.sent > found.reminded > found.paid > 0
    assert sum(by_day.values()) == found.centavos


def test_waiting_sms_deliveries_and_outcomes_are_what_sql_finds(month: datetime, settings: Settings) -> None:
    late = month - timedelta(seconds=settings.ALARM_LATE_AFTER)
    counts = {found.kind: found.count for found in figures.waiting(month)}
    scheduled = "SELECT count(*) FROM webhooks_recoverysms WHERE status = 'scheduled' AND due_at"
    assert [(counts["late"],)] == asked(f"{scheduled} <= %s", late)
    assert [(counts["due"],)] == asked(f"{scheduled} > %s AND due_at <= %s", late, month)
    assert [(counts["pending"],)] == asked(f"{scheduled} > %s", month)
    for kind in ("failed", "unknown"):
        assert [(counts[kind],)] == asked("SELECT count(*) FROM webhooks_recoverysms WHERE status = %s", kind)
    hours = figures.deliveries_by_hour(month)
    first = min(hours["ghostpay"])
    for gateway, by_hour in hours.items():
        query = "SELECT count(*) FROM webhooks_webhookevent WHERE gateway = %s AND received_at >= %s"
        assert [(sum(by_hour.values()),)] == asked(query, gateway, first)
        newest = asked("SELECT max(received_at) FROM webhooks_webhookevent WHERE gateway = %s", gateway)
        assert newest == [(figures.last_deliveries()[gateway],)]
    outcomes = figures.outcomes(midnight(month, 30))
    total = asked("SELECT count(*) FROM webhooks_recoverysms WHERE created_at >= %s", midnight(month, 30))
    assert [(sum(outcomes.counts.values()),)] == total
    assert set(outcomes.counts) >= {"delivered", "undelivered", "sent", "failed", "cancelled", "unknown"}
    spent = "SELECT sum(segments) FROM webhooks_recoverysms WHERE created_at >= %s AND status IN ('sent', 'unknown')"
    assert [(outcomes.segments,)] == asked(spent, midnight(month, 30))


def test_a_payment_made_before_its_sms_or_by_none_is_not_recovered(month: datetime) -> None:
    before = figures.recovery(month)[0][-1].payments
    made = Payment.objects.create(
        gateway="ghostpay", gateway_id="x", status="paid", method="pix", amount=5, paid_at=month
    )
    assert figures.recovery(month)[0][-1].payments == before
    sms = RecoverySMS.objects.create(
        payment=made, due_at=month, status=SMSStatus.SENT, sent_at=month + timedelta(seconds=1)
    )
    assert figures.recovery(month)[0][-1].payments == before
    RecoverySMS.objects.filter(pk=sms.pk).update(sent_at=month - timedelta(seconds=1))
    assert figures.recovery(month)[0][-1].payments == before + 1


def test_the_page_is_readable_without_javascript(admin_client: Client, month: datetime, settings: Settings) -> None:
    settings.SMS_PRICE = 1
    OptOut.objects.create(phone="+5511988776655")
    Alarm.objects.create(name="late_queue", text="They are late.")
    with override("pt-br"):
        shown = admin_client.get("/panel/").content.decode()
    text = re.sub(r"<[^>]+>", " ", shown)
    found = figures.recovery(timezone.now())[0][-1]
    for told in ("Vendas recuperadas", "Recuperado", "30 dias", "Atrasados", "GhostPay", "They are late.",
                 "Descadastros", "O banco de dados está em dia.", str(found.payments)):  # fmt: skip
        assert told in text
    assert "999887766" not in shown
    assert "<style" not in shown
    assert " style=" not in shown
    scripts = re.findall(r"<script(?![^>]*application/json)([^>]*)>", shown)
    assert all(" src=" in script for script in scripts)


def test_it_allows_itself_nothing_that_is_not_its_own(admin_client: Client) -> None:
    policy = admin_client.get("/panel/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("is_staff", [None, False])
def test_nobody_else_sees_it_and_the_root_leads_there(client: Client, *, is_staff: bool | None) -> None:
    if is_staff is not None:
        client.force_login(User.objects.create_user("ana", is_staff=is_staff))
    answer = client.get("/", follow=True)
    assert [url for url, _status in answer.redirect_chain] == ["/panel/", "/admin/login/?next=/panel/"]
    assert client.post("/panel/sms/1/send/").status_code == 302


def member(name: str) -> Client:
    """Return a client who is logged in as staff of a role."""
    roles.create_roles(sender=RecoverySMS._meta.app_config, using="default")
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    client = Client()
    client.force_login(user)
    return client


ACTIONS = [
    ("scheduled", "cancel", "cancelled"), ("scheduled", "send", "scheduled"), ("failed", "send", "scheduled"),
    ("failed", "dismiss", "cancelled"), ("unknown", "arrived", "sent"), ("unknown", "send", "scheduled"),
    ("sent", "send", "sent"), ("sending", "cancel", "sending"), ("sent", "arrived", "sent"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "action", "becomes"), ACTIONS)
def test_an_operator_acts_on_the_spot(status: str, action: str, becomes: str) -> None:
    payment = Payment.objects.create(gateway="ghostpay", gateway_id="gp_1", status="waiting", method="pix", amount=100)
    sms = RecoverySMS.objects.create(
        payment=payment, due_at=timezone.now() + timedelta(hours=3), claimed_at=timezone.now(), status=status
    )
    operator = member("operators")
    assert operator.post(f"/panel/sms/{sms.pk}/{action}/", follow=True).redirect_chain == [("/panel/", 302)]
    sms.refresh_from_db()
    assert sms.status == becomes
    if action == "send" and becomes == "scheduled":
        assert sms.due_at <= timezone.now()


def test_support_reads_and_does_not_send() -> None:
    payment = Payment.objects.create(gateway="ghostpay", gateway_id="gp_1", status="waiting", method="pix", amount=100)
    sms = RecoverySMS.objects.create(payment=payment, due_at=timezone.now(), status=SMSStatus.FAILED)
    support = member("support")
    shown = support.get("/panel/").content.decode()
    assert "gp_1" in shown
    assert f"/panel/sms/{sms.pk}/" not in shown
    assert support.post(f"/panel/sms/{sms.pk}/send/").status_code == 403
    for model in roles.READABLE:
        assert support.get(f"/admin/webhooks/{model}/").status_code == 200
    support.post("/admin/webhooks/recoverysms/", {"action": "send_now", "_selected_action": [sms.pk]})
    sms.refresh_from_db()
    assert sms.status == SMSStatus.FAILED
    assert support.post("/api/webhooks/opt-outs/", {"phone": "11988776655"}, "application/json").status_code == 403
    assert support.post("/api/webhooks/dead-letters/process-again/").status_code == 403
    assert support.get("/admin/webhooks/erasure/add/").status_code == 403
    operator = member("operators")
    assert f"/panel/sms/{sms.pk}/send/" in operator.get("/panel/").content.decode()
    assert operator.post("/api/webhooks/opt-outs/", {"phone": "11988776655"}, "application/json").status_code == 201
    assert operator.get("/admin/webhooks/erasure/add/").status_code == 200


def statements(client: Client) -> int:
    """Return how many statements the page's figures cost; those about the schema come once a second at most."""
    with CaptureQueriesContext(connection) as captured:
        client.get("/panel/")
    return sum('"webhooks_' in query["sql"] for query in captured.captured_queries)


def test_it_costs_as_many_statements_however_much_there_is(admin_client: Client, month: datetime) -> None:
    few = statements(admin_client)
    fill(random.Random(8), month, payments=300, prefix="more")
    assert statements(admin_client) == few < 25


@pytest.mark.parametrize(
    ("seconds", "english", "portuguese"),
    [(0, "just now", "agora mesmo"), (200, "3 min ago", "há 3 min"), (7300, "2 h ago", "há 2 h"),
     (-200, "in 3 min", "em 3 min"), (200_000, "2 d ago", "há 2 d"), (-5, "in a moment", "em instantes")],
)  # fmt: skip
def test_how_long_ago_is_told_in_both_languages(seconds: int, english: str, portuguese: str) -> None:
    now = timezone.now()
    moment = now - timedelta(seconds=seconds)
    assert from_now(moment, now) == english
    with override("pt-br"):
        assert from_now(moment, now) == portuguese

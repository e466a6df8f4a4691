"""What is refused is counted with its reason, what is not understood raises an alarm, and the log tells of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from tests.integration.webhooks.conftest import SECRET, Deliver
from tests.integration.webhooks.payloads import ghostpay, tribopay
from webhooks import health, refusals
from webhooks.models import Payment, RefusalCount
from webhooks.states import PaymentStatus, Refusal

pytestmark = pytest.mark.django_db(transaction=True)


def counted() -> dict[tuple[str, str, str], int]:
    """Return what was counted."""
    rows = RefusalCount.objects.values_list("gateway", "reason", "detail", "count")
    return {(gateway, reason, detail): count for gateway, reason, detail, count in rows}


@pytest.mark.parametrize("status", ["approved", "Approved", " APPROVED "])
def test_a_word_is_known_in_whatever_case(deliver: Deliver, status: str) -> None:
    assert deliver(ghostpay(status=status, paymentMethod="pix")).status_code == 200
    assert deliver(tribopay(status="PAID", method="Pix"), "tribopay").status_code == 200
    assert {payment.status for payment in Payment.objects.all()} == {PaymentStatus.PAID}
    assert health.deliveries()["status"] == "healthy"


def test_an_unknown_word_raises_an_alarm_until_somebody_has_seen_to_it(deliver: Deliver) -> None:
    with capture_logs() as logs:
        assert deliver(ghostpay(status="ABDUCTED")).status_code == 202
        deliver(ghostpay(status="ABDUCTED"))
    assert [line["word"] for line in logs if line["log_level"] == "error"] == ["status 'ABDUCTED'"]
    assert counted() == {("ghostpay", "unknown_word", "status 'ABDUCTED'"): 1}
    told = {"status": "degraded", "unknown_words": ["ghostpay: status 'ABDUCTED'"], "refused": {"unknown_word": 1}}
    assert health.deliveries() == told
    assert refusals.acknowledge(RefusalCount.objects.all()) == 1
    assert health.deliveries()["status"] == "healthy"
    deliver(ghostpay(status="ABDUCTED", paymentId="gp_2"))
    assert health.deliveries()["status"] == "degraded"
    later = timezone.now() + refusals.ALARM_AFTER
    assert not refusals.lately(later).exists()


def test_a_day_is_one_of_the_shops_own_clock(deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    evening = datetime(2026, 11, 30, 22, 12, tzinfo=ZoneInfo("America/Sao_Paulo"))
    monkeypatch.setattr(timezone, "now", lambda: evening)
    deliver(b"[]")
    assert RefusalCount.objects.get().day == evening.date()
    for hours, is_told in [(0, True), (23, True), (25, False)]:
        assert refusals.lately(evening + timedelta(hours=hours)).exists() == is_told


def test_what_is_refused_is_counted_with_its_reason(deliver: Deliver, settings: Settings) -> None:
    for body in (b"{", b"[]", b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)):
        deliver(body)
    deliver(ghostpay(), **{"X-Webhook-Secret": "wrong"})
    assert counted() == {
        ("ghostpay", "bad_json", ""): 2,
        ("ghostpay", "too_large", ""): 1,
        ("ghostpay", "bad_secret", ""): 1,
    }
    assert health.deliveries()["status"] == "healthy"
    settings.AUTO_MIGRATE = {"TOKEN": "token"}
    operator = Client(headers={"Authorization": "Bearer token"})
    listed = operator.get("/api/webhooks/refusals/?reason=bad_json").json()["results"]
    assert [(row["gateway"], row["count"]) for row in listed] == [("ghostpay", 2)]
    metrics = operator.get("/metrics").content.decode()
    assert 'webhooks_refusals_total{gateway="ghostpay",reason="bad_json"} 2.0' in metrics


def test_none_is_lost_when_many_are_refused_at_once() -> None:
    def refuse(_: int) -> None:
        try:
            refusals.count("ghostpay", Refusal.BAD_SECRET)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(refuse, range(200)))
    assert counted() == {("ghostpay", "bad_secret", ""): 200}


def test_the_log_has_one_line_for_each_delivery_taken_in(deliver: Deliver) -> None:
    with capture_logs() as logs:
        deliver(ghostpay())
        deliver(ghostpay())
        deliver(ghostpay(paymentId=None))
    lines = [line for line in logs if line["event"] == "A delivery was taken in"]
    known = {"gateway": "ghostpay", "payment": "gp_7f3a9c21", "phone": "+55119…7766", "outcome": "processed"}
    assert [known.items() <= line.items() for line in lines] == [True, True, False]
    assert [line["duplicate"] for line in lines] == [False, True, False]
    assert (lines[2]["outcome"], "paymentId" in lines[2]["note"]) == ("rejected", True)
    assert not any("999887766" in str(line) or SECRET in str(line) for line in logs)

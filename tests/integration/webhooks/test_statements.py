"""A delivery costs few statements and one commit, and what is promised about it holds under concurrency."""

from __future__ import annotations

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from tools.servers import wait_until
from webhooks import deliveries
from webhooks.models import Payment, RecoverySMS, WebhookEvent
from webhooks.states import EventStatus, PaymentStatus, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)

PAID = {"status": "APPROVED", "updatedAt": "2026-11-22T14:05:00Z"}
LATER = {"updatedAt": "2026-11-22T14:01:00Z"}
NEW = ["BEGIN", "INSERT payment", "INSERT recoverysms", "INSERT webhookevent", "COMMIT"]
AGAIN = [
    "BEGIN", "INSERT payment", "SELECT payment", "SELECT webhookevent", "INSERT webhookevent", "COMMIT",
]  # fmt: skip
CHANGED = [
    "BEGIN", "INSERT payment", "SELECT payment", "SELECT webhookevent", "UPDATE payment", "UPDATE recoverysms",
    "INSERT webhookevent", "COMMIT",
]  # fmt: skip


def statements(deliver: Deliver, payload: dict[str, Any]) -> list[str]:
    """Deliver, and return the database's work in short."""
    with CaptureQueriesContext(connection) as captured:
        assert deliver(payload).status_code in {200, 202}
    return [brief(query["sql"]) for query in captured.captured_queries]


def brief(sql: str) -> str:
    """Return the verb and the table of a statement."""
    table = re.search(r'"webhooks_(\w+)"', sql)
    return f"{sql.split(maxsplit=1)[0].rstrip(';')} {table[1] if table else ''}".strip()


def test_a_new_pix_costs_three_statements_and_one_commit(deliver: Deliver) -> None:
    assert statements(deliver, ghostpay()) == NEW
    assert statements(deliver, ghostpay()) == AGAIN
    assert statements(deliver, ghostpay(**PAID)) == CHANGED
    assert statements(deliver, ghostpay(status="ABDUCTED"))[:3] == ["BEGIN", "INSERT webhookevent", "COMMIT"]


def test_deliveries_of_one_payment_at_once_end_as_they_would_one_after_the_other() -> None:
    """Forty rounds of two pending deliveries and a paid one, each twice and all at once."""

    def take_in(work: tuple[int, dict[str, Any]]) -> EventStatus:
        number, changes = work
        try:
            body = json.dumps(ghostpay(paymentId=f"gp_{number}", **changes)).encode()
            return deliveries.take_in("ghostpay", body).status
        finally:
            connection.close()

    work = itertools.product(range(40), [{}, LATER, PAID, LATER, PAID, {}])
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(take_in, work)) == {EventStatus.PROCESSED}
    assert set(Payment.objects.values_list("status", flat=True)) == {PaymentStatus.PAID}
    assert Payment.objects.count() == 40
    assert list(WebhookEvent.objects.values_list("deliveries", flat=True)) == [2] * 120
    assert set(RecoverySMS.objects.values_list("status", flat=True)) <= {SMSStatus.CANCELLED}


def test_a_delivery_that_comes_again_is_not_acted_upon_again(deliver: Deliver) -> None:
    deliver(ghostpay())
    Payment.objects.update(customer_name="Changed")
    assert json.loads(deliver(ghostpay()).content)["duplicate"] is True
    assert Payment.objects.get().customer_name == "Changed"


def is_somebody_blocked() -> bool:
    """Return whether another connection waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_a_retry_and_the_same_delivery_at_once_do_not_block_each_other(deliver: Deliver) -> None:
    """Both lock the payment first: while a delivery of it is under way, a retry waits, and does nothing then."""
    deliver(ghostpay())
    event = WebhookEvent.objects.get()
    WebhookEvent.objects.update(status=EventStatus.FAILED)

    def retry() -> EventStatus:
        try:
            return deliveries.process(event.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Payment.objects.select_for_update().get()
            retried = pool.submit(retry)
            wait_until(is_somebody_blocked, timeout=60, message=lambda: "The retry does not wait for the payment.")
            deliveries.take_in("ghostpay", json.dumps(ghostpay()).encode())
        assert retried.result(60) == EventStatus.PROCESSED
    event.refresh_from_db()
    assert (event.status, event.deliveries) == (EventStatus.PROCESSED, 2)

"""A delivery that could not be processed is tried again until it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.integration.webhooks.conftest import Deliver
from tests.integration.webhooks.payloads import ghostpay
from webhooks import deliveries, payments, tasks
from webhooks.models import RecoverySMS, WebhookEvent
from webhooks.states import EventStatus, SMSStatus

pytestmark = pytest.mark.django_db(transaction=True)


def execute(statement: str) -> None:
    """Execute one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def changed(change: str, back: str) -> Iterator[None]:
    """Change the schema while the block lasts."""
    execute(change)
    try:
        yield
    finally:
        execute(back)


def schema_is_behind() -> AbstractContextManager[None]:
    """Take away a column that the code asks for."""
    table = "ALTER TABLE webhooks_payment RENAME COLUMN"
    return changed(f"{table} pix_code TO later", f"{table} later TO pix_code")


def pass_time(**durations: float) -> None:
    """Move the only delivery into the past."""
    event = WebhookEvent.objects.get()
    past = timedelta(**durations)
    event.received_at -= past
    if event.processed_at:
        event.processed_at -= past
    event.save()


def test_a_delivery_to_a_schema_that_is_behind_is_processed_once_it_is_there(deliver: Deliver) -> None:
    with schema_is_behind():
        answer = deliver(ghostpay())
        assert (answer.status_code, json.loads(answer.content)["status"]) == (202, "failed")
        pass_time(seconds=31)
        tasks.finish_interrupted()
    event = WebhookEvent.objects.get()
    assert (event.status, "pix_code" in event.note) == (EventStatus.FAILED, True)
    pass_time(seconds=62)
    tasks.finish_interrupted()
    event.refresh_from_db()
    assert (event.status, event.note) == (EventStatus.PROCESSED, "")
    assert RecoverySMS.objects.get().status == SMSStatus.SCHEDULED


MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("failing_for", "since", "is_due"),
    [
        (0, 29, False), (0, 31, True), (31, 30, False), (31, 32, True), (10 * MINUTE, 9 * MINUTE, False),
        (10 * MINUTE, 11 * MINUTE, True), (5 * HOUR, 59 * MINUTE, False), (5 * HOUR, 61 * MINUTE, True),
        (2 * DAY, 23 * HOUR, True), (3 * DAY, 2 * HOUR, False),
    ],
)  # fmt: skip
def test_pauses_double_from_half_a_minute_to_an_hour_for_three_days(
    deliver: Deliver, *, failing_for: int, since: int, is_due: bool
) -> None:
    deliver(ghostpay())
    tried_at = timezone.now() - timedelta(seconds=since)
    received_at = tried_at - timedelta(seconds=failing_for)
    WebhookEvent.objects.update(status=EventStatus.FAILED, processed_at=tried_at, received_at=received_at)
    assert bool(deliveries.take_up()) is is_due


def test_a_delivery_is_kept_and_failed_when_the_database_hangs_up_on_its_processing(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(payments, "record", lambda *_: execute("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert deliver(ghostpay()).status_code == 202
    assert WebhookEvent.objects.get().status == EventStatus.FAILED
    pass_time(seconds=31)
    tasks.finish_interrupted()
    assert WebhookEvent.objects.get().status == EventStatus.PROCESSED


def test_a_delivery_whose_failure_cannot_even_be_noted_stays_received_and_is_taken_up(deliver: Deliver) -> None:
    table = "ALTER TABLE webhooks_webhookevent"
    forbid = f"{table} ADD CONSTRAINT no_failures CHECK (status <> 'failed')"
    with schema_is_behind(), changed(forbid, f"{table} DROP CONSTRAINT no_failures"):
        answer = deliver(ghostpay())
    assert (answer.status_code, json.loads(answer.content)["status"]) == (202, "received")
    pass_time(seconds=61)
    tasks.finish_interrupted()
    assert WebhookEvent.objects.get().status == EventStatus.PROCESSED


def test_a_failure_is_noted_whatever_its_text_holds(deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a\u0000b\ud800\nc")

    monkeypatch.setattr(payments, "record", fail)
    deliver(ghostpay())
    event = WebhookEvent.objects.get()
    assert (event.status, event.note) == (EventStatus.FAILED, "ValueError: ab c")

"""Thousands of due SMS hold up neither beat's questions nor a migration that is asked for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
import requests

from tests.integration.webhooks.fake_twilio import FakeTwilio
from tests.integration.webhooks.service import Service
from tests.manage import run_manage
from tests.servers import Redis

pytestmark = pytest.mark.slow

SECONDS = 1.5
PROCESSES = 2
"""As many as `Service` lets the worker have."""
IN_FIVE_SECONDS = PROCESSES * (5 / SECONDS) + PROCESSES
"""SMS that can be sent meanwhile: a busy machine sends no more of them, however long everything takes there."""

DUE = 2000
FILL = f"""
from django.utils import timezone
from webhooks.models import Payment, RecoverySMS
told = {{"gateway": "ghostpay", "status": "waiting", "method": "pix", "amount": 9990}}
told["customer_phone"] = "+5511999887766"
payments = Payment.objects.bulk_create(Payment(gateway_id=f"gp_{{number}}", **told) for number in range({DUE}))
RecoverySMS.objects.bulk_create(RecoverySMS(payment=payment, due_at=timezone.now()) for payment in payments)
"""
TOKEN = "the-operators-token"


class SlowTwilio(FakeTwilio):
    """Takes its time for each message."""

    def take(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer after a while."""
        time.sleep(SECONDS)
        return super().take(form)


def forget_the_worker(broker: Redis) -> None:
    """Let the health check know of no worker, as if one had been silent for long."""
    with redis_client.Redis.from_url(broker.url()) as client:
        assert client.delete("sms_sender:1:webhooks:worker-alive") == 1


def test_two_thousand_due_sms_hold_nobody_up(tmp_path: Path, migrated_url: str) -> None:
    with Redis() as broker, SlowTwilio() as twilio:
        env = {
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "twilio-token",
            "TWILIO_FROM": "+15005550006",
            "TWILIO_BASE_URL": twilio.url,
            "AUTO_MIGRATE_TOKEN": TOKEN,
            "SMS_REDISPATCH_AFTER": "30",
        }
        with Service(tmp_path, migrated_url, broker, env) as service:
            filled = run_manage("shell", "-v0", "-c", FILL, database_url=migrated_url)
            assert filled.returncode == 0, filled.stderr
            service.start("worker", "beat")
            service.eventually(lambda: len(twilio.sent) >= 4)
            forget_the_worker(broker)
            before = len(twilio.sent)
            service.eventually(lambda: service.health()["status"] == "healthy")
            assert len(twilio.sent) - before <= IN_FIVE_SECONDS
            before = len(twilio.sent)
            run = ask_for_a_run(service)
            service.eventually(lambda: state_of(run) not in {"queued", None})
            assert len(twilio.sent) - before <= IN_FIVE_SECONDS
            assert service.health()["status"] == "healthy"
            assert list(service.states().values()).count("scheduled") > DUE / 2


def ask_for_a_run(service: Service) -> str:
    """Force a migration, and return where its state is told."""
    address = f"http://127.0.0.1:{service.port}"
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(f"{address}/api/webhooks/force-migrate/", headers=bearer, timeout=60)
    assert answer.status_code == 202, answer.text
    return f"{address}{answer.json()['status_url']}"


def state_of(run: str) -> str | None:
    """Return the state of a run."""
    told = requests.get(run, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60).json()
    state: str | None = told.get("status")
    return state

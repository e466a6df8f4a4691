"""On SQLite, where nothing can be locked row by row, the same holds."""

from __future__ import annotations

from pathlib import Path

from tests.integration.webhooks.conftest import AT_ANY_TIME
from tests.manage import run_manage

SCENARIO = """
import json
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from tests.integration.webhooks.payloads import ghostpay
from webhooks import deliveries, queue, sending
from webhooks.models import RecoverySMS, WebhookEvent

def deliver(_):
    outcome = deliveries.take_in("ghostpay", json.dumps(ghostpay()).encode())
    connection.close()
    return outcome.is_new

def send(key):
    sending.send(key)
    connection.close()

with ThreadPoolExecutor(6) as pool:
    print("new", list(pool.map(deliver, range(6))).count(True))
    keys = queue.take_due()
    list(pool.map(send, keys * 6))
sms = RecoverySMS.objects.get()
print("deliveries", WebhookEvent.objects.get().deliveries, "sms", len(keys), sms.status, sms.attempts)
"""


def test_parallel_deliveries_and_workers_make_one_sms(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    assert run_manage("migrate", database_url=url).returncode == 0
    done = run_manage("shell", "-v0", "-c", SCENARIO, database_url=url, env=AT_ANY_TIME | {"SMS_RECOVERY_DELAY": "0"})
    assert done.stdout.splitlines() == ["new 1", "deliveries 6 sms 1 sent 1"], done.stderr
    assert done.stderr.count("SMS to +55119…7766") == 1

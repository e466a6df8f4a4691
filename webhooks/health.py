"""What `health/` reports beside the database. Each answers within a second: the cache's own timeouts are shorter.

Neither makes the service worse than degraded: deliveries are taken in without Redis and without a worker, and a restart
of the web process, which is what platforms do to an unhealthy one, would bring back neither.

A worker counts as alive when it has lately carried out beat's question for what is due. Unlike a broadcast ping, this
costs the check nothing but one read, is bounded when the broker hangs, and proves the whole chain: beat asks, the
broker carries, a worker works.
"""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter

from django.conf import settings
from django.core.cache import cache as store

from webhooks import refusals
from webhooks.states import Refusal

HEARTBEAT = "webhooks:worker-alive"
PROVIDER_TROUBLE = "webhooks:sms-provider-trouble"
TROUBLE_LASTS = 3600
"""Seconds; trouble that goes on is noted again with every attempt."""
BUDGET_SPENT = "webhooks:sms-budget-spent"
MISSED_POLLS = 5


def cache() -> dict[str, object]:
    """Write a value and read it back."""
    key, value = f"webhooks:health:{uuid.uuid4()}", "written"
    try:
        store.set(key, value, timeout=10)
        read = store.get(key)
    except Exception as error:  # noqa: BLE001 # whatever a cache backend raises means the same here
        return {"status": "degraded", "error": type(error).__name__}
    return {"status": "healthy" if read == value else "degraded"}


def note_worker_alive() -> None:
    """Note that a worker is carrying out what beat asks for; without a cache nobody learns of it, and work goes on."""
    lifetime = max(30.0, settings.SMS_POLL_INTERVAL * MISSED_POLLS)
    with contextlib.suppress(Exception):  # sending matters more than telling about it
        store.set(HEARTBEAT, "alive", timeout=int(lifetime))


def sms_scheduler() -> dict[str, object]:
    """Return whether Redis answers and a worker has lately done what beat asks for."""
    try:
        alive = store.get(HEARTBEAT) is not None
        redis_available = bool(settings.REDIS_URL)
    except Exception:  # noqa: BLE001 # likewise
        alive = redis_available = False
    return {
        "status": "healthy" if redis_available and alive else "degraded",
        "redis_available": redis_available,
        "celery_available": redis_available and alive,
    }


def note_budget_spent(seconds: float) -> None:
    """Note that no SMS goes out for so long, since the day's are spent."""
    with contextlib.suppress(Exception):  # likewise
        store.set(BUDGET_SPENT, "spent", timeout=max(1, int(seconds)))


def sms_budget() -> dict[str, object]:
    """Return whether SMS wait because those of the day are spent."""
    try:
        spent = store.get(BUDGET_SPENT) is not None
    except Exception:  # noqa: BLE001 # the check of the cache tells
        spent = False
    return {"status": "degraded", "error": "SMS_PER_DAY is spent."} if spent else {"status": "healthy"}


def note_provider_trouble(reason: str) -> None:
    """Note that the provider takes nothing of ours."""
    with contextlib.suppress(Exception):  # likewise
        store.set(PROVIDER_TROUBLE, reason, timeout=TROUBLE_LASTS)


def note_provider_well() -> None:
    """Note that the provider has taken an SMS."""
    with contextlib.suppress(Exception):  # likewise
        store.delete(PROVIDER_TROUBLE)


def sms_provider() -> dict[str, object]:
    """Return whether the provider takes what it is given."""
    try:
        reason = store.get(PROVIDER_TROUBLE)
    except Exception:  # noqa: BLE001 # the check of the cache tells
        reason = None
    return {"status": "degraded", "error": reason} if reason else {"status": "healthy"}


def deliveries() -> dict[str, object]:
    """Return what gateways were refused for within a day, and which words of theirs nobody knows.

    Unknown words are an alarm: payments are not followed. What else is refused may be anybody's doing.
    """
    found = list(refusals.lately())
    words = sorted({f"{row.gateway}: {row.detail}" for row in found if row.reason == Refusal.UNKNOWN_WORD})
    refused: Counter[str] = Counter()
    for row in found:
        refused[row.reason] += row.count
    return {"status": "degraded" if words else "healthy", "unknown_words": words, "refused": dict(refused)}

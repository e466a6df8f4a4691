"""Counting what is refused or not understood, by gateway, reason and day.

Anybody can have a delivery refused. So a process counts with one thread at a time, which takes along what the others
have met with meanwhile: a flood costs each process one connection, and waits for one row in one place only.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import structlog
from django.db import Error
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from webhooks.models import RefusalCount
from webhooks.states import Refusal

logger = structlog.get_logger(__name__)

ALARM_AFTER = timedelta(days=1)
"""How long an alarm stays that nobody has seen to."""

_waiting: Counter[tuple[str, Refusal, str]] = Counter()
_guard = threading.Lock()
_counting = threading.Lock()


def count(gateway: str, reason: Refusal, detail: str = "") -> None:
    """Count one, now or with whoever is counting; what the database does not take is told in the log alone."""
    with _guard:
        _waiting[gateway, reason, detail[:100]] += 1
    # Looked at again after the lock is given back: another thread may have come in vain meanwhile.
    while _waiting and _counting.acquire(blocking=False):
        try:
            _count_waiting()
        finally:
            _counting.release()


def _count_waiting() -> None:
    with _guard:
        taken = dict(_waiting)
        _waiting.clear()
    for (gateway, reason, detail), number in taken.items():
        try:
            _add(gateway, reason, detail, number)
        except Error as error:
            lost = {"gateway": gateway, "refusal": reason.value, "number": number}
            logger.warning("Refusals could not be counted", **lost, reason=type(error).__name__)


def _add(gateway: str, reason: Refusal, detail: str, number: int) -> None:
    now = timezone.now()
    row = {"gateway": gateway, "reason": reason, "detail": detail, "day": timezone.localdate(now)}
    same = RefusalCount.objects.filter(**row)
    if not same.update(count=F("count") + number, last_at=now):
        # Whoever has just made the row too keeps it; the number is added once, here.
        RefusalCount.objects.bulk_create([RefusalCount(**row, last_at=now)], ignore_conflicts=True)
        same.update(count=F("count") + number, last_at=now)


def lately(now: datetime | None = None) -> QuerySet[RefusalCount]:
    """Return what was counted within a day and nobody has seen to since."""
    now = now or timezone.now()
    unseen = Q(seen_at=None) | Q(seen_at__lt=F("last_at"))
    since = now - ALARM_AFTER
    return RefusalCount.objects.filter(unseen, day__gte=timezone.localdate(since), last_at__gt=since)


def acknowledge(rows: QuerySet[RefusalCount]) -> int:
    """Note that somebody has seen to them; return their number."""
    return rows.update(seen_at=timezone.now())


def totals() -> dict[tuple[str, str], int]:
    """Return how many there were in all by gateway and reason."""
    rows = RefusalCount.objects.order_by().values_list("gateway", "reason").annotate(total=Sum("count"))
    return {(gateway, reason): total for gateway, reason, total in rows}

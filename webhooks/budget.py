"""How many SMS may go out in a day, over all: counted in one row a day, whose lock makes the limit exact."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import structlog
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from webhooks import health
from webhooks.models import DailyBudget

logger = structlog.get_logger(__name__)


def spend(now: datetime) -> bool:
    """Count one SMS, in the open transaction; return whether the day's budget had one left."""
    if settings.SMS_PER_DAY is None:
        return True
    day = day_of(now)
    DailyBudget.objects.get_or_create(day=day)
    left = DailyBudget.objects.filter(day=day, spent__lt=settings.SMS_PER_DAY)
    if left.update(spent=F("spent") + 1):
        return True
    if DailyBudget.objects.filter(day=day, exhausted_at=None).update(exhausted_at=now):
        logger.error("The day's SMS are spent: what is due waits for the next day", limit=settings.SMS_PER_DAY)
    health.note_budget_spent((next_day(now) - now).total_seconds())
    return False


def give_back(claimed_at: datetime) -> None:
    """Take one SMS, which did not go out, from the count."""
    if settings.SMS_PER_DAY is not None:
        DailyBudget.objects.filter(day=day_of(claimed_at), spent__gt=0).update(spent=F("spent") - 1)


def day_of(moment: datetime) -> date:
    """Return the day, by the service's own clock."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def next_day(moment: datetime) -> datetime:
    """Return when the next day begins."""
    midnight = datetime.combine(day_of(moment) + timedelta(days=1), time())
    return timezone.make_aware(midnight, timezone.get_default_timezone())

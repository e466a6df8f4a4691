"""The numbers of the shop's page. Each is one statement that an index serves, whatever years of payments there are."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate, TruncHour
from django.utils import timezone

from webhooks import gateways
from webhooks.models import PAID_MOMENT, OptOut, Payment, RecoverySMS, WebhookEvent
from webhooks.states import DEAD, DeliveryStatus, PaymentStatus, SMSStatus

PERIODS = (1, 7, 30)
"""Days, today included."""
HOURS = 24
LISTED = 5
"""Rows of each kind that are shown with what can be done about them."""


@dataclasses.dataclass(frozen=True)
class Recovery:
    """What came of the SMS in some days: payments made then after their SMS, and how many of those days' SMS did it."""

    days: int
    payments: int
    centavos: int
    sent: int
    paid: int

    @property
    def rate(self) -> float | None:
        """Return the share of the SMS sent in these days whose payment was made after; None if none was sent."""
        return self.paid / self.sent if self.sent else None


def start_of(days: int, now: datetime) -> datetime:
    """Return when the first of so many days began, by the service's own clock."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return timezone.make_aware(today.replace(tzinfo=None) - timedelta(days=days - 1))


def recovered_since(since: datetime) -> QuerySet[Payment]:
    """Return payments that were made since then, each after its SMS; `moment` says when."""
    paid = Payment.objects.filter(status=PaymentStatus.PAID).annotate(moment=PAID_MOMENT)
    return paid.filter(moment__gte=since, recovery_sms__sent_at__lte=F("moment"))


def recovery(now: datetime) -> tuple[list[Recovery], dict[date, int]]:
    """Return what was recovered today, in 7 and in 30 days, and the centavos of each of these days."""
    first = start_of(max(PERIODS), now)
    made = recovered_since(first).annotate(day=TruncDate("moment")).order_by().values("day")
    payments = {row["day"]: row for row in made.annotate(count=Count("pk"), centavos=Sum("amount"))}
    sms = RecoverySMS.objects.filter(sent_at__gte=first).alias(moment=_MOMENT_OF_PAYMENT)
    did_it = Q(payment__status=PaymentStatus.PAID, moment__gte=F("sent_at"))
    by_day = sms.annotate(day=TruncDate("sent_at")).order_by().values("day")
    sent = {row["day"]: row for row in by_day.annotate(count=Count("pk"), paid=Count("pk", filter=did_it))}
    days = [timezone.localdate(first) + timedelta(days=number) for number in range(max(PERIODS))]
    periods = [
        Recovery(
            days=period,
            payments=_total(payments, days[-period:], "count"),
            centavos=_total(payments, days[-period:], "centavos"),
            sent=_total(sent, days[-period:], "count"),
            paid=_total(sent, days[-period:], "paid"),
        )
        for period in PERIODS
    ]
    return periods, {day: _total(payments, [day], "centavos") for day in days}


_MOMENT_OF_PAYMENT = Coalesce("payment__paid_at", "payment__status_at", "payment__updated_at")


def _total(by_day: Mapping[date, Mapping[str, Any]], days: list[date], key: str) -> int:
    return sum(int(by_day[day][key]) for day in days if day in by_day)


@dataclasses.dataclass(frozen=True)
class Waiting:
    """SMS that wait for their time, for a worker or for a person: how many, and the first of them."""

    kind: str
    count: int
    rows: list[RecoverySMS]


def waiting(now: datetime) -> list[Waiting]:
    """Return the SMS that are late, due, pending, failed and of unknown outcome."""
    late_before = now - timedelta(seconds=settings.ALARM_LATE_AFTER)
    scheduled = RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED)
    kinds = {
        "late": scheduled.filter(due_at__lte=late_before).order_by("due_at"),
        "due": scheduled.filter(due_at__gt=late_before, due_at__lte=now).order_by("due_at"),
        "pending": scheduled.filter(due_at__gt=now).order_by("due_at"),
        "failed": RecoverySMS.objects.filter(status=SMSStatus.FAILED).order_by("-updated_at"),
        "unknown": RecoverySMS.objects.filter(status=SMSStatus.UNKNOWN).order_by("-updated_at"),
    }
    return [Waiting(kind, rows.count(), list(rows.select_related("payment")[:LISTED])) for kind, rows in kinds.items()]


def deliveries_by_hour(now: datetime) -> Mapping[str, dict[datetime, int]]:
    """Return the deliveries of each gateway in each of the last hours, this one included."""
    first = timezone.localtime(now).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    hours = [first + timedelta(hours=number) for number in range(HOURS)]
    rows = WebhookEvent.objects.filter(gateway__in=gateways.names(), received_at__gte=first)
    counted = rows.annotate(hour=TruncHour("received_at")).order_by().values_list("gateway", "hour")
    found = {(gateway, hour): count for gateway, hour, count in counted.annotate(count=Count("pk"))}
    return {name: {hour: found.get((name, hour), 0) for hour in hours} for name in gateways.names()}


def last_deliveries() -> dict[str, datetime | None]:
    """Return when each gateway has last delivered something that is kept."""
    newest = WebhookEvent.objects.order_by("-received_at").values_list("received_at", flat=True)
    return {name: newest.filter(gateway=name).first() for name in gateways.names()}


def dead_letters(since: datetime) -> int:
    """Return how many deliveries since then were not acted upon."""
    return WebhookEvent.objects.filter(status__in=DEAD, received_at__gte=since).count()


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """What became of the SMS that were scheduled in some days."""

    counts: Mapping[str, int]
    segments: int

    @property
    def cost(self) -> Decimal | None:
        """Return what they cost in reais; None if nobody has said what one costs."""
        return None if settings.SMS_PRICE is None else self.segments * settings.SMS_PRICE


def outcomes(since: datetime) -> Outcomes:
    """Return the SMS scheduled since then by outcome: as reported where the provider reports, else as we know it."""
    rows = RecoverySMS.objects.filter(created_at__gte=since).order_by().values("status", "delivery_status")
    counts: Counter[str] = Counter()
    segments = 0
    for row in rows.annotate(count=Count("pk"), segments_sum=Sum("segments")):
        went_out = row["status"] in {SMSStatus.SENT, SMSStatus.UNKNOWN}
        counts[outcome(row["status"], row["delivery_status"])] += row["count"]
        segments += row["segments_sum"] if went_out else 0
    return Outcomes(dict(counts), segments)


def outcome(status: str, delivery_status: str) -> str:
    """Return the one word for what became of an SMS."""
    reported = status == SMSStatus.SENT and delivery_status
    return DeliveryStatus.UNDELIVERED if reported == DeliveryStatus.FAILED else reported or status


def opt_outs(since: datetime) -> tuple[int, int]:
    """Return how many numbers want no SMS, and how many of them said so since then."""
    found = OptOut.objects.aggregate(all=Count("pk"), lately=Count("pk", filter=Q(created_at__gte=since)))
    return found["all"], found["lately"]

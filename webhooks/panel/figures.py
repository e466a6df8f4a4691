"""The numbers of the shop's page. Each is one statement that an index serves, whatever years of payments there are."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from webhooks import gateways
from webhooks.models import PAID_MOMENT, OptOut, Payment, RecoverySMS, WebhookEvent
from webhooks.states import DEAD, DeliveryStatus, PaymentStatus, SMSStatus

PERIODS = (1, 7, 30)
"""Days, today included."""
HOURS = 24
Rows = Sequence[Any]
"""Mappings, of what is counted by day."""
LISTED = 5
"""Rows of each kind that are shown with what can be done about them."""


@dataclasses.dataclass(frozen=True)
class Recovery:
    """What came of the SMS in some days: payments made then after an SMS, and what became of those reminded then.

    `sent` are all SMS of these days, `reminded` the payments that got their first one, `paid` those of them made since.
    """

    days: int
    payments: int
    centavos: int
    sent: int
    reminded: int
    paid: int

    @property
    def rate(self) -> float | None:
        """Return the share of the payments reminded in these days that were made since; None if there is none."""
        return self.paid / self.reminded if self.reminded else None


def start_of(days: int, now: datetime) -> datetime:
    """Return when the first of so many days began, by the service's own clock."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return timezone.make_aware(today.replace(tzinfo=None) - timedelta(days=days - 1))


def recovery(now: datetime) -> tuple[list[Recovery], dict[date, int]]:
    """Return what was recovered today, in 7 and in 30 days, and the centavos of each of these days."""
    first = start_of(max(PERIODS), now)
    made, sent = _made_by_day(first), _sent_by_day(first)
    days = [timezone.localdate(first) + timedelta(days=number) for number in range(max(PERIODS))]
    return [_recovery(made, sent, days[-period:]) for period in PERIODS], {
        day: sum(row["centavos"] for row in made if row["day"] == day) for day in days
    }


def _recovery(made: Rows, sent: Rows, days: list[date]) -> Recovery:
    recovered = [row for row in made if row["day"] in days]
    sms = [row for row in sent if row["day"] in days]
    return Recovery(
        days=len(days),
        payments=sum(row["count"] for row in recovered),
        centavos=sum(row["centavos"] for row in recovered),
        sent=sum(row["count"] for row in sms),
        reminded=sum(row["count"] for row in sms if row["number"] == 1),
        paid=sum(row["count"] for row in made if row["reminded_on"] in days),
    )


def _made_by_day(since: datetime) -> Rows:
    """Return the payments made since then, each after its first SMS, by the days of either.

    The SMS is looked up for each of these payments: joined, all SMS of all years would be read.
    """
    first_sms = RecoverySMS.objects.filter(payment=OuterRef("pk"), number=1, sent_at__lte=OuterRef("moment"))
    paid = Payment.objects.filter(status=PaymentStatus.PAID).alias(moment=PAID_MOMENT).filter(moment__gte=since)
    by_day = paid.annotate(
        day=TruncDate("moment"), reminded_on=Subquery(first_sms.order_by().values(sent_on=TruncDate("sent_at")))
    )
    counted = by_day.order_by().values("day", "reminded_on").annotate(count=Count("pk"), centavos=Sum("amount"))
    return [row for row in counted if row["reminded_on"] is not None]


def _sent_by_day(since: datetime) -> Rows:
    """Return how many first, second and third SMS were sent on each day since then."""
    sms = RecoverySMS.objects.filter(sent_at__gte=since).annotate(day=TruncDate("sent_at"))
    return list(sms.order_by().values("day", "number").annotate(count=Count("pk")))


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

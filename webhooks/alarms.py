"""What somebody has to see to: looked for every minute, kept from when it begins until it is over, told by `notify`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webhooks import budget, gateways, health, notify, refusals
from webhooks.models import Alarm, DailyBudget, RecoverySMS, WebhookEvent
from webhooks.states import EventStatus, Refusal, SMSStatus

logger = structlog.get_logger(__name__)

LATELY = timedelta(hours=1)
"""Failures of this time are counted together."""
FAILED_FOR = timedelta(minutes=5)
"""A delivery that fails for so long does not mend itself with the deploy that is under way."""

Finding = tuple[str, str]
"""An alarm's name and its text."""


def current() -> QuerySet[Alarm]:
    """Return the alarms that are not over, the oldest first."""
    return Alarm.objects.filter(ended_at=None).order_by("raised_at")


def look(now: datetime | None = None) -> None:
    """Raise what is found, end what is not found any more, and tell of both."""
    now = now or timezone.now()
    found = dict(findings(now))
    for alarm in current():
        if alarm.name in found:
            Alarm.objects.filter(pk=alarm.pk).update(text=found[alarm.name])
        else:
            _end(alarm, now)
    for name, text in found.items():
        _raise(name, text, now)
    for key in list(_to_be_told(now).values_list("pk", flat=True)):
        _tell(key, now)


def findings(now: datetime) -> Iterator[Finding]:
    """Return everything that is wrong now."""
    yield from _late_queue(now)
    yield from _failures(now)
    yield from _silent_gateways(now)
    yield from _unknown_words(now)
    if trouble := health.sms_provider().get("error"):
        yield "provider_trouble", _("The SMS provider takes nothing of ours: {reason}").format(reason=trouble)
    if DailyBudget.objects.filter(day=budget.day_of(now), exhausted_at__isnull=False).exists():
        yield (
            "budget_spent",
            _("The day's {limit} SMS are spent; what is due waits for tomorrow.").format(limit=settings.SMS_PER_DAY),
        )


def _late_queue(now: datetime) -> Iterator[Finding]:
    late = RecoverySMS.objects.filter(
        status=SMSStatus.SCHEDULED, due_at__lte=now - timedelta(seconds=settings.ALARM_LATE_AFTER)
    )
    if oldest := late.aggregate(oldest=Min("due_at"))["oldest"]:
        count, minutes = late.count(), int((now - oldest).total_seconds() // 60)
        text = ngettext(
            "{count} SMS is late, by {minutes} min. Look at worker, beat and Redis.",
            "{count} SMS are late, the first by {minutes} min. Look at worker, beat and Redis.",
            count,
        )
        yield "late_queue", text.format(count=count, minutes=minutes)


def _failures(now: datetime) -> Iterator[Finding]:
    lately = RecoverySMS.objects.filter(updated_at__gt=now - LATELY)
    failed = lately.filter(status=SMSStatus.FAILED).count()
    if failed >= settings.ALARM_FAILURES:
        yield "failed_sms", _("{count} SMS have failed within an hour.").format(count=failed)
    if unknown := lately.filter(status=SMSStatus.UNKNOWN).count():
        text = _("Nobody knows whether {count} SMS went out. Ask the provider, and decide on the panel.")
        yield "unknown_sms", text.format(count=unknown)
    failing = WebhookEvent.objects.filter(status=EventStatus.FAILED, received_at__lt=now - FAILED_FOR)
    if count := failing.filter(received_at__gt=now - timedelta(days=3)).count():
        text = ngettext("{count} delivery cannot be processed.", "{count} deliveries cannot be processed.", count)
        yield "failed_deliveries", text.format(count=count)


def _silent_gateways(now: datetime) -> Iterator[Finding]:
    """A gateway that has never delivered anything is not in use."""
    if settings.ALARM_SILENT_AFTER is None:
        return
    silent_before = now - timedelta(seconds=settings.ALARM_SILENT_AFTER)
    for name, label in gateways.choices():
        of_it = WebhookEvent.objects.filter(gateway=name).order_by("-received_at")
        last = of_it.values_list("received_at", flat=True).first()
        if last is not None and last < silent_before:
            hours = int((now - last).total_seconds() // 3600)
            text = _("{gateway} has delivered nothing for {hours} h.").format(gateway=label, hours=hours)
            yield f"silent_gateway:{name}", text


def _unknown_words(now: datetime) -> Iterator[Finding]:
    words: dict[str, list[str]] = {}
    for row in refusals.lately(now).filter(reason=Refusal.UNKNOWN_WORD):
        words.setdefault(row.gateway, []).append(row.detail)
    for gateway, found in sorted(words.items()):
        text = _("{gateway} uses words that are not known, and what it says is not acted upon: {words}.")
        yield f"unknown_words:{gateway}", text.format(gateway=gateway, words=", ".join(sorted(set(found))))


def _raise(name: str, text: str, now: datetime) -> None:
    """Raise an alarm unless it stands; one that was told a moment ago, and was over meanwhile, is not told again."""
    if current().filter(name=name).exists():
        return
    before = Alarm.objects.filter(name=name, told_at__gt=now - _cooldown()).order_by("-told_at").first()
    alarm = Alarm(name=name, text=text, raised_at=now, told_at=before.told_at if before else None)
    Alarm.objects.bulk_create([alarm], ignore_conflicts=True)  # another may have raised it meanwhile
    logger.error("An alarm was raised", alarm=name, text=text)


def _end(alarm: Alarm, now: datetime) -> None:
    ended = Alarm.objects.filter(pk=alarm.pk, ended_at=None).update(ended_at=now)
    if ended:
        logger.warning("An alarm is over", alarm=alarm.name)
    if ended and alarm.told_at is not None and alarm.told_at >= alarm.raised_at:
        notify.send(alarm, is_over=True)


def _to_be_told(now: datetime) -> QuerySet[Alarm]:
    return current().filter(Q(told_at=None) | Q(told_at__lte=now - _cooldown()))


def _tell(key: int, now: datetime) -> None:
    """Tell of an alarm, once however many look: whoever is telling of it keeps it locked until that is done."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        alarm = _to_be_told(now).select_for_update(skip_locked=skip).filter(pk=key).first()
        if alarm is not None and notify.send(alarm):
            Alarm.objects.filter(pk=key).update(told_at=now)


def _cooldown() -> timedelta:
    return timedelta(seconds=settings.ALARM_COOLDOWN)

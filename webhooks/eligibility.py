"""Whether an SMS may go out now. Asked within its claim, while the payments of its phone and its order are locked."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from webhooks import budget, hours, phones, queue
from webhooks.models import PAID_MOMENT, OptOut, Payment, RecoverySMS
from webhooks.states import GONE, MONEY_MOVED

SHORTEST_PAUSE = timedelta(minutes=1)
"""Until a payment that is in review is looked at again."""


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """Why an SMS does not go out, and the time at which that may have changed, if it may."""

    reason: str
    until: datetime | None = None


def obstacle(payment: Payment, sms: RecoverySMS, now: datetime) -> Obstacle | None:
    """Return why the payment's SMS must not go out now; None if it may, and it is counted in the day's budget then."""
    if reason := _for_good(payment, sms, now):
        return Obstacle(reason)
    if payment.is_held_back:
        pause = max(timedelta(seconds=settings.SMS_RECOVERY_DELAY), SHORTEST_PAUSE)
        return Obstacle(_("The payment is in review."), until=now + pause)
    if (opens_at := hours.next_open(payment.customer_phone, now)) > now:
        return Obstacle(_("Nobody is written to at this hour."), until=opens_at)
    if sms.number > 1 and (reason := _had_enough_today(payment, now)):
        # Wanted another day: the phone's SMS of today is the one before this, more often than not.
        tomorrow = hours.start_of_day(payment.customer_phone, now) + timedelta(days=1)
        return Obstacle(reason, until=hours.next_open(payment.customer_phone, tomorrow))
    if not budget.spend(now):
        until = hours.next_open(payment.customer_phone, budget.next_day(now))
        reason = _("The day's budget of {limit} SMS is spent.").format(limit=settings.SMS_PER_DAY)
        return Obstacle(reason, until=until)
    return None


def _for_good(payment: Payment, sms: RecoverySMS, now: datetime) -> str:
    if not (payment.is_left_waiting or payment.is_held_back):
        return queue.settled(payment)
    if payment.expired_between(payment.created_at, now):
        return _("The PIX code has expired.")
    if now - payment.began_at > timedelta(seconds=settings.SMS_MAX_AGE):
        return _("The payment is older than {seconds} s.").format(seconds=f"{settings.SMS_MAX_AGE:g}")
    if OptOut.objects.filter(phone=payment.customer_phone).exists():
        return _("The phone has opted out.")
    if reason := phones.obstacle(payment.customer_phone) or _paid_otherwise(payment) or _other_of_order(payment):
        return reason
    return _had_enough_today(payment, now) if sms.number == 1 else _is_too_many(sms)


def _is_too_many(sms: RecoverySMS) -> str:
    """Fewer may be allowed by now than when it was scheduled."""
    if sms.number <= settings.SMS_REMINDERS:
        return ""
    return _("A payment has {count} SMS at most.").format(count=settings.SMS_REMINDERS)


def _paid_otherwise(payment: Payment) -> str:
    paid = Payment.objects.filter(status__in=MONEY_MOVED).exclude(pk=payment.pk)
    if payment.external_id and paid.filter(gateway=payment.gateway, external_id=payment.external_id).exists():
        return _("The order is paid, by another payment.")
    # A PIX code that somebody let go for another, of whichever order or gateway: they have bought, and know it.
    theirs = paid.alias(moment=PAID_MOMENT).filter(customer_phone=payment.customer_phone, moment__gte=payment.began_at)
    return _("The customer has paid since.") if theirs.exists() else ""


def _other_of_order(payment: Payment) -> str:
    """Reminders of an order are those of one of its payments."""
    gone = RecoverySMS.objects.filter(status__in=GONE).exclude(payment=payment)
    order = gone.filter(payment__gateway=payment.gateway, payment__external_id=payment.external_id)
    return _("The order has had its SMS.") if payment.external_id and order.exists() else ""


def _had_enough_today(payment: Payment, now: datetime) -> str:
    since = hours.start_of_day(payment.customer_phone, now)
    gone = RecoverySMS.objects.filter(status__in=GONE, phone=payment.customer_phone, claimed_at__gte=since)
    if (today := gone.count()) < settings.SMS_PER_PHONE_PER_DAY:
        return ""
    return _("The phone has had {count} SMS today.").format(count=today)


def valid_for(payment: Payment, now: datetime) -> int:
    """Return the seconds for which an SMS that goes out now is wanted: until it closes, or the PIX code expires."""
    until = hours.closes_at(payment.customer_phone, now)
    if payment.expires_at is not None and payment.expires_at > now:
        until = min(until, payment.expires_at)
    return int((until - now).total_seconds())

"""The queue of recovery SMS: rows of the database, which alone is believed about what is still to be sent.

The broker only carries primary keys. A message that it loses is written again, one that it doubles finds the row taken.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from webhooks import hours, inserts, phones
from webhooks.models import Payment, RecoverySMS
from webhooks.states import AWAITED, SMSStatus

BATCH = 200
"""Rows in the broker's hands at a time; beat asks again within seconds."""


def follow(payment: Payment) -> None:
    """Schedule the payment's first SMS, or cancel all of them, as its status asks for; keep the reason for none."""
    if payment.is_held_back:
        return  # the claim puts it off
    if not payment.is_left_waiting:
        cancel(RecoverySMS.objects.filter(payment=payment), reason=settled(payment))
        return
    obstacle = phones.obstacle(payment.customer_phone)
    if obstacle != payment.sms_obstacle:
        payment.sms_obstacle = obstacle
        payment.save(update_fields=["sms_obstacle"])
    if not obstacle:
        # One statement, which does nothing if the payment has its SMS.
        inserts.insert(RecoverySMS(payment=payment, due_at=_due_at(payment)))


def follow_up() -> int:
    """Schedule the next reminder of payments that were sent one and are still left waiting; give their number.

    Looked for in the record, and again until it is there: so a worker that died after it had sent one costs nobody the
    next, nor does a release before this one, which allows a payment one SMS for as long as it runs.
    """
    if settings.SMS_REMINDERS == 1:
        return 0
    now = timezone.now()
    sent = RecoverySMS.objects.filter(
        status=SMSStatus.SENT,
        sent_at__gte=now - timedelta(seconds=settings.SMS_MAX_AGE),
        number__lt=settings.SMS_REMINDERS,
        payment__status__in=AWAITED,
        payment__anonymized_at=None,
    )
    later = RecoverySMS.objects.filter(payment=OuterRef("payment"), number__gt=OuterRef("number"))
    last = sent.filter(~Exists(later)).select_related("payment").order_by("sent_at")[:BATCH]
    rows = [RecoverySMS(payment=sms.payment, number=sms.number + 1, due_at=_due_after(sms)) for sms in last]
    RecoverySMS.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _due_after(sms: RecoverySMS) -> datetime:
    """Return the first moment after the delay from that SMS at which the phone may be written to."""
    assert sms.sent_at is not None  # noqa: S101 # it was sent
    delay = timedelta(seconds=settings.SMS_FURTHER_DELAYS[sms.number + 1])
    return hours.next_open(sms.payment.customer_phone, sms.sent_at + delay)


def settled(payment: Payment) -> str:
    """Return why a payment that nobody is awaited for gets no SMS."""
    return _("The payment is {status}.").format(status=payment.get_status_display().lower())


def _due_at(payment: Payment) -> datetime:
    """Return the first moment after the delay at which the phone may be written to."""
    return hours.next_open(payment.customer_phone, timezone.now() + timedelta(seconds=settings.SMS_RECOVERY_DELAY))


def cancel(rows: QuerySet[RecoverySMS], *, reason: str) -> int:
    """Cancel those of `rows` that no worker has taken yet; give their number."""
    return rows.filter(status=SMSStatus.SCHEDULED).update(
        status=SMSStatus.CANCELLED, error=reason, updated_at=timezone.now()
    )


def confirm(rows: QuerySet[RecoverySMS]) -> int:
    """Note of those of `rows` whose outcome nobody knew that they arrived, as an operator has found out."""
    return rows.filter(status=SMSStatus.UNKNOWN).update(
        status=SMSStatus.SENT, sent_at=F("claimed_at"), error="", updated_at=timezone.now()
    )


def dismiss(rows: QuerySet[RecoverySMS], *, reason: str) -> int:
    """Give those of `rows` up that failed, so that nobody is asked about them any more; give their number."""
    failed = rows.filter(status=SMSStatus.FAILED)
    return failed.update(status=SMSStatus.CANCELLED, error=reason, updated_at=timezone.now())


def send_again(rows: QuerySet[RecoverySMS]) -> int:
    """Put back those of `rows` that are neither sent nor on their way, due at once; give their number.

    For operators: whoever asks for this has made sure that an `unknown` one did not arrive.
    """
    now = timezone.now()
    return rows.exclude(status__in=[SMSStatus.SENT, SMSStatus.SENDING]).update(
        status=SMSStatus.SCHEDULED, due_at=now, dispatched_at=None, attempts=0, attempt_token=None, updated_at=now
    )


def take_due() -> list[int]:
    """Return the keys of rows that are due and in nobody's hands, and mark them as handed over.

    They come again after `SMS_REDISPATCH_AFTER` if nobody has claimed them: their message was lost.
    """
    now = timezone.now()
    lost_before = now - timedelta(seconds=settings.SMS_REDISPATCH_AFTER)
    untouched = Q(dispatched_at=None) | Q(dispatched_at__lt=lost_before)
    waiting = RecoverySMS.objects.filter(status=SMSStatus.SCHEDULED, due_at__lte=now)
    room = BATCH - waiting.filter(dispatched_at__gte=lost_before).count()
    if room <= 0:
        return []
    due = waiting.filter(untouched).order_by("due_at")
    with transaction.atomic():
        # Two pollers share the rows out instead of waiting for each other.
        locked = due.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        keys = list(locked.values_list("pk", flat=True)[:room])
        RecoverySMS.objects.filter(pk__in=keys).update(dispatched_at=now)
    return keys

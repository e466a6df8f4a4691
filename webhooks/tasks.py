"""What the worker does. Beat asks for all but the second; the broker carries keys and may lose any of them.

All are acknowledged when they start, Celery's default: the database finds again what a dead worker left, and a message
delivered twice could only ask for what is done already.
"""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from webhooks import alarms, deliveries, health, privacy, queue, sending


@shared_task  # type: ignore[untyped-decorator]
def send_due() -> None:
    """Hand every SMS that is due to a worker."""
    health.note_worker_alive()
    for key in queue.take_due():
        # By then it has been handed over again, and one message is enough.
        send_recovery_sms.apply_async((key,), expires=settings.SMS_REDISPATCH_AFTER)


@shared_task  # type: ignore[untyped-decorator]
def send_recovery_sms(key: int) -> None:
    """Send one SMS, if it is still wanted and nobody else has taken it."""
    sending.send(key)


@shared_task  # type: ignore[untyped-decorator]
def finish_interrupted() -> None:
    """Go on with what was left: deliveries unread or not processed, SMS whose worker died, payments not yet made."""
    for key in deliveries.take_up():
        deliveries.process(key)
    sending.settle_abandoned()
    queue.follow_up()


@shared_task  # type: ignore[untyped-decorator]
def raise_alarms() -> None:
    """Look for what somebody has to see to, and tell of it."""
    alarms.look()


@shared_task  # type: ignore[untyped-decorator]
def apply_retention() -> None:
    """Forget what is old enough to be forgotten."""
    privacy.apply_retention()

"""What the worker does. Beat asks for the first and the last; the broker carries keys and may lose any of them.

All are acknowledged when they start, Celery's default: the database finds again what a dead worker left, and a message
delivered twice could only ask for what is done already.
"""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from webhooks import deliveries, health, queue, sending
from webhooks.models import WebhookEvent
from webhooks.states import EventStatus

LEFT_AFTER = timedelta(minutes=1)
"""A delivery that is still unread belonged to a web process that died."""


@shared_task  # type: ignore[untyped-decorator]
def send_due() -> None:
    """Hand every SMS that is due to a worker."""
    health.note_worker_alive()
    for key in queue.take_due():
        send_recovery_sms.delay(key)


@shared_task  # type: ignore[untyped-decorator]
def send_recovery_sms(key: int) -> None:
    """Send one SMS, if it is still wanted and nobody else has taken it."""
    sending.send(key)


@shared_task  # type: ignore[untyped-decorator]
def finish_interrupted() -> None:
    """Finish what processes that died have left: SMS being sent, deliveries kept but not read."""
    sending.settle_abandoned()
    left = WebhookEvent.objects.filter(status=EventStatus.RECEIVED, received_at__lt=timezone.now() - LEFT_AFTER)
    for key in left.order_by("received_at").values_list("pk", flat=True)[:100]:
        deliveries.process(key)

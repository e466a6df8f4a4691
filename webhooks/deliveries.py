"""Taking a delivery in: kept first, understood afterwards, so that whatever goes wrong with it nothing is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NoReturn

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from webhooks import payments
from webhooks.gateways import READERS, MalformedPayload, UnknownWord
from webhooks.models import Payment, WebhookEvent
from webhooks.states import EventStatus

logger = structlog.get_logger(__name__)


class NotJSON(ValueError):
    """The body is not a JSON object in UTF-8; there is nothing to keep."""


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """Give a body as text and as an object; raise `NotJSON`."""
    try:
        text = body.decode("utf-8-sig")
        payload = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NotJSON("The body is not JSON in UTF-8.") from error
    if not isinstance(payload, dict):
        raise NotJSON("The body is not a JSON object.")
    return text, payload


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def digest(payload: Mapping[str, Any]) -> str:
    """Give the SHA-256 of the canonical form, alike for bodies that differ in white space and order of keys only."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep(gateway: str, body: bytes) -> tuple[WebhookEvent, bool]:
    """Keep a delivery once, committed before anybody looks at what it says; tell whether it is new."""
    text, payload = parse(body)
    event, is_new = WebhookEvent.objects.get_or_create(
        gateway=gateway, digest=digest(payload), defaults={"payload": text}
    )
    if not is_new:
        again = WebhookEvent.objects.filter(pk=event.pk)
        again.update(deliveries=F("deliveries") + 1, last_received_at=timezone.now())
    return event, is_new


def process(key: int) -> EventStatus:
    """Act upon a kept delivery, once however often this is called, and give what became of it."""
    try:
        with transaction.atomic():
            event = WebhookEvent.objects.select_for_update().get(pk=key)
            if not EventStatus(event.status).is_settled:
                _settle(event)
            return EventStatus(event.status)
    except Exception as error:  # a delivery that breaks our code must stay, and be seen
        logger.exception("A delivery could not be processed", delivery=key)
        note = f"{type(error).__name__}: {error}"[:1000]
        unsettled = WebhookEvent.objects.filter(pk=key, status__in=[EventStatus.RECEIVED, EventStatus.FAILED])
        unsettled.update(status=EventStatus.FAILED, note=note)
        return EventStatus.FAILED


def _settle(event: WebhookEvent) -> None:
    try:
        event.payment = _act(event)
        event.status, event.note = EventStatus.PROCESSED, ""
    except UnknownWord as error:
        event.status, event.note = EventStatus.IGNORED, str(error)
    except MalformedPayload as error:
        event.status, event.note = EventStatus.REJECTED, str(error)
    event.processed_at = timezone.now()
    event.save(update_fields=["payment", "status", "note", "processed_at"])


def _act(event: WebhookEvent) -> Payment:
    return payments.record(event.gateway, READERS[event.gateway](json.loads(event.payload)))

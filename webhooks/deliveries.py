"""Taking a delivery in: kept first, understood afterwards, so that whatever goes wrong with it nothing is lost."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, NoReturn

import structlog
from django.db import Error, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.utils import timezone

from webhooks import gateways, payments, refusals
from webhooks.gateways import MalformedPayload, UnknownWord
from webhooks.gateways.notice import clean
from webhooks.models import Payment, WebhookEvent
from webhooks.phones import mask
from webhooks.states import UNSETTLED, EventStatus, Refusal

logger = structlog.get_logger(__name__)

DEPTH = 100
"""Levels of a payload. Whether Python can read or write a deeper one depends on who calls."""

BATCH = 100
"""Deliveries taken up at a time; beat asks again within half a minute."""

LEFT_AFTER = timedelta(minutes=1)
"""A delivery that is still unread belonged to a process that died, or that lost the database."""

SHORTEST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
TRIED_FOR = timedelta(days=3)
"""A delivery that has failed for so long stays `failed`, for a person to look at."""


class NotJSON(ValueError):
    """The body is not a JSON object in UTF-8; there is nothing to keep."""


def parse(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return a body as text and as an object; raise `NotJSON`."""
    try:
        text = body.decode("utf-8-sig")
    except ValueError as error:
        raise NotJSON("The body is not JSON in UTF-8.") from error
    return text, loads(text)


def loads(text: str, *, parse_float: Callable[[str], float | str] = float) -> dict[str, Any]:
    """Return the object that a text describes; raise `NotJSON`."""
    try:
        payload = json.loads(text, parse_constant=_refuse_constant, parse_float=parse_float)
    except (ValueError, RecursionError) as error:
        raise NotJSON("The body is not JSON in UTF-8.") from error
    if not isinstance(payload, dict):
        raise NotJSON("The body is not a JSON object.")
    if _is_deeper(payload, DEPTH):
        raise NotJSON(f"The body is nested more than {DEPTH} levels deep.")
    return payload


def _is_deeper(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(value, dict | list) for value in level)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def digest(payload: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical form, alike for bodies that differ in white space and order of keys only."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep(gateway: str, body: bytes) -> tuple[WebhookEvent, bool]:
    """Keep a delivery once, committed before anybody looks at what it says; return whether it is new."""
    text, payload = parse(body)
    event, is_new = WebhookEvent.objects.get_or_create(
        gateway=gateway, digest=digest(payload), defaults={"payload": text}
    )
    if not is_new:
        again = WebhookEvent.objects.filter(pk=event.pk)
        again.update(deliveries=F("deliveries") + 1, last_received_at=timezone.now())
    return event, is_new


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a delivery that is kept; `payment` is the gateway's id of it, `phone` is masked."""

    id: int
    status: EventStatus
    note: str
    is_new: bool
    payment: str = ""
    phone: str = ""


def take_in(gateway: str, body: bytes) -> Outcome:
    """Keep a delivery and act upon it; raise `NotJSON`, or Django's `Error` where it could not be kept."""
    event, is_new = keep(gateway, body)
    status = process(event.pk)
    wanted = ("note", "payment__gateway_id", "payment__customer_phone")
    note, payment, phone = WebhookEvent.objects.values_list(*wanted).get(pk=event.pk)
    return Outcome(event.pk, status, note, is_new, payment or "", mask(phone or ""))


def process(key: int) -> EventStatus:
    """Act upon a kept delivery, once however often this is called, and return what became of it."""
    try:
        with transaction.atomic():
            event = WebhookEvent.objects.select_for_update().get(pk=key)
            if not EventStatus(event.status).is_settled:
                _settle(event)
            return EventStatus(event.status)
    except Exception as error:  # a delivery that breaks our code must stay, and be seen
        logger.exception("A delivery could not be processed", delivery=key)
        return _note_failure(key, error)


def take_up() -> list[int]:
    """Return the keys of deliveries to process now: those that nobody has read, and failed ones after a pause.

    A pause lasts as long as the delivery had been failing for when it was last tried, so that pauses double.
    """
    now = timezone.now()
    unread = Q(status=EventStatus.RECEIVED, received_at__lt=now - LEFT_AFTER)
    failed = Q(status=EventStatus.FAILED, received_at__gt=now - TRIED_FOR)
    as_long_again = Q(processed_at__lte=now - SHORTEST_PAUSE, next_try_at__lte=now)
    rested = as_long_again | Q(processed_at__lte=now - LONGEST_PAUSE)
    next_try_at = ExpressionWrapper(
        F("processed_at") + (F("processed_at") - F("received_at")), output_field=DateTimeField()
    )
    due = WebhookEvent.objects.alias(next_try_at=next_try_at).filter(unread | (failed & rested))
    return list(due.order_by("received_at").values_list("pk", flat=True)[:BATCH])


def _note_failure(key: int, error: Exception) -> EventStatus:
    """Have the delivery tried again; one that cannot even be marked is still `received`, and taken up as such."""
    unsettled = WebhookEvent.objects.filter(pk=key, status__in=UNSETTLED)
    note = clean(" ".join(f"{type(error).__name__}: {error}".split()))[:1000]
    try:
        unsettled.update(status=EventStatus.FAILED, note=note, processed_at=timezone.now())
    except Error as worse:
        logger.warning("A failure could not be noted", delivery=key, reason=type(worse).__name__)
        return EventStatus.RECEIVED
    return EventStatus.FAILED


def _settle(event: WebhookEvent) -> None:
    try:
        event.payment = _act(event)
        event.status, event.note = EventStatus.PROCESSED, ""
    except UnknownWord as error:
        event.status, event.note = EventStatus.IGNORED, str(error)
        transaction.on_commit(functools.partial(_alarm, event.gateway, error.word))
    except MalformedPayload as error:
        event.status, event.note = EventStatus.REJECTED, str(error)
    event.processed_at = timezone.now()
    event.save(update_fields=["payment", "status", "note", "processed_at"])


def _alarm(gateway: str, word: str) -> None:
    logger.error(
        "A gateway uses a word that is not known; what it says is kept and not acted upon", gateway=gateway, word=word
    )
    refusals.count(gateway, Refusal.UNKNOWN_WORD, word)


def _act(event: WebhookEvent) -> Payment:
    return payments.record(event.gateway, gateways.get(event.gateway).read(json.loads(event.payload)))

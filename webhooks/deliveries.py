"""Taking a delivery in: kept and acted upon at once, and kept alone where that goes wrong, so that nothing is lost."""

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
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from webhooks import gateways, inserts, payments, refusals
from webhooks.gateways import MalformedPayload, Notice, UnknownWord
from webhooks.gateways.notice import clean
from webhooks.models import WebhookEvent
from webhooks.phones import mask
from webhooks.states import DEAD, UNSETTLED, EventStatus, Refusal

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


AGAIN = ", ".join(
    [
        "deliveries = kept.deliveries + 1",
        "last_received_at = excluded.last_received_at",
        *(
            f"{column} = CASE WHEN kept.status IN ('received', 'failed') THEN excluded.{column} ELSE kept.{column} END"
            for column in ("payment_id", "note", "processed_at", "status")
        ),
    ]
)
"""What a delivery that is kept already changes."""


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


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a delivery that is kept; `payment` is the gateway's id of it, `phone` is masked."""

    id: int
    status: EventStatus
    note: str
    is_new: bool
    payment: str = ""
    phone: str = ""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a delivery is understood to be: something to act upon, `notice`, or why not."""

    status: EventStatus
    notice: Notice | None = None
    note: str = ""
    unknown_word: str = ""


def take_in(gateway: str, body: bytes) -> Outcome:
    """Keep a delivery and act upon it in one transaction; raise `NotJSON`, or Django's `Error` if it cannot be kept.

    What goes wrong with acting upon it costs a second transaction, which keeps it all the same.
    """
    text, payload = parse(body)
    event = WebhookEvent(gateway=gateway, digest=digest(payload), payload=text)
    try:
        verdict = _understand(gateway, payload)
        outcome = _settle(event, verdict)
    except Exception as error:  # a delivery that breaks our code must stay, and be seen
        logger.exception("A delivery could not be processed", gateway=gateway, digest=event.digest)
        return _keep_failed(event, error)
    if outcome.is_new:
        _raise_alarm(gateway, verdict)
    return outcome


def process(key: int) -> EventStatus:
    """Act upon a kept delivery, once however often this is called, and return what became of it."""
    try:
        event = WebhookEvent.objects.get(pk=key)
        if not EventStatus(event.status).is_settled:
            verdict = _understand(event.gateway, json.loads(event.payload))
            with transaction.atomic():
                _act(event, verdict)
                unsettled = WebhookEvent.objects.filter(pk=key, status__in=UNSETTLED)
                settled = unsettled.update(
                    payment=event.payment, status=verdict.status, note=verdict.note, processed_at=timezone.now()
                )
            if settled:
                _raise_alarm(event.gateway, verdict)
        return EventStatus(WebhookEvent.objects.values_list("status", flat=True).get(pk=key))
    except Exception as error:  # likewise
        logger.exception("A delivery could not be processed", delivery=key)
        return _note_failure(key, error)


def process_again(events: QuerySet[WebhookEvent]) -> tuple[int, int, int]:
    """Have deliveries processed that were not acted upon; return how many were, of how many, and how many are left.

    The first are processed here and now; the worker takes the rest up, as it does what a process that died has left.
    """
    # What is stripped of its payload says nothing any more.
    wanted = list(events.filter(status__in=DEAD).exclude(payload="").order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(wanted), 1000):
        WebhookEvent.objects.filter(pk__in=wanted[start : start + 1000]).update(status=EventStatus.RECEIVED)
    now = wanted[:BATCH]
    done = [process(key) for key in now].count(EventStatus.PROCESSED)
    logger.info("Deliveries are processed again", processed=done, tried=len(now), left=len(wanted) - len(now))
    return done, len(now), len(wanted) - len(now)


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


def _keep_failed(event: WebhookEvent, error: Exception) -> Outcome:
    """Keep a delivery that could not be acted upon, committed before anything else is tried."""
    event.status, event.note, event.payment, event.processed_at = EventStatus.RECEIVED, "", None, None
    outcome = _keep(event)
    if outcome.status.is_settled:  # by an earlier one that was the same
        return outcome
    return dataclasses.replace(outcome, status=_note_failure(outcome.id, error))


def _understand(gateway: str, payload: Mapping[str, Any]) -> Verdict:
    try:
        notice = gateways.get(gateway).read(payload)
    except UnknownWord as error:
        return Verdict(EventStatus.IGNORED, note=str(error), unknown_word=error.word)
    except MalformedPayload as error:
        return Verdict(EventStatus.REJECTED, note=str(error))
    if not isinstance(notice, Notice):
        # A `return` that was forgotten must not pass for a delivery that was acted upon.
        raise TypeError(f"read() of the gateway {gateway} returned a {type(notice).__name__} and no Notice.")
    return Verdict(EventStatus.PROCESSED, notice)


def _settle(event: WebhookEvent, verdict: Verdict) -> Outcome:
    with transaction.atomic():
        _act(event, verdict)
        event.status, event.note, event.processed_at = verdict.status, verdict.note, timezone.now()
        return _keep(event)


def _act(event: WebhookEvent, verdict: Verdict) -> None:
    """Record what the delivery says, unless it was before. It locks the payment, so that two of them take turns."""
    if verdict.notice is not None:
        event.payment = payments.record(event.gateway, verdict.notice, functools.partial(_is_settled, event))


def _is_settled(event: WebhookEvent) -> bool:
    same = WebhookEvent.objects.filter(gateway=event.gateway, digest=event.digest)
    return same.exclude(status__in=UNSETTLED).exists()


def _keep(event: WebhookEvent) -> Outcome:
    """Insert a delivery, or count it where the same is kept; one that is settled stays what it is."""
    if event.payment is not None and event.payment.anonymized_at is not None:
        event.payload = ""  # nobody learns again whose payment it is
    kept = inserts.insert(event, conflict="gateway, digest", update=AGAIN, returning="id, status, note, deliveries")
    assert kept  # noqa: S101 # either way there is a row
    key, status, note, deliveries = kept
    payment = event.payment
    told = (payment.gateway_id, mask(payment.customer_phone)) if payment else ("", "")
    return Outcome(key, EventStatus(status), note, deliveries == 1, *told)


def _raise_alarm(gateway: str, verdict: Verdict) -> None:
    if word := verdict.unknown_word:
        told = "A gateway uses a word that is not known; what it says is kept and not acted upon"
        logger.error(told, gateway=gateway, word=word)
        refusals.count(gateway, Refusal.UNKNOWN_WORD, word)

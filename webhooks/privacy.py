"""Forgetting people: whoever asks, and after `RETENTION_DAYS` everybody (LGPD, articles 15, 16 and 18).

What a shop needs for its books and for its figures stays: payments with their ids, amounts and times. What tells whose
they were goes: names, phones, e-mail addresses, PIX codes, texts of SMS, and deliveries as they came.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from webhooks import queue
from webhooks.models import Erasure, Payment, RecoverySMS, WebhookEvent
from webhooks.payments import FORGOTTEN
from webhooks.phones import to_e164
from webhooks.states import PersonKey, SMSStatus

logger = structlog.get_logger(__name__)

BATCH = 500
SEPARATED = "[^0-9]{0,3}"
"""What people and programs put between digits."""


def normalize(kind: PersonKey, value: str) -> str:
    """Return a phone in E.164, or the eleven digits of a CPF; raise `ValidationError` if it is none."""
    if kind == PersonKey.PHONE:
        if phone := to_e164(value[:40]):
            return phone
        raise ValidationError(_("This is no phone number."))
    digits = re.sub(r"[^0-9]", "", value)
    if len(digits) != 11 or digits[9:] != "".join(map(str, _check_digits(digits[:9]))):
        raise ValidationError(_("This is no CPF."))
    return digits


def _check_digits(digits: str) -> Iterator[int]:
    """Return the two digits that prove a CPF (Receita Federal, “Cálculo do DV do CPF”)."""
    for length in (9, 10):
        total = sum(int(digit) * weight for digit, weight in zip(digits, range(length + 1, 1, -1), strict=True))
        check = (total * 10) % 11 % 10
        yield check
        digits += str(check)


def erase(kind: PersonKey, value: str, *, requested_by: str, done_by: str) -> Erasure:
    """Forget a person, and keep a record of who asked; raise `ValidationError` if nobody can be known by `value`.

    A number that wants no SMS stays on the list of those: it is how the wish is kept.
    """
    person = normalize(kind, value)
    now = timezone.now()
    payments, deliveries = _payments_of(kind, person), _deliveries_of(kind, person)
    with transaction.atomic():
        alone = deliveries.filter(payment=None).exclude(payload="").update(payload="")
        told = Payment.objects.filter(Q(pk__in=payments) | Q(pk__in=deliveries.exclude(payment=None).values("payment")))
        keys = list(told.values_list("pk", flat=True))
        stripped = _forget(keys, now)
        record = Erasure.objects.create(
            kind=kind, digest=digest(person), requested_by=requested_by[:200], done_by=done_by[:200],
            payments=len(keys), deliveries=alone + stripped,
        )  # fmt: skip
    counts = {"payments": record.payments, "deliveries": record.deliveries}
    logger.warning("A person was forgotten", erasure=record.pk, kind=str(kind), done_by=done_by, **counts)
    return record


def digest(person: str) -> str:
    """Return what a person's key is remembered as: nobody finds it out without `SECRET_KEY`."""
    return hmac.new(settings.SECRET_KEY.encode(), person.encode(), hashlib.sha256).hexdigest()


def _payments_of(kind: PersonKey, person: str) -> QuerySet[Payment]:
    if kind == PersonKey.CPF:  # which no column has
        return Payment.objects.none()
    texted = RecoverySMS.objects.filter(phone=person).values("payment")
    return Payment.objects.filter(Q(customer_phone=person) | Q(pk__in=texted)).order_by()


def _deliveries_of(kind: PersonKey, person: str) -> QuerySet[WebhookEvent]:
    """Find what names the person, however written. It reads every payload that is kept, which takes a while."""
    if kind == PersonKey.CPF:
        pattern = f"(^|[^0-9]){SEPARATED.join(person)}([^0-9]|$)"
    else:  # a country's and a trunk's prefix may come before it
        digits = list(person.removeprefix("+55").removeprefix("+"))
        if len(digits) == 11:
            digits[2] += "?"  # the ninth digit of a mobile number, which we may have added
        pattern = f"{SEPARATED.join(digits)}([^0-9]|$)"
    return WebhookEvent.objects.exclude(payload="").filter(payload__regex=pattern).order_by()


def apply_retention(now: datetime | None = None) -> dict[str, int]:
    """Strip deliveries and forget customers of more than `RETENTION_DAYS` ago; return how many of each."""
    now = now or timezone.now()
    before = now - timedelta(days=settings.RETENTION_DAYS)
    old = WebhookEvent.objects.filter(received_at__lt=before).exclude(payload="")
    stripped = sum(WebhookEvent.objects.filter(pk__in=keys).update(payload="") for keys in _batches(old))
    kept = Payment.objects.filter(created_at__lt=before, anonymized_at=None)
    forgotten = 0
    for keys in _batches(kept):
        with transaction.atomic():
            stripped += _forget(keys, now)
        forgotten += len(keys)
    _forget_texts(RecoverySMS.objects.filter(payment__anonymized_at__isnull=False))  # that were on their way then
    counts = {"payments": forgotten, "deliveries": stripped}
    logger.info("What is old enough was forgotten", days=settings.RETENTION_DAYS, **counts)
    return counts


def _batches(rows: QuerySet[Model]) -> Iterator[list[int]]:
    """Return the keys of rows, some at a time, each time beyond those that were looked at before."""
    last = 0
    while keys := list(rows.order_by("pk").filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        yield keys
        last = keys[-1]


def _forget(keys: list[int], now: datetime) -> int:
    """Forget whose some payments were, in the open transaction; return how many deliveries were stripped for it."""
    rows = RecoverySMS.objects.filter(payment__in=keys)
    # Deliveries and claims lock the payment first, too.
    list(Payment.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))
    queue.cancel(rows, reason=_("Whose it was is forgotten."))
    _forget_texts(rows)
    Payment.objects.filter(pk__in=keys).update(**FORGOTTEN, anonymized_at=now, updated_at=now)
    return WebhookEvent.objects.filter(payment__in=keys).exclude(payload="").update(payload="")


def _forget_texts(rows: QuerySet[RecoverySMS]) -> None:
    """Forget number and text, unless the provider has still to be asked by them what became of the SMS."""
    there = rows.exclude(phone="", body="").exclude(status=SMSStatus.SENDING)
    there.update(phone="", body="")

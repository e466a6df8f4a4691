"""Sending one SMS at most once, whatever dies in between.

The claim is committed before the provider is called. From there on the row is `sending`, and only the attempt whose
token it bears may write the outcome; a crash leaves it `sending`, for `settle_abandoned` to look into.
"""

from __future__ import annotations

import dataclasses
import uuid
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from webhooks import budget, eligibility, health, opt_outs
from webhooks.eligibility import Obstacle
from webhooks.models import Payment, RecoverySMS
from webhooks.phones import mask
from webhooks.providers import AccountTrouble, NotSent, OptedOut, ProviderError, Rejected, get_provider
from webhooks.states import OptOutSource, SMSStatus
from webhooks.texts import recovery_text, segments

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
"""Of a provider that cannot be reached; with the pauses below they span about an hour."""
FIRST_PAUSE = timedelta(seconds=30)
ACCOUNT_PAUSE = timedelta(minutes=5)
"""While the provider's account is in trouble, which nobody mends within seconds."""
CLOCK_DIFFERENCE = timedelta(minutes=5)
"""How far a provider's clock may be behind ours when it is asked what it sent."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """The right to send one SMS once."""

    key: int
    payment: str
    number: int
    token: uuid.UUID
    provider: str
    phone: str
    body: str
    attempts: int
    at: datetime
    valid_for: int

    @property
    def reference(self) -> str:
        """Return what names this attempt to the provider."""
        return f"{self.key}-{self.token}"


def send(key: int) -> None:
    """Send the SMS if it is still wanted and nobody else has taken it."""
    claim = take(key)
    if claim is None:
        return
    # Whatever the provider logs names the SMS and its payment too.
    with structlog.contextvars.bound_contextvars(sms=claim.key, payment=claim.payment):
        told = {"reminder": claim.number, "attempt": claim.attempts}
        logger.info("Claimed", phone=mask(claim.phone), provider=claim.provider, **told)
        _attempt(claim)


def _attempt(claim: Claim) -> None:
    try:
        provider_id = get_provider(claim.provider).send(
            to=claim.phone, body=claim.body, reference=claim.reference, valid_for=claim.valid_for
        )
    except Rejected as error:
        if isinstance(error, OptedOut):
            opt_outs.add(claim.phone, OptOutSource.PROVIDER)
        _record(claim, status=SMSStatus.FAILED, error=str(error))
    except NotSent as error:
        _record_not_sent(claim, error)
    except ProviderError as error:
        _record(claim, status=SMSStatus.SENDING, error=str(error))
    else:
        _record(claim, status=SMSStatus.SENT, provider_id=provider_id, sent_at=timezone.now(), error="")


def take(key: int) -> Claim | None:
    """Claim the SMS, or cancel it if the payment is not left waiting any more; give None unless it is to be sent."""
    with transaction.atomic():
        now = timezone.now()
        if (payment := _lock(key, now)) is None:
            return None
        row = RecoverySMS.objects.filter(pk=key, status=SMSStatus.SCHEDULED, due_at__lte=now)
        if (sms := row.select_for_update().first()) is None:
            return None
        if obstacle := eligibility.obstacle(payment, sms, now):
            _refuse(row, obstacle)
            log = logger.bind(sms=key, payment=payment.gateway_id, phone=mask(payment.customer_phone))
            log.info("Put off" if obstacle.until else "Not wanted any more", reason=obstacle.reason)
            return None
        claim = Claim(
            key=key,
            payment=payment.gateway_id,
            number=sms.number,
            token=uuid.uuid4(),
            provider=settings.SMS_PROVIDER,
            phone=payment.customer_phone,
            body=recovery_text(payment, sms.number),
            attempts=sms.attempts + 1,
            at=now,
            valid_for=eligibility.valid_for(payment, now),
        )
        return claim if _mark(row, claim) else None


def _lock(key: int, now: datetime) -> Payment | None:
    """Lock the SMS's payment, and with it those of the same phone and order that are not too old for an SMS.

    Deliveries lock their payment too: it is paid before this or after, never meanwhile. Two SMS to one phone are
    claimed one after the other, so that the second sees the first. In the order of their keys nobody waits in a circle.
    """
    payment = Payment.objects.filter(recovery_sms=key).first()
    if payment is None:
        return None
    recent = Q(created_at__gte=now - timedelta(seconds=settings.SMS_MAX_AGE))
    wanted = Q(pk=payment.pk)
    if payment.customer_phone:
        wanted |= recent & Q(customer_phone=payment.customer_phone)
    if payment.external_id:
        wanted |= recent & Q(gateway=payment.gateway, external_id=payment.external_id)
    locked = Payment.objects.select_for_update(of=("self",)).filter(wanted).order_by("pk")
    return next((found for found in locked if found.pk == payment.pk), None)


def _refuse(row: QuerySet[RecoverySMS], obstacle: Obstacle) -> None:
    """Cancel the SMS, or put it off."""
    outcome: dict[str, object] = {"status": SMSStatus.CANCELLED}
    if obstacle.until is not None:
        outcome = {"due_at": obstacle.until, "dispatched_at": None}
    row.update(**outcome, error=obstacle.reason, updated_at=timezone.now())


def _mark(row: QuerySet[RecoverySMS], claim: Claim) -> bool:
    now = claim.at
    taken = row.update(
        status=SMSStatus.SENDING,
        attempt_token=claim.token,
        attempts=F("attempts") + 1,
        provider=claim.provider,
        phone=claim.phone,
        body=claim.body,
        segments=segments(claim.body),
        claimed_at=now,
        updated_at=now,
        error="",
    )
    return taken == 1


def _record_not_sent(claim: Claim, error: NotSent) -> None:
    if isinstance(error, AccountTrouble):
        _record_account_trouble(claim, error)
        return
    if claim.attempts >= MAX_ATTEMPTS:
        _record(
            claim,
            status=SMSStatus.FAILED,
            error=_("{error} Given up after {count} attempts.").format(error=error, count=claim.attempts),
        )
        return
    due_at = timezone.now() + FIRST_PAUSE * 2 ** (claim.attempts - 1)
    _record(claim, status=SMSStatus.SCHEDULED, due_at=due_at, dispatched_at=None, error=str(error))


def _record_account_trouble(claim: Claim, error: AccountTrouble) -> None:
    """Try again until somebody has seen to it, or the SMS is not wanted any more: it is not the SMS's fault."""
    health.note_provider_trouble(str(error))
    logger.error("The provider takes nothing of ours: see to its account", provider=claim.provider, reason=str(error))
    due_at = timezone.now() + ACCOUNT_PAUSE
    attempts = claim.attempts - 1
    _record(claim, status=SMSStatus.SCHEDULED, due_at=due_at, dispatched_at=None, attempts=attempts, error=str(error))


def _record(claim: Claim, **outcome: object) -> None:
    """Write an attempt's outcome, unless the row has gone on to another attempt since."""
    mine = RecoverySMS.objects.filter(
        pk=claim.key, attempt_token=claim.token, status__in=[SMSStatus.SENDING, SMSStatus.UNKNOWN]
    )
    written = mine.update(**outcome, updated_at=timezone.now())
    log = logger.bind(phone=mask(claim.phone), provider=claim.provider)
    if outcome["status"] in {SMSStatus.FAILED, SMSStatus.SCHEDULED}:
        budget.give_back(claim.at)
    if not written:
        log.error("An attempt that had been given up came back", outcome=str(outcome["status"]))
    elif outcome["error"]:
        log.warning("Not delivered", outcome=str(outcome["status"]), reason=outcome["error"])
    else:
        health.note_provider_well()
        log.info("Sent", provider_id=outcome["provider_id"])


def settle_abandoned() -> int:
    """Find out what became of attempts whose worker died; give how many are settled now.

    The provider is asked where it can be; what it does not know of is `unknown`, for a person to decide: an SMS may
    take a while to appear in its list, and sending it twice is worse than not at all.
    """
    abandoned_before = timezone.now() - timedelta(seconds=settings.SMS_SENDING_TIMEOUT)
    abandoned = RecoverySMS.objects.filter(status=SMSStatus.SENDING, claimed_at__lt=abandoned_before)
    return sum(_settle(sms) for sms in abandoned.order_by("claimed_at")[:100])


def _settle(sms: RecoverySMS) -> bool:
    try:
        outcome = _outcome(sms)
    except ProviderError as error:
        logger.warning("Cannot be looked up yet", sms=sms.pk, reason=str(error))
        return False
    same_attempt = RecoverySMS.objects.filter(pk=sms.pk, attempt_token=sms.attempt_token, status=SMSStatus.SENDING)
    settled = same_attempt.update(**outcome, updated_at=timezone.now())
    if settled:
        logger.warning("An abandoned attempt was settled", sms=sms.pk, outcome=str(outcome["status"]))
    return bool(settled)


def _outcome(sms: RecoverySMS) -> dict[str, object]:
    if sms.delivery_status and sms.provider_id:  # it has reported
        return {"status": SMSStatus.SENT, "sent_at": sms.claimed_at, "error": ""}
    since = (sms.claimed_at or sms.created_at) - CLOCK_DIFFERENCE
    found = get_provider(sms.provider).find(to=sms.phone, body=sms.body, since=since)
    taken = RecoverySMS.objects.filter(provider=sms.provider, provider_id__in=found)
    ours = next((key for key in found if key not in set(taken.values_list("provider_id", flat=True))), "")
    if ours:
        return {"status": SMSStatus.SENT, "provider_id": ours, "sent_at": sms.claimed_at, "error": ""}
    return {
        "status": SMSStatus.UNKNOWN,
        "error": _(
            "{error} The worker stopped while sending. Ask the provider whether it arrived, then say so on the panel, "
            "or choose “Send now”."
        )
        .format(error=sms.error)
        .strip(),
    }

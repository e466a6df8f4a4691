"""What a provider reports of an SMS that it took: out of order, twice, and even before the worker is done."""

from __future__ import annotations

import re
import uuid

import structlog
from django.db.models import Q, QuerySet
from django.utils import timezone

from webhooks import opt_outs
from webhooks.models import RecoverySMS
from webhooks.phones import mask
from webhooks.states import DeliveryStatus, OptOutSource, SMSStatus

logger = structlog.get_logger(__name__)

REFERENCE = re.compile(r"(\d{1,18})-([0-9a-f-]{36})")
OPTED_OUT = "21610"
NOT_DELIVERED = {DeliveryStatus.UNDELIVERED, DeliveryStatus.FAILED}


def record(*, reference: str, provider_id: str, status: DeliveryStatus, code: str) -> bool:
    """Note what became of an SMS; return whether that is news. A last word is not taken back by an earlier one."""
    unsaid = Q(delivery_status="")
    if status != DeliveryStatus.SENT:
        unsaid |= Q(delivery_status=DeliveryStatus.SENT)
    row = _find(reference, provider_id).select_related("payment").filter(unsaid).first()
    if row is None:
        return False
    told = RecoverySMS.objects.filter(unsaid, pk=row.pk, attempt_token=row.attempt_token)
    now = timezone.now()
    outcome = {"delivery_status": status, "delivery_code": code[:20], "delivery_at": now, "updated_at": now}
    if not row.provider_id:
        outcome["provider_id"] = provider_id
    if row.status == SMSStatus.UNKNOWN:  # now it is known
        outcome |= {"status": SMSStatus.SENT, "sent_at": row.claimed_at, "error": ""}
    is_news = bool(told.update(**outcome))
    if is_news:
        log = logger.warning if status in NOT_DELIVERED else logger.info
        log(
            "Reported",
            sms=row.pk,
            payment=row.payment.gateway_id,
            phone=mask(row.phone),
            outcome=str(status),
            code=code,
        )
    if code == OPTED_OUT:
        opt_outs.add(row.phone, OptOutSource.PROVIDER)
    return is_news


def _find(reference: str, provider_id: str) -> QuerySet[RecoverySMS]:
    """Find the attempt by our reference, which is there before the provider's id is."""
    if not (found := REFERENCE.fullmatch(reference)):
        return RecoverySMS.objects.exclude(provider_id="").filter(provider="twilio", provider_id=provider_id)
    try:
        return RecoverySMS.objects.filter(pk=int(found[1]), attempt_token=uuid.UUID(found[2]))
    except ValueError:
        return RecoverySMS.objects.none()

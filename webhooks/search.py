"""Finding a payment by what support is told: the order, the gateway's id, or the phone, each by an index."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from webhooks import gateways
from webhooks.models import Payment
from webhooks.phones import to_e164


def payments(term: str) -> QuerySet[Payment]:
    """Return the payments of that order, id or phone, however the phone is written."""
    of_any = Q(gateway__in=gateways.names())  # the indexes begin with it
    found = of_any & (Q(gateway_id=term) | Q(external_id=term))
    if phone := to_e164(term[:40]):
        found |= Q(customer_phone=phone)
    return Payment.objects.filter(found).order_by()

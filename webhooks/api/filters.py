"""What lists can be narrowed to."""

from __future__ import annotations

from django_filters import rest_framework as filters

from webhooks import gateways
from webhooks.models import RecoverySMS, RefusalCount, WebhookEvent
from webhooks.states import DEAD, REMINDERS, EventStatus, Refusal, SMSStatus


class EventFilter(filters.FilterSet):  # type: ignore[misc] # the library brings no types
    """Deliveries by gateway, what became of them, payment and time."""

    gateway = filters.ChoiceFilter(choices=gateways.choices)
    status = filters.MultipleChoiceFilter(choices=EventStatus.choices)
    payment = filters.CharFilter(field_name="payment__gateway_id")
    received_after = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    received_before = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = WebhookEvent
        fields: list[str] = []


class DeadLetterFilter(EventFilter):
    """Deliveries that were not acted upon, by reason too: what the note says, or a part of it."""

    status = filters.MultipleChoiceFilter(choices=[(status.value, status.label) for status in DEAD])
    reason = filters.CharFilter(field_name="note", lookup_expr="contains")


class SMSFilter(filters.FilterSet):  # type: ignore[misc] # the library brings no types
    """SMS by state, which reminder they are, gateway, payment, provider and time."""

    number = filters.ChoiceFilter(choices=[(number, str(number)) for number in REMINDERS])
    status = filters.MultipleChoiceFilter(choices=SMSStatus.choices)
    gateway = filters.ChoiceFilter(field_name="payment__gateway", choices=gateways.choices)
    payment = filters.CharFilter(field_name="payment__gateway_id")
    provider = filters.CharFilter()
    due_after = filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="gte")
    due_before = filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt")

    class Meta:
        model = RecoverySMS
        fields: list[str] = []


class RefusalFilter(filters.FilterSet):  # type: ignore[misc] # the library brings no types
    """Refusals by gateway, reason and day."""

    gateway = filters.ChoiceFilter(choices=gateways.choices)
    reason = filters.MultipleChoiceFilter(choices=Refusal.choices)
    day = filters.DateFilter()

    class Meta:
        model = RefusalCount
        fields: list[str] = []

"""The operators' lists, newest first."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from rest_framework import mixins, viewsets
from rest_framework.serializers import BaseSerializer

from webhooks.api.filters import EventFilter, RefusalFilter, SMSFilter
from webhooks.api.serializers import (
    EventDetailSerializer,
    EventSerializer,
    OptOutSerializer,
    RefusalSerializer,
    SMSDetailSerializer,
    SMSSerializer,
)
from webhooks.models import OptOut, RecoverySMS, RefusalCount, WebhookEvent
from webhooks.phones import to_e164
from webhooks.states import SMSStatus


class Events(viewsets.ReadOnlyModelViewSet[WebhookEvent]):
    """Deliveries of the gateways."""

    queryset = WebhookEvent.objects.select_related("payment")
    filterset_class = EventFilter

    def get_serializer_class(self) -> type[BaseSerializer[WebhookEvent]]:
        """Show the payload of one event only."""
        return EventDetailSerializer if self.action == "retrieve" else EventSerializer


class SMSLogs(viewsets.ReadOnlyModelViewSet[RecoverySMS]):
    """Recovery SMS in every state."""

    queryset = RecoverySMS.objects.select_related("payment")
    filterset_class = SMSFilter

    def get_serializer_class(self) -> type[BaseSerializer[RecoverySMS]]:
        """Show the text of one SMS only."""
        return SMSDetailSerializer if self.action == "retrieve" else SMSSerializer


class PendingSMS(mixins.ListModelMixin, viewsets.GenericViewSet[RecoverySMS]):
    """Recovery SMS that are still to be sent."""

    queryset = RecoverySMS.objects.select_related("payment").filter(status=SMSStatus.SCHEDULED)
    serializer_class = SMSSerializer
    filterset_class = SMSFilter


class OptOuts(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[OptOut]
):
    """Numbers that want no SMS."""

    queryset = OptOut.objects.all()
    serializer_class = OptOutSerializer
    lookup_field = "phone"
    lookup_value_regex = "[^/]+"

    def get_object(self) -> OptOut:
        """Find the number however it is written."""
        return get_object_or_404(self.get_queryset(), phone=to_e164(self.kwargs["phone"][:40]))


class Refusals(mixins.ListModelMixin, viewsets.GenericViewSet[RefusalCount]):
    """What was refused or not understood, counted by day."""

    queryset = RefusalCount.objects.all()
    serializer_class = RefusalSerializer
    filterset_class = RefusalFilter

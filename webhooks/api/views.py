"""The operators' lists, newest first."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webhooks import deliveries
from webhooks.api.filters import DeadLetterFilter, EventFilter, RefusalFilter, SMSFilter
from webhooks.api.serializers import (
    EventDetailSerializer,
    EventSerializer,
    OptOutSerializer,
    ProcessedAgainSerializer,
    RefusalSerializer,
    SMSDetailSerializer,
    SMSSerializer,
)
from webhooks.models import OptOut, RecoverySMS, RefusalCount, WebhookEvent
from webhooks.phones import to_e164
from webhooks.states import DEAD, SMSStatus


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


class DeadLetters(mixins.ListModelMixin, viewsets.GenericViewSet[WebhookEvent]):
    """Deliveries that failed, were rejected or ignored."""

    queryset = WebhookEvent.objects.select_related("payment").filter(status__in=DEAD)
    serializer_class = EventSerializer
    filterset_class = DeadLetterFilter
    decide_permission = "webhooks.change_deadletter"

    @extend_schema(request=None, responses={202: ProcessedAgainSerializer}, filters=True)
    @action(detail=False, methods=["post"], url_path="process-again")
    def process_again(self, request: Request) -> Response:
        """Have all of those processed again that the parameters choose, the oldest first.

        The first are processed at once, `processed` of `tried` with success; a worker takes the other `left` up.
        """
        rows = self.filter_queryset(self.get_queryset())
        processed, tried, left = deliveries.process_again(rows)
        return Response({"processed": processed, "tried": tried, "left": left}, status=202)


class OptOuts(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[OptOut]
):
    """Numbers that want no SMS."""

    queryset = OptOut.objects.all()
    serializer_class = OptOutSerializer
    decide_permission = "webhooks.add_optout"
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

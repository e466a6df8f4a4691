"""The service beside a view that does one INSERT and nothing else: what `benchmarks.webhooks` compares it with."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from sms_sender.urls import urlpatterns as addresses
from webhooks.models import WebhookEvent


@csrf_exempt
def bare(request: HttpRequest) -> JsonResponse:
    """Insert a row as Django does, committed by itself, and answer with its key."""
    event = WebhookEvent.objects.create(gateway="ghostpay", digest=uuid.uuid4().hex, payload=request.body.decode())
    return JsonResponse({"id": event.pk})


urlpatterns = [path("bare/", bare), *addresses]

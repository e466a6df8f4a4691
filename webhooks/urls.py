"""Addresses under `/api/webhooks/`."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from webhooks import views
from webhooks.api.views import Events, PendingSMS, SMSLogs
from webhooks.states import Gateway

router = SimpleRouter()
router.register("events", Events, basename="event")
router.register("sms-logs", SMSLogs, basename="sms-log")
router.register("pending-sms", PendingSMS, basename="pending-sms")

urlpatterns = [
    *(path(f"{gateway}/", views.receive, {"gateway": gateway.value}, name=gateway.value) for gateway in Gateway),
    *router.urls,
]

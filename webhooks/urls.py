"""Addresses under `/api/webhooks/`."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from webhooks.api.views import Events, PendingSMS, Refusals, SMSLogs

router = SimpleRouter()
router.register("events", Events, basename="event")
router.register("sms-logs", SMSLogs, basename="sms-log")
router.register("refusals", Refusals, basename="refusal")
router.register("pending-sms", PendingSMS, basename="pending-sms")

urlpatterns = [
    *router.urls,
]

"""Addresses under `/api/webhooks/`."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from webhooks import callbacks
from webhooks.api.views import DeadLetters, Events, OptOuts, PendingSMS, Refusals, SMSLogs

router = SimpleRouter()
router.register("events", Events, basename="event")
router.register("dead-letters", DeadLetters, basename="dead-letter")
router.register("sms-logs", SMSLogs, basename="sms-log")
router.register("refusals", Refusals, basename="refusal")
router.register("pending-sms", PendingSMS, basename="pending-sms")
router.register("opt-outs", OptOuts, basename="opt-out")

urlpatterns = [
    *router.urls,
    path("sms/status/", callbacks.status, name="sms-status"),
    path("sms/inbound/", callbacks.inbound, name="sms-inbound"),
    # As it may be typed into Twilio's form: what is redirected is lost.
    path("sms/inbound", callbacks.inbound),
]

"""Telling people of an alarm: by e-mail to `ALARM_EMAILS`, and by a POST to `ALARM_WEBHOOK_URL`."""

from __future__ import annotations

from collections.abc import Callable

import requests
import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.translation import gettext as _

from webhooks.models import Alarm

logger = structlog.get_logger(__name__)

TIMEOUT = 5.0
"""Seconds for each step of a POST."""


def send(alarm: Alarm, *, is_over: bool = False) -> bool:
    """Tell of an alarm, or that it is over; return whether anybody was reached. Where nobody is to be told, all are."""
    ways: list[Callable[[Alarm, bool], None]] = []
    if settings.ALARM_EMAILS:
        ways.append(_mail)
    if settings.ALARM_WEBHOOK_URL:
        ways.append(_post)
    reached = [_attempt(way, alarm, is_over) for way in ways]
    return any(reached) or not ways


def _attempt(way: Callable[[Alarm, bool], None], alarm: Alarm, is_over: bool) -> bool:
    try:
        way(alarm, is_over)
    except Exception as error:  # noqa: BLE001 # mail servers fail in many ways; the next look tries again
        # Not the error's text: it may hold the address, and with it a secret.
        logger.warning("An alarm could not be told", alarm=alarm.name, way=way.__name__, reason=type(error).__name__)
        return False
    return True


def subject(alarm: Alarm, *, is_over: bool) -> str:
    """Return what is told, in one line."""
    return (_("Over: {text}") if is_over else "{text}").format(text=alarm.text)


def _mail(alarm: Alarm, is_over: bool) -> None:
    text = subject(alarm, is_over=is_over)
    send_mail(f"[sms_sender] {text}"[:200], f"{text}\n\n{_address()}\n", None, settings.ALARM_EMAILS)


def _post(alarm: Alarm, is_over: bool) -> None:
    told = {
        "alarm": alarm.name,
        "state": "over" if is_over else "raised",
        # What Slack, Discord's Slack endpoint and Mattermost show.
        "text": subject(alarm, is_over=is_over),
        "since": alarm.raised_at.isoformat(),
        "url": _address(),
    }
    requests.post(settings.ALARM_WEBHOOK_URL, json=told, timeout=TIMEOUT).raise_for_status()


def _address() -> str:
    return f"{settings.PUBLIC_URL}{reverse('panel')}"

"""Twilio, through its own library."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.urls import reverse
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from webhooks.providers.base import AccountTrouble, OptedOut, ProviderError
from webhooks.providers.http import TIMEOUT, refused, unanswered

OPTED_OUT, UNAUTHENTICATED = 21610, 20003
SHORTEST_VALIDITY, LONGEST_VALIDITY = 60, 36000
"""Seconds that a message may wait in Twilio's queue; Twilio takes no more and advises against very few."""
REFERENCE = "reference"
API = "https://api.twilio.com"
SETTINGS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")


class _HttpClient(TwilioHttpClient):  # type: ignore[misc] # the library brings no types
    """Sends everything to `TWILIO_BASE_URL`, for which the library has no option but its own edges."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, settings.TWILIO_BASE_URL.rstrip("/") + url.removeprefix(API), *args, **kwargs)


class TwilioProvider:
    """Sends from `TWILIO_FROM`."""

    def __init__(self) -> None:
        # No retries below us: only we know whether a second try could send a second SMS.
        http = _HttpClient(timeout=TIMEOUT, max_retries=0)
        self._client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http)

    def send(self, *, to: str, body: str, reference: str, valid_for: int) -> str:
        """Send one SMS and return its SID; have its delivery reported where `PUBLIC_URL` says how."""
        options: dict[str, Any] = {"validity_period": min(max(valid_for, SHORTEST_VALIDITY), LONGEST_VALIDITY)}
        if settings.PUBLIC_URL:
            options["status_callback"] = (
                f"{settings.PUBLIC_URL}{reverse('sms-status')}?{urlencode({REFERENCE: reference})}"
            )
        try:
            message = self._client.messages.create(to=to, from_=settings.TWILIO_FROM, body=body, **options)
        except (TwilioException, requests.RequestException) as error:
            raise _told(error) from error
        return str(message.sid)

    def find(self, *, to: str, body: str, since: datetime) -> list[str]:
        """Return the SIDs of messages with this text that went to this number since then."""
        try:
            messages = self._client.messages.list(to=to, date_sent_after=since, limit=50)
        except (TwilioException, requests.RequestException) as error:
            raise _told(error) from error
        return [str(message.sid) for message in messages if message.body == body]


def _told(error: Exception) -> ProviderError:
    if isinstance(error, TwilioRestException):
        return _answered(error)
    return unanswered("Twilio", error)


def _answered(error: TwilioRestException) -> ProviderError:
    told = f"Twilio answered {error.status}, code {error.code}."
    if error.status != 429 and error.code == UNAUTHENTICATED:
        return AccountTrouble(told)
    if error.code == OPTED_OUT:
        return OptedOut(told)
    return refused(error.status, told)


provider = TwilioProvider

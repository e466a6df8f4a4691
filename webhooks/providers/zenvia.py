"""Zenvia, by plain HTTP: https://zenvia.github.io/zenvia-openapi-spec/v2

It reports deliveries to subscriptions that nobody signs, so these are not taken in; nor can it be asked what it sent.
"""

from __future__ import annotations

from datetime import datetime

import requests

from webhooks.providers.base import setting
from webhooks.providers.http import TIMEOUT, refused, unanswered

SETTINGS = ("ZENVIA_TOKEN", "ZENVIA_FROM")
URL = "https://api.zenvia.com"


class ZenviaProvider:
    """Sends from `ZENVIA_FROM`."""

    def send(self, *, to: str, body: str, reference: str, valid_for: int) -> str:
        """Send one SMS and return Zenvia's id of it."""
        del reference, valid_for
        message = {
            "from": setting("ZENVIA_FROM"),
            "to": to.removeprefix("+"),
            "contents": [{"type": "text", "text": body}],
        }
        url = f"{setting('ZENVIA_BASE_URL') or URL}/v2/channels/sms/messages"
        try:
            answer = requests.post(url, json=message, headers={"X-API-TOKEN": setting("ZENVIA_TOKEN")}, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise unanswered("Zenvia", error) from error
        if not answer.ok:
            raise refused(answer.status_code, f"Zenvia answered {answer.status_code}.")
        return _identity(answer)

    def find(self, *, to: str, body: str, since: datetime) -> list[str]:
        """Return nothing, since Zenvia cannot be asked."""
        del to, body, since
        return []


def _identity(answer: requests.Response) -> str:
    """Return the id; a success without one is a success all the same."""
    try:
        return str(answer.json().get("id", ""))[:100]
    except (ValueError, AttributeError):
        return ""


provider = ZenviaProvider

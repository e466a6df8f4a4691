"""Posting JSON to an address: what every service but e-mail is reached by."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from auto_migrate.reporting.notifications.message import Message
from auto_migrate.reporting.notifications.recipient import Recipient

# Seconds for one request.
PATIENCE = 3.0


class _Unredirected(urllib.request.HTTPRedirectHandler):
    """What is sent somewhere stays there: a redirect would carry it to whoever the first host names."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Unredirected)


def post(address: str, content: Mapping[str, Any], **headers: str) -> bytes:
    """Post JSON to an http(s) address and return the answer."""
    request = urllib.request.Request(  # noqa: S310 # the callers have looked at the scheme
        address,
        data=json.dumps(content).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "auto_migrate", **headers},
        method="POST",
    )
    with _opener.open(request, timeout=PATIENCE) as answer:
        body: bytes = answer.read(100_000)
        return body


def by_webhook(recipient: Recipient, message: Message) -> None:
    """Post the message as JSON."""
    post(recipient.address, message.as_dict())

"""Signatures as Standard Webhooks describes them: https://github.com/standard-webhooks/standard-webhooks, version 1.

`webhook-signature` holds one or more `v1,<base64>`, separated by spaces: HMAC-SHA256 over `<id>.<timestamp>.<body>`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

PREFIX = "whsec_"
TOLERANCE = 300
"""Seconds by which a timestamp may differ from our clock, either way; the reference implementations' value."""


class BadSignature(ValueError):
    """The signature is missing, or nobody who has one of the secrets has made it."""


class StaleSignature(BadSignature):
    """It was made at another time, so that somebody may have recorded it."""


def key(secret: str) -> bytes:
    """Return the key that a secret (`whsec_<base64>`) stands for; raise `ValueError` if it is none."""
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("It is not base64.") from error
    if len(found) < 16:
        raise ValueError("It is shorter than 16 bytes.")
    return found


def sign(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """Return the signature, `v1,<base64>`."""
    content = f"{identity}.{timestamp}.".encode() + body
    made = hmac.new(key(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Raise `BadSignature` unless one of `secrets` has signed the body, and `StaleSignature` if that was not now."""
    identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not (identity and given):
        raise BadSignature("webhook-id or webhook-signature is missing.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20):
        raise BadSignature("webhook-timestamp is not a number of seconds.")
    expected = [sign(secret, identity, timestamp, body) for secret in secrets]
    # All are compared, and each in constant time, so that the answer's timing tells nothing.
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given]
    if not any(matches):
        raise BadSignature("No signature is made with the gateway's secret.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise StaleSignature(f"The signature is not of these {TOLERANCE} seconds.")

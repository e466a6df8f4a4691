"""One adapter a gateway: from its payload to a `Notice`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from webhooks.gateways import ghostpay, tribopay
from webhooks.gateways.notice import MalformedPayload, Notice, UnknownWord
from webhooks.states import Gateway

__all__ = ["READERS", "MalformedPayload", "Notice", "UnknownWord"]

READERS: Mapping[str, Callable[[Mapping[str, Any]], Notice]] = {
    Gateway.GHOSTPAY: ghostpay.read,
    Gateway.TRIBOPAY: tribopay.read,
}

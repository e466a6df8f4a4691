"""The gateways' payloads as they were seen in use, and changes to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[2] / "fixtures"


def ghostpay(**changes: Any) -> dict[str, Any]:
    """Return GhostPay's pending PIX payment with some keys changed."""
    return _load("ghostpay-pix-pending.json") | changes


def tribopay(transaction: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return TriboPay's waiting PIX payment with some keys changed."""
    payload = _load("tribopay-pix-waiting.json") | changes
    return payload | {"transaction": payload["transaction"] | (transaction or {})}


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / name).read_text())
    return loaded

"""Whatever a payload holds, reading it ends in a notice or in one of two refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhooks import deliveries, gateways
from webhooks.gateways import MalformedPayload, UnknownWord, notice

KEYS = ["paymentId", "status", "paymentMethod", "totalValue", "customer", "updatedAt", "transaction", "method", "id"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=6),
    max_leaves=20,
)
WORDS = st.sampled_from(["PENDING", "APPROVED", "PIX", "pix", "paid", "waiting"])
# Speed is not the question here, and no folder of found examples is left behind.
RELAXED = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
PAYLOADS = st.dictionaries(st.sampled_from(KEYS), JSON | WORDS, max_size=9)


@pytest.mark.parametrize("gateway", gateways.names())
@RELAXED
@given(payload=PAYLOADS)
def test_no_payload_breaks_a_reader(gateway: str, payload: Mapping[str, Any]) -> None:
    try:
        found = gateways.get(gateway).read(payload)
    except (MalformedPayload, UnknownWord):
        return
    assert found.gateway_id.isprintable()
    assert found.amount >= 0


@RELAXED
@given(payload=st.dictionaries(st.text(), JSON, max_size=4))
def test_the_digest_does_not_depend_on_the_order_of_keys(payload: dict[str, Any]) -> None:
    assert deliveries.digest(payload) == deliveries.digest(dict(reversed(payload.items())))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-11-22T14:00:00Z", datetime(2026, 11, 22, 14, tzinfo=UTC)),
        ("2026-11-22T14:00:00-03:00", datetime(2026, 11, 22, 17, tzinfo=UTC)),
        ("2026-11-22T14:00:00", datetime(2026, 11, 22, 17, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (5, None),
        (None, None),
    ],
)
def test_instants_are_read_in_any_zone_and_nonsense_counts_as_absent(value: object, found: datetime | None) -> None:
    assert notice.moment({"at": value}, "at") == found

"""What tells who somebody is, is hidden; what tells what happened is not."""

from __future__ import annotations

from typing import Any

import pytest

from webhooks import masking


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"email": "ana@example.com"}, {"email": "a…@example.com"}),
        ({"note": "ana@example.com"}, {"note": "a…@example.com"}),
        ({"phone": "11999887766"}, {"phone": "…66"}),
        ({"phone": 11999887766}, {"phone": "…66"}),
        ({"x": "+5511999887766"}, {"x": "+55119…7766"}),
        ({"x": "(11) 99988-7766"}, {"x": "…66"}),
        ({"document": "111.444.777-35"}, {"document": "…35"}),
        ({"document": {"type": "cpf", "number": "11144477735"}}, {"document": {"type": "…", "number": "…35"}}),
        ({"customer": [{"taxId": 11144477735}]}, {"customer": [{"taxId": "…35"}]}),
        ({"x": "11144477735"}, {"x": "…35"}),
        ({"status": "PENDING", "totalValue": 9990, "ok": True, "paidAt": None, "at": "2026-11-22T14:00:00Z"},) * 2,
        ({"paymentId": "gp_7f3a9c21", "pixCode": "00020101021226830014br.gov"},) * 2,
    ],
)  # fmt: skip
def test_personal_data_is_hidden(payload: Any, shown: Any) -> None:
    assert masking.payload(payload) == shown

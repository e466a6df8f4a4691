"""What `make run` tells a newcomer."""

from __future__ import annotations

import socket

import pytest

from tools import run
from tools.servers import HOST

ENVIRONMENT = {"PORT": "8000", "AUTO_MIGRATE_TOKEN": "token", "GHOSTPAY_WEBHOOK_SECRET": "secret"}


@pytest.mark.parametrize(("delay", "is_advised"), [("", True), ("5.5", True), ("5", False), ("0", False)])
def test_a_shorter_delay_is_advised_where_there_is_one(delay: str, *, is_advised: bool) -> None:
    environment = ENVIRONMENT | ({"SMS_RECOVERY_DELAY": delay} if delay else {})
    assert ("SMS_RECOVERY_DELAY=5 make run" in run.summary(environment, embedded=False)) is is_advised


def test_a_port_that_another_program_has_is_told_and_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        kept: dict[str, str] = {}
        found = run.port(kept, "PORT", preferred=taken)
    assert found != taken
    assert kept == {"PORT": str(found)}
    assert f"Port {taken} is taken by another program; {found} is used instead." in capsys.readouterr().out

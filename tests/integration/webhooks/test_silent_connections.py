"""Connections that say nothing, or stop in the middle of a request, hold nobody else up."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path

import pytest

from tests.integration.webhooks.conftest import SECRET
from tests.integration.webhooks.payloads import ghostpay
from tests.integration.webhooks.service import PATIENCE, Service
from tests.servers import Redis

HEAD = b"POST /api/webhooks/ghostpay/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Webhook-Secret: "
BODY = SECRET.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
STOPS = [b"", HEAD, HEAD + BODY, b"P"]
"""What comes before the silence: nothing, half of a head, a head and a byte of its body, one byte."""


def connect(service: Service, stack: contextlib.ExitStack, said: bytes) -> socket.socket:
    """Open a connection that says so much."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE))
    connection.sendall(said)
    return connection


def is_open(connection: socket.socket) -> bool:
    """Return whether the server has neither answered nor hung up."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    return False


def test_sixteen_of_them_hold_no_delivery_up(tmp_path: Path, migrated_url: str, redis_server: Redis) -> None:
    env = {"WEB_CONCURRENCY": "1", "WEB_READ_TIMEOUT": "600"}
    with Service(tmp_path, migrated_url, redis_server, env) as service:
        with contextlib.ExitStack() as stack:
            silent = [connect(service, stack, said) for said in STOPS * 4]
            assert [service.deliver(ghostpay(paymentId=f"gp_{number}")) for number in range(8)] == [200] * 8
            # Nobody waited until the server had got rid of them.
            assert [is_open(connection) for connection in silent] == [True] * 16
        lines = [json.loads(line) for line in service.log("web").splitlines()]
        assert {line["logger"] for line in lines} >= {"gunicorn.error"}
        assert all(line["timestamp"].endswith("Z") for line in lines)


@pytest.mark.parametrize("said", STOPS[1:3], ids=["head", "body"])
def test_one_that_stops_in_mid_request_is_got_rid_of(
    tmp_path: Path, migrated_url: str, redis_server: Redis, said: bytes
) -> None:
    env = {"WEB_READ_TIMEOUT": "0.5"}
    with Service(tmp_path, migrated_url, redis_server, env) as service, contextlib.ExitStack() as stack:
        connection = connect(service, stack, said)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b" 200 " not in answer

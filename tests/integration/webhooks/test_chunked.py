"""Deliveries in chunks, over a socket to the server that is deployed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.integration.webhooks.conftest import SECRET
from tests.integration.webhooks.payloads import ghostpay
from tests.integration.webhooks.service import PATIENCE, Service
from tests.servers import PostgreSQL, Redis

LIMIT = 256 * 1024
LAST = b"0\r\n\r\n"


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL, migrated_template: str, redis_server: Redis
) -> Iterator[Service]:
    """Serve the web process alone."""
    folder: Path = tmp_path_factory.mktemp("chunked")
    name = "test_chunked"
    with Service(folder, postgresql.create_database(name, migrated_template), redis_server) as started:
        yield started
    postgresql.drop_database(name)


def chunk(content: bytes) -> bytes:
    """Return a chunk."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def exchange(
    service: Service,
    *parts: bytes,
    address: str = "/api/webhooks/ghostpay/",
    framing: str = "Transfer-Encoding: chunked",
) -> tuple[int, dict[str, object]]:
    """Send a request whose body is in `parts`, close our side, and return what is answered."""
    head = (
        f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Webhook-Secret: {SECRET}\r\n"
        f"Content-Type: application/json\r\n{framing}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as client:
        for part in (head.encode(), *parts):
            client.sendall(part)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while received := client.recv(65536):
            answer += received
    head_of_answer, _, body = answer.partition(b"\r\n\r\n")
    told: dict[str, object] = json.loads(body)
    return int(head_of_answer.split()[1]), told


def kept(service: Service) -> int:
    """Return how many deliveries are kept."""
    with psycopg.connect(service.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM webhooks_webhookevent").fetchone()
        assert row
        return int(row[0])


@pytest.mark.parametrize("address", ["/api/webhooks/ghostpay/", "/api/webhooks/ghostpay"])
def test_a_body_in_chunks_is_read(service: Service, address: str) -> None:
    body = json.dumps(ghostpay(paymentId=f"gp {address}")).encode()
    pieces = [chunk(body[:1]), chunk(body[1:100]), chunk(body[100:]), LAST]
    before = kept(service)
    status, told = exchange(service, *pieces, address=address)
    assert (status, told["status"], told["duplicate"]) == (200, "processed", False)
    assert kept(service) == before + 1


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413)])
def test_it_may_be_as_large_as_any_other(service: Service, size: int, status: int) -> None:
    body = json.dumps(ghostpay(paymentId=f"gp_{size}")).encode().ljust(size)
    assert exchange(service, chunk(body[:70_000]), chunk(body[70_000:]), LAST)[0] == status


@pytest.mark.parametrize(
    "parts", [[chunk(b'{"a": 1}')], [b"no chunk\r\n"], [b"-5\r\nabcde\r\n"], [b"ff\r\nabc"], []],
    ids=["no last one", "no size", "negative size", "too short", "nothing"],
)  # fmt: skip
def test_one_that_is_broken_off_is_refused_and_nothing_kept(service: Service, parts: list[bytes]) -> None:
    before = kept(service)
    status, told = exchange(service, *parts)
    assert (status, told["error"]["code"]) == (400, "incomplete")  # type: ignore[index]
    assert kept(service) == before


def test_one_that_is_shorter_than_it_says_likewise(service: Service) -> None:
    before = kept(service)
    status, told = exchange(service, b'{"a":', framing="Content-Length: 500")
    assert (status, told["error"]["code"]) == (400, "bad_json")  # type: ignore[index]
    assert kept(service) == before

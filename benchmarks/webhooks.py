"""What taking a delivery in costs: beside a bare view with one INSERT, served in turns by the same processes.

    python -m benchmarks.webhooks            prints the tables and writes them into docs/performance.md
    python -m benchmarks.webhooks --dry-run  only prints them

gunicorn serves as it is deployed (`gunicorn.conf.py`), with logs, on a PostgreSQL that does not wait for its disk: with
one that does, commits weigh more, of which either view has one. Beside the rate stands what
the web processes used of the processor for each request, which a busy machine changes little. The statements are those
of the server's own log.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import random
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

import psutil

from benchmarks.measuring import manage
from benchmarks.report import PERFORMANCE, ROOT, machine, table, write_between
from tests.manage import environment
from tests.servers import PostgreSQL, Redis, free_port
from tools.servers import HOST, wait_until

CLIENTS = 4
ROUNDS = 6
SECONDS = 4.0
DATABASE = "webhooks"
SECRET = "the-secret-that-the-gateway-sends"
PAYLOAD = json.loads((ROOT / "tests/fixtures/ghostpay-pix-pending.json").read_text())
PAID = {"status": "APPROVED", "updatedAt": "2026-11-22T14:05:00Z"}
SETTINGS = "benchmarks.bare_settings"

delivered: collections.deque[str] = collections.deque(maxlen=500)


def new_pix() -> bytes:
    """Return a delivery of a payment that nobody has heard of."""
    identity = f"gp_{uuid.uuid4().hex}"
    delivered.append(identity)
    return json.dumps(PAYLOAD | {"paymentId": identity}).encode()


def known() -> bytes:
    """Return a delivery that has come before."""
    return json.dumps(PAYLOAD | {"paymentId": random.choice(delivered)}).encode()


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of request."""

    title: str
    path: str
    body: Callable[[], bytes]


BARE = Kind("a bare view with one INSERT", "/bare/", new_pix)
KINDS = [
    BARE,
    Kind("a new PIX payment", "/api/webhooks/ghostpay/", new_pix),
    Kind("a delivery that has come before", "/api/webhooks/ghostpay/", known),
]


@dataclasses.dataclass(frozen=True)
class Figure:
    """What one kind did for some seconds: requests, and processor seconds of the web processes."""

    requests: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Return the requests answered in a second."""
        return self.requests / self.seconds


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection((HOST, port), timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def post(self, kind: Kind) -> None:
        """Post one request; raise `RuntimeError` at any answer but 200."""
        body = kind.body()
        head = f"POST {kind.path} HTTP/1.1\r\nHost: localhost\r\nX-Webhook-Secret: {SECRET}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.connection.sendall(head.encode() + body)
        answer = b""
        while not is_complete(answer):
            answer += self.connection.recv(65536) or b"HTTP/1.1 0 hung up\r\nContent-Length: 0\r\n\r\n"
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{kind.path} answered {answer!r}")


def is_complete(answer: bytes) -> bool:
    """Return whether an answer has its whole body."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head, re.IGNORECASE)
    return bool(separator and length) and len(body) >= int(length[1] if length else 0)


@contextlib.contextmanager
def served(url: str, broker: Redis, folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Serve the project and return the port and the master process."""
    port = free_port()
    variables = {
        "DATABASE_URL": url, "REDIS_URL": broker.url(), "ALLOWED_HOSTS": "localhost", "GHOSTPAY_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip
    command = ["gunicorn", "sms_sender.wsgi", "--log-file", "-", "--bind", f"{HOST}:{port}", "--no-control-socket"]
    env = environment(variables, settings=SETTINGS)
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=env, cwd=ROOT, stderr=log) as server:
        try:
            wait_until(lambda: answers(port), timeout=60, message=lambda: "gunicorn does not answer")
            yield port, psutil.Process(server.pid)
        finally:
            server.terminate()


def answers(port: int) -> bool:
    """Return whether somebody listens and answers."""
    with contextlib.suppress(OSError), Client(port) as client:
        client.post(BARE)
        return True
    return False


def load(port: int, kind: Kind, master: psutil.Process) -> Figure:
    """Post with several clients for some seconds; raise `RuntimeError` if one of them was not answered well."""
    counts, stop = [0] * CLIENTS, time.monotonic() + SECONDS
    failed: list[Exception] = []

    def client(number: int) -> None:
        try:
            with Client(port) as connection:
                while time.monotonic() < stop and not failed:
                    connection.post(kind)
                    counts[number] += 1
        except Exception as error:  # noqa: BLE001 # raised below
            failed.append(error)

    used, started = cpu(master), time.monotonic()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{kind.title}: {failed[0]}") from failed[0]
    return Figure(sum(counts), time.monotonic() - started, cpu(master) - used)


def cpu(master: psutil.Process) -> float:
    """Return the processor seconds of all web processes so far."""
    times = [process.cpu_times() for process in master.children()]
    return sum(taken.user + taken.system for taken in times)


def measure(port: int, master: psutil.Process) -> dict[Kind, list[Figure]]:
    """Let the kinds take turns."""
    found: dict[Kind, list[Figure]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        load(port, kind, master)  # every thread has its connection before anything is measured
    for _round in range(ROUNDS):
        for kind in KINDS:
            found[kind].append(load(port, kind, master))
    return found


def statements(port: int, server: PostgreSQL) -> list[list[str]]:
    """Return what the server's log has of one delivery of each kind."""
    identity = f"gp_{uuid.uuid4().hex}"
    first = json.dumps(PAYLOAD | {"paymentId": identity}).encode()
    paid = json.dumps(PAYLOAD | {"paymentId": identity} | PAID).encode()
    bodies = {BARE.title: first, "a new PIX payment": first, "the same again": first, "it is paid": paid}
    server.execute("ALTER SYSTEM SET log_statement = 'all'")
    server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: server.execute("SHOW log_statement")[0][0] == "all", timeout=30, message=lambda: "no log")
    rows = []
    for title, body in bodies.items():
        path = BARE.path if title == BARE.title else "/api/webhooks/ghostpay/"
        before = server.log.stat().st_size
        with Client(port) as client:
            client.post(Kind(title, path, lambda body=body: body))  # type: ignore[misc] # binds the loop's value
        rows.append([title, ", ".join(work(server.log.read_bytes()[before:].decode()))])
    return rows


def work(log: str) -> list[str]:
    """Name the statements of a log by verb and table; Django's look whether its connection lives is the `SELECT`."""
    found = re.findall(r"(?:statement|execute [^:]*): (\w+)([^\n]*)", log)
    named = [(verb, re.search(r'"?webhooks_(\w+)"?', rest)) for verb, rest in found]
    briefly = [f"{verb} {table[1]}" if table else verb for verb, table in named]
    return [f"`{text}`" for text in briefly]


def rows(found: Mapping[Kind, list[Figure]]) -> list[list[str]]:
    """Return the lines of the table; what is compared with the bare view are the figures of the same round."""
    base = [figure.rate for figure in found[BARE]]
    lines = []
    for kind, figures in found.items():
        rates = [figure.rate for figure in figures]
        ratio = statistics.median(rate / bare for rate, bare in zip(rates, base, strict=True))
        milliseconds = statistics.median(1000 * figure.cpu / figure.requests for figure in figures)
        spread = f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
        lines.append([kind.title, f"{ratio:.2f}", spread, f"{milliseconds:.2f} ms"])
    return lines


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="webhooks-") as folder,
        PostgreSQL() as server,
        Redis() as broker,
    ):
        url = server.create_database(DATABASE)
        manage("auto_migrate", settings=SETTINGS, env={"DATABASE_URL": url, "REDIS_URL": broker.url()})
        with served(url, broker, Path(folder)) as (port, master):
            found = measure(port, master)
            listed = statements(port, server)
        version = server.execute("SHOW server_version")[0][0]
    text = "\n".join(
        [
            f"PostgreSQL {version} without fsync, {machine()}, gunicorn as it is deployed, {CLIENTS} clients.",
            "",
            table(["", "rate to the bare view", "requests a second", "processor a request"], rows(found)),
            "",
            "What the database is asked:",
            "",
            table(["delivery", "statements"], listed),
        ]
    )
    print(text)
    if not options.dry_run:
        write_between("webhooks", text, PERFORMANCE)


if __name__ == "__main__":
    main()

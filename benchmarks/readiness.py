"""What a readiness probe costs: ours, an empty view, and two others that look at the migrations.

    python -m benchmarks.readiness            prints the tables and writes them into docs/performance.md
    python -m benchmarks.readiness --dry-run  only prints them

One gunicorn with two sync workers serves all of them, in turns, over the same project of a thousand migrations. Beside
the rate stands what the workers used of the processor for each request, which a busy machine changes little. What the
database was asked is counted in its own log. `django-health-check` lives in the benchmarks' own environment.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from benchmarks import peers
from benchmarks.measuring import manage
from benchmarks.report import PERFORMANCE, machine, table, write_between
from benchmarks.synthetic import Synthetic
from tests.manage import environment
from tests.servers import PostgreSQL, free_port
from tests.snapshot import snapshot
from tools.servers import HOST, wait_until

MIGRATIONS = 1000
WORKERS = 2
CLIENTS = 4
ROUNDS = 4
SECONDS = 5.0
DATABASE = "readiness"
VIEWS = {
    "/empty/": "an empty view",
    "/ready/": "`ready/`",
    "/rebuilt/": "`MigrationExecutor` built for each request",
    "/peer/?format=json": "django-health-check 3.24 with its migrations check",
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """What one view did for some seconds: requests, processor seconds of the workers, queries, connections."""

    requests: int
    seconds: float
    cpu: float
    queries: int
    connections: int

    @property
    def rate(self) -> float:
        """Return the requests answered in a second."""
        return self.requests / self.seconds


@contextlib.contextmanager
def served(settings: str, variables: Mapping[str, str], python: str) -> Iterator[tuple[int, psutil.Process]]:
    """Serve a project that has an empty view, and return the port and the master process."""
    port = free_port()
    env = environment(variables, settings=settings)
    application = "django.core.wsgi:get_wsgi_application()"
    options = ["--workers", str(WORKERS), "--bind", f"{HOST}:{port}", "--log-level", "error", "--backlog", "2048"]
    options += ["--config", os.devnull]  # the service's is of another project
    with subprocess.Popen([python, "-m", "gunicorn", *options, application], env=env) as server:
        try:
            wait_until(lambda: answers(port), timeout=60, message=lambda: "gunicorn does not answer")
            yield port, psutil.Process(server.pid)
        finally:
            server.terminate()


def answers(port: int) -> bool:
    """Return whether somebody listens and answers."""
    try:
        return get(port, "/empty/")
    except OSError:
        return False


def get(port: int, path: str) -> bool:
    """Ask once and tell whether the answer was 200."""
    with socket.create_connection((HOST, port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.startswith(b"HTTP/1.1 200 ")


def load(port: int, path: str, master: psutil.Process, log: Path) -> Figure:
    """Ask with several clients for some seconds; raise `RuntimeError` at any answer but 200."""
    counts, stop = [0] * CLIENTS, time.monotonic() + SECONDS
    failed: list[str] = []

    def client(number: int) -> None:
        while time.monotonic() < stop and not failed:
            if not get(port, path):
                failed.append(path)
            counts[number] += 1

    logged, used, started = log.stat().st_size, cpu(master), time.monotonic()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    if failed:
        raise RuntimeError(f"{path} did not answer with 200.")
    written = log.read_bytes()[logged:]
    return Figure(
        sum(counts), seconds, cpu(master) - used, written.count(b"SELECT"), written.count(b"connection authorized")
    )


def cpu(master: psutil.Process) -> float:
    """Return the processor seconds of all workers so far."""
    times = [process.cpu_times() for process in master.children()]
    return sum(taken.user + taken.system for taken in times)


def measure(
    project: Synthetic, server: PostgreSQL, paths: list[str], max_age: int, python: Path
) -> dict[str, list[Figure]]:
    """Let the views take turns; raise `RuntimeError` if one of them changed the database."""
    found: dict[str, list[Figure]] = {path: [] for path in paths}
    before = snapshot(server, DATABASE)
    variables = {**project.env, "DATABASE_URL": server.url(DATABASE), "CONN_MAX_AGE": str(max_age)}
    if python == peers.VENV / "bin" / "python":
        variables["PEER"] = "true"
    with served(project.settings, variables, str(python)) as (port, master):
        for path in paths:
            # Both workers have loaded what they need before anything is measured.
            for _ in range(10 * WORKERS):
                get(port, path)
        for _round in range(ROUNDS):
            for path in paths:
                found[path].append(load(port, path, master, server.log))
    if difference := before.difference(snapshot(server, DATABASE)):
        raise RuntimeError(f"Probes changed the database: {difference}")
    return found


def rows(found: Mapping[str, list[Figure]]) -> list[list[str]]:
    """Return the lines of the table; what is compared with the empty view are the figures of the same round."""
    empty = [figure.rate for figure in found["/empty/"]]
    lines = []
    for path, figures in found.items():
        rates = [figure.rate for figure in figures]
        total = sum(figure.seconds for figure in figures)
        lines.append(
            [
                VIEWS[path],
                f"{statistics.median(rate / base for rate, base in zip(rates, empty, strict=True)):.2f}",
                f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})",
                f"{statistics.median(1000 * figure.cpu / figure.requests for figure in figures):.2f} ms",
                f"{sum(figure.queries for figure in figures) / total / WORKERS:.1f}",
                f"{sum(figure.connections for figure in figures) / total / WORKERS:.1f}",
            ]
        )
    return lines


HEADS = ["", "rate to the empty view", "requests a second", "processor a request", "queries", "connections"]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="readiness-") as folder,
        PostgreSQL(log_statement="all", log_connections="on") as server,
    ):
        project = Synthetic(Path(folder), MIGRATIONS)
        python = peers.python()
        run = {**project.env, "DATABASE_URL": server.create_database(DATABASE), "PEER": "true"}
        for command in (["migrate", "auth"], ["migrate", "--fake"], ["auto_migrate"]):
            manage(*command, settings=project.settings, env=run, python=str(python))
        lasting = measure(project, server, list(VIEWS), 600, python)
        short = measure(project, server, list(VIEWS)[:2], 0, python)
        version = server.execute("SHOW server_version")[0][0]
    text = "\n".join(
        [
            f"PostgreSQL {version}, {machine()}, gunicorn with {WORKERS} sync workers, {MIGRATIONS:,} migrations, all",
            "applied. Queries and connections are those of one worker in a second.",
            "",
            table(HEADS, rows(lasting)),
            "",
            "With `CONN_MAX_AGE = 0`:",
            "",
            table(HEADS, rows(short)),
        ]
    )
    print(text)
    if not options.dry_run:
        write_between("readiness", text, PERFORMANCE)


if __name__ == "__main__":
    main()

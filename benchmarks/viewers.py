"""What it costs to be watched: thirty browsers on the page of one run, and the run beside them.

    python -m benchmarks.viewers            prints the tables and writes them into docs/performance.md
    python -m benchmarks.viewers --dry-run  only prints them

Each asks every second for what has changed, as the page's script does, with the ETag that it was given last. The run
builds indexes on a large table, with viewers and without in turns. Of the web processes what counts is the processor's
time a request, which a busy machine changes little.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg

from benchmarks.measuring import manage, spread
from benchmarks.online import FILL, OPEN
from benchmarks.readiness import WORKERS, cpu, served
from benchmarks.report import PERFORMANCE, machine, table, write_between
from tests.servers import PostgreSQL
from tools.servers import HOST

VIEWERS = 30
INTERVAL = 1.0
ROUNDS = 5
ROWS = 400_000
REQUESTS = 600
SETTINGS = "benchmarks.viewed_settings"
EMPTY = "an empty view"
HEADERS = "Host: localhost\r\nConnection: close\r\nAuthorization: Bearer a-benchmarks-token\r\n"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a request was answered with."""

    status: int
    etag: str
    body: bytes


def ask(port: int, path: str, etag: str = "", *, accept: str = "text/html") -> Answer:
    """Ask once, as the page's script does."""
    known = f"Accept: {accept}\r\n"
    known += f"If-None-Match: {etag}\r\n" if etag else ""
    with socket.create_connection((HOST, port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n{HEADERS}{known}\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    lines = dict(line.lower().split(": ", 1) for line in head.decode().splitlines()[1:])
    return Answer(int(head.split(b" ", 2)[1]), lines.get("etag", ""), body)


class Viewers:
    """So many browsers on one page while the block lasts; `statuses` counts what they were answered."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.statuses: collections.Counter[int] = collections.Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(number,)) for number in range(VIEWERS)]

    def __enter__(self) -> Viewers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, number: int) -> None:
        etag, due = "", time.monotonic() + INTERVAL * number / VIEWERS
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += INTERVAL
            answer = ask(self.port, self.path, etag)
            etag = answer.etag
            self.statuses[answer.status] += 1


def page_of(run: str) -> str:
    """Return the address of what is refreshed of a run's page."""
    return f"/runs/{run}/?part=live"


def migrate(url: str, *arguments: str) -> float:
    """Bring the depot to a migration, and return the seconds that its migrations took."""
    env = {"DATABASE_URL": url, **OPEN}
    _cost, output = manage("auto_migrate", "depot", *arguments, "--format", "json", settings=SETTINGS, env=env)
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return sum(event["duration"] for event in events if event["event"] == "migration_finished")


@dataclasses.dataclass
class Figures:
    """Seconds of the runs alone and watched, what viewers were answered, and the web's processor beside the runs."""

    alone: list[float] = dataclasses.field(default_factory=list)
    watched: list[float] = dataclasses.field(default_factory=list)
    statuses: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    cpu: float = 0.0
    seconds: float = 0.0


def watched(url: str, port: int, master: psutil.Process, figures: Figures) -> str:
    """Carry a run out with viewers from its first moment on; return its number."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(migrate, url, "0002")
        run = under_way(port)
        used, began = cpu(master), time.monotonic()
        with Viewers(port, page_of(run)) as viewers:
            figures.watched.append(future.result())
        figures.cpu += cpu(master) - used
        figures.seconds += time.monotonic() - began
    figures.statuses += viewers.statuses
    return run


def under_way(port: int) -> str:
    """Return the number of the run that goes on, as soon as one does."""
    while not (runs := json.loads(ask(port, "/runs/?status=running", accept="application/json").body)["results"]):
        time.sleep(0.05)
    return str(runs[0]["run_id"])


def beside_runs(url: str, port: int, master: psutil.Process) -> tuple[Figures, str]:
    """Let runs take turns with viewers and without; return what came of it, and the number of the last one watched."""
    figures = Figures()
    run = str(json.loads(ask(port, "/runs/", accept="application/json").body)["results"][0]["run_id"])
    for _warm in range(10 * WORKERS):
        # Each process has loaded what it needs before anything is measured.
        ask(port, page_of(run))
    for number in range(2 * ROUNDS):
        if number % 4 in {0, 3}:
            run = watched(url, port, master, figures)
        else:
            figures.alone.append(migrate(url, "0002"))
        print(*(f"{seconds:.2f} s" for seconds in (*figures.alone[-1:], *figures.watched[-1:])), flush=True)
        migrate(url, "0001")
    return figures, run


def requests(port: int, master: psutil.Process, run: str) -> Iterator[tuple[str, float]]:
    """Return the milliseconds of the processor that a request of each kind takes."""
    etag = ask(port, page_of(run)).etag
    kinds = {
        EMPTY: ("/empty/", ""),
        "nothing has moved (304)": (page_of(run), etag),
        "all of the page": (page_of(run), ""),
    }
    for title, (path, known) in kinds.items():
        expected = 304 if known else 200
        for _warm in range(10 * WORKERS):
            ask(port, path, known)
        used = cpu(master)
        if any(ask(port, path, known).status != expected for _request in range(REQUESTS)):
            raise RuntimeError(f"{path} was not answered {expected}.")
        yield title, 1000 * (cpu(master) - used) / REQUESTS


def report(figures: Figures, costs: dict[str, float], where: str) -> str:
    """Put everything into words and a table."""
    ratios = [watched / alone for watched, alone in zip(figures.watched, figures.alone, strict=True)]
    polls, unchanged = figures.statuses.total(), figures.statuses[304]
    costs = {f"one of {VIEWERS} viewers beside the run": 1000 * figures.cpu / polls, **costs}
    lines = [[title, f"{cost:.2f} ms", f"{cost / costs[EMPTY]:.2f}"] for title, cost in costs.items()]
    heads = ["a request", "processor of the web", "to the empty view"]
    return (
        f"{where}, gunicorn with {WORKERS} sync workers. With {VIEWERS} viewers the run took {spread(ratios)} times as "
        f"long as without. They asked {polls / figures.seconds:.0f} times a second; {100 * unchanged / polls:.0f} % of "
        f"the answers were 304.\n\n{table(heads, lines)}"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    with PostgreSQL(shared_buffers="256MB", max_wal_size="2GB") as server:
        url = server.create_database("depot")
        migrate(url, "0001")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL, [options.rows])
            connection.execute("VACUUM ANALYZE")
        with served(SETTINGS, {"DATABASE_URL": url}, sys.executable) as (port, master):
            figures, run = beside_runs(url, port, master)
            costs = dict(requests(port, master, run))
        version = server.execute("SHOW server_version")[0][0]
    text = report(figures, costs, f"PostgreSQL {version}, {options.rows:,} rows, {machine()}")
    print(text)
    if not options.dry_run:
        write_between("viewers", text, PERFORMANCE)


if __name__ == "__main__":
    main()

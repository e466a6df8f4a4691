"""What a backfill costs beside the bare UPDATEs that it sends, and how long its transactions are, in one run.

    python -m benchmarks.backfills            prints the table and writes it into docs/performance.md
    python -m benchmarks.backfills --dry-run  only prints it

Both begin with the same table, and take turns. The bare loop knows the ranges beforehand: it reads no keys, keeps no
cursor and looks at nobody.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import MySQLdb
import psycopg

from benchmarks.report import PERFORMANCE, machine, table, write_between
from tests.faults.counted import Counted, counted_on
from tests.servers import MariaDB, PostgreSQL

ROWS = 1_000_000
RUNS = 3
# As `Backfill` has it where nobody says otherwise.
TARGET = 0.5
FILL = {
    "PostgreSQL": f"INSERT INTO stock_item (n) SELECT 0 FROM generate_series(1, {ROWS})",
    "MariaDB": f"INSERT INTO stock_item (n) SELECT 0 FROM seq_1_to_{ROWS}",
}
OLDEST = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() AND application_name NOT LIKE 'auto_migrate%%'
"""
Send = Callable[[str, tuple[int, int]], object]


@dataclasses.dataclass
class Figures:
    """Rows a second of each run, and the longest transaction of all, in seconds; 0 where nobody looked."""

    backfill: list[float] = dataclasses.field(default_factory=list)
    bare: list[float] = dataclasses.field(default_factory=list)
    longest: float = 0.0

    @property
    def ratio(self) -> float:
        """The median pace of the backfill as a part of that of the bare loop."""
        return statistics.median(self.backfill) / statistics.median(self.bare)


class Watch:
    """Looks at the transactions of a database again and again, and keeps the age of the oldest."""

    def __init__(self, server: PostgreSQL | MariaDB, name: str) -> None:
        self.server = server
        self.name = name
        self.longest = 0.0
        self._over = threading.Event()

    def _look(self) -> None:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            while not self._over.wait(0.005):
                row = connection.execute(OLDEST, [self.name]).fetchone()
                self.longest = max(self.longest, row[0] if row else 0.0)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look for as long as the block lasts."""
        if not isinstance(self.server, PostgreSQL):
            yield
            return
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


@contextlib.contextmanager
def filled(server: PostgreSQL | MariaDB, vendor: str, name: str) -> Iterator[Counted]:
    """Return a database with many rows that nobody has written yet."""
    with counted_on(server, name) as counted:
        counted.execute("DELETE FROM stock_item")
        counted.execute(FILL[vendor])
        counted.execute("ANALYZE stock_item" if vendor == "PostgreSQL" else "ANALYZE TABLE stock_item")
        yield counted


def backfilled(server: PostgreSQL | MariaDB, vendor: str, figures: Figures) -> int:
    """Let the release step do it; return the size of its batches."""
    name = "bench_backfill"
    with filled(server, vendor, name) as counted:
        watch = Watch(server, name)
        with watch.watching():
            counted.run("auto_migrate", "stock", "0002_count")
        seconds = "extract(epoch FROM finished_at - started_at)"
        if vendor == "MariaDB":
            seconds = "timestampdiff(MICROSECOND, started_at, finished_at) / 1e6"
        asked = f"SELECT done, batch_rows, {seconds} FROM auto_migrate_backfill WHERE name = 'items'"
        done, batch_rows, took = counted.execute(asked)[0]
        assert int(done) == ROWS, done
        assert counted.times()["stock_item"] == [(1, ROWS)]
        figures.backfill.append(ROWS / float(took))
        figures.longest = max(figures.longest, watch.longest)
        return int(batch_rows)


@contextlib.contextmanager
def sending(server: PostgreSQL | MariaDB, name: str) -> Iterator[Send]:
    """Return what sends a statement and commits it."""
    if isinstance(server, PostgreSQL):
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            yield lambda sql, params: connection.execute(sql.encode(), params)
        return
    options = {"host": "127.0.0.1", "port": server.port, "user": server.user, "password": server.password}
    other = MySQLdb.connect(**options, database=name, autocommit=True)
    with contextlib.closing(other), contextlib.closing(other.cursor()) as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield cursor.execute


def bare(server: PostgreSQL | MariaDB, vendor: str, figures: Figures, batch_rows: int) -> None:
    """Send the UPDATEs alone."""
    name = "bench_bare"
    with filled(server, vendor, name) as counted, sending(server, name) as send:
        first, last = map(int, counted.execute("SELECT min(id), max(id) FROM stock_item")[0])
        started = time.monotonic()
        for after in range(first - 1, last, batch_rows):
            send("UPDATE stock_item SET n = n + 1 WHERE id > %s AND id <= %s", (after, after + batch_rows))
        figures.bare.append(ROWS / (time.monotonic() - started))
        assert counted.times()["stock_item"] == [(1, ROWS)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="print only")
    dry_run = parser.parse_args().dry_run
    rows = []
    for vendor, kind in (("PostgreSQL", PostgreSQL), ("MariaDB", MariaDB)):
        figures = Figures()
        with kind() as server:
            for _run in range(RUNS):
                batch_rows = backfilled(server, vendor, figures)
                bare(server, vendor, figures, batch_rows)
        longest = f"{figures.longest:.2f} s" if figures.longest else "–"
        paces = [f"{statistics.median(each):,.0f}" for each in (figures.backfill, figures.bare)]
        rows.append([vendor, *paces, f"{figures.ratio:.2f}", longest])
    heads = ["", "backfill, rows a second", "bare UPDATEs", "ratio", "longest transaction"]
    about = f"{machine()}. {ROWS:,} rows, {RUNS} runs of each in turn, medians; `target_seconds` {TARGET:g}."
    text = f"{about}\n\n{table(heads, rows)}"
    print(text)
    if not dry_run:
        write_between("backfills", text, PERFORMANCE)


if __name__ == "__main__":
    main()

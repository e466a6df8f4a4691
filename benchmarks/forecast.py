"""The forecast of a plan beside what it took: ten plans on a large table, after one run of history.

    python -m benchmarks.forecast            prints the table and writes it into docs/performance.md
    python -m benchmarks.forecast --dry-run  only prints it
    python -m benchmarks.forecast --all      every kind of operation that there is, for whoever mends the forecast

The first migrations make the tables and are the run of history. Each further one is a plan of its own: `--plan` says
how long it will take, it is carried out on an idle server, and the run says how long it took.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

import psycopg

from benchmarks.measuring import manage
from benchmarks.online import FILL, KINDS, OPEN, SETTINGS
from benchmarks.report import PERFORMANCE, machine, table, write_between
from tests.servers import PostgreSQL

ROWS = 200_000
FACTOR = 2.0
HISTORY = "0002_indexes"
"""The one run that the forecast may learn from."""
FORGET = """
DELETE FROM auto_migrate_event WHERE run_id IN (SELECT run_id FROM auto_migrate_step WHERE name <> '0002_indexes')
"""
PLANS = (
    "0004_constraints", "0006_together", "0007_other_together", "0008_fields", "0009_random", "0011_index_on",
    "0012_index_off", "0013_key", "0014_required", "0015_types",
)  # fmt: skip
"""What reads, indexes or writes the table; of the others most is what each step takes by itself."""


@dataclasses.dataclass(frozen=True)
class Foreseen:
    """One plan: what was said of it and what it took, in seconds."""

    name: str
    seconds: float
    basis: str
    took: float

    @property
    def ratio(self) -> float:
        """Return what it took to what was said."""
        return self.took / self.seconds

    @property
    def is_close(self) -> bool:
        """Return whether one is within a factor of the other."""
        return 1 / FACTOR <= self.ratio <= FACTOR


def told(url: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run `auto_migrate` and return its events."""
    env = {"DATABASE_URL": url, **OPEN}
    _cost, output = manage("auto_migrate", *arguments, "--format", "json", settings=SETTINGS, env=env)
    return (json.loads(line) for line in output.splitlines() if line.startswith("{"))


def one(events: Iterator[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """Return the one event of a kind."""
    [found] = [event for event in events if event["event"] == kind]
    return found


def measure(url: str, rows: int, plans: tuple[str, ...]) -> Iterator[Foreseen]:
    """Go through all migrations and return those that are asked for."""
    manage("auto_migrate", "depot", "0001", settings=SETTINGS, env={"DATABASE_URL": url, **OPEN})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL, [rows])
        connection.execute("VACUUM ANALYZE")
        last = max(plans)
        for name in takewhile(lambda name: name <= last, KINDS):
            judged = one(told(url, "depot", name, "--plan"), "plan_assessed")["forecast"]
            took = one(told(url, "depot", name), "migration_finished")["duration"]
            connection.execute(FORGET)
            connection.execute("VACUUM ANALYZE")
            found = Foreseen(name, judged["seconds"], judged["basis"], took)
            print(name, judged, f"took {took:.2f}", f"× {found.ratio:.2f}", flush=True)
            if name in plans:
                yield found


def report(found: Sequence[Foreseen], where: str) -> str:
    """Put everything into words and a table."""
    close = sum(plan.is_close for plan in found)
    lines = [
        [KINDS[plan.name], f"{plan.seconds:.1f} s", f"{plan.took:.1f} s", f"{plan.ratio:.2f}", plan.basis]
        for plan in found
    ]
    heads = ["plan", "foreseen", "took", "took to foreseen", "basis"]
    return f"{where}. Within a factor of {FACTOR:g}: {close} of {len(found)}.\n\n{table(heads, lines)}"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--all", action="store_true", help="every kind of operation, and the document as it is")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    plans = tuple(name for name in KINDS if name != HISTORY) if options.all else PLANS
    with PostgreSQL(shared_buffers="256MB", max_wal_size="2GB") as server:
        found = list(measure(server.create_database("depot"), options.rows, plans))
        version = server.execute("SHOW server_version")[0][0]
    text = report(found, f"PostgreSQL {version}, {options.rows:,} rows, {machine()}")
    print(text)
    if not (options.dry_run or options.all):
        write_between("forecast", text, PERFORMANCE)


if __name__ == "__main__":
    main()

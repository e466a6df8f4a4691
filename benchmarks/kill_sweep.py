"""Kill a deploy before and after every statement, run it once more, and count where the database ends up right.

    python -m benchmarks.kill_sweep            prints the table and writes it into docs/reliability.md
    python -m benchmarks.kill_sweep --every 9  takes every ninth point, and only prints the table

Takes `auto_migrate` and Django's `migrate` through the same project (tests/projects/sweep) on the same PostgreSQL, from
the same empty database. Each command's points are its own: those of an undisturbed run, which the sweep counts first.
A point is right if the next run exits with 0, schema and data equal those of the undisturbed run, and the run after
that finds nothing to do.
"""

from __future__ import annotations

import argparse
from collections import Counter

from benchmarks.report import table, write_between
from tests.faults.sweep import Sweep, failures
from tests.servers import PostgreSQL

COMMANDS: dict[str, tuple[str, dict[str, str]]] = {
    "`auto_migrate`": ("auto_migrate", {}),
    "Django's `migrate`": ("migrate", {"STOCK": "true"}),
}
HEADS = ("", "statements", "killed at", "right", "share")


def main() -> None:
    """Sweep with both commands, print the table and what went wrong, and write the table if no point was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth point only (default: all)")
    every = parser.parse_args().every
    rows: list[tuple[str, ...]] = []
    with PostgreSQL() as server:
        for name, (command, env) in COMMANDS.items():
            with Sweep(server, command, env=env) as sweep, sweep.measure().twin() as twin:
                points = sweep.points
                wrong = failures([sweep, twin], points[::every])
            taken = len(points[::every])
            right = taken - len(wrong)
            share = f"{100 * right / taken:.1f} %"
            rows.append((name, f"{len(points) // 2:,}", f"{taken:,}", f"{right:,}", share))
            for reason, count in Counter(summary(failure) for failure in wrong.values()).most_common():
                print(f"{name}: {count} x {reason}", flush=True)
    text = table(HEADS, rows)
    print(text)
    if every == 1:
        write_between("kill-sweep", text)


def summary(failure: str) -> str:
    """Return a failure in one line: the last one of what the command printed is the error's own."""
    first, *rest = failure.strip().splitlines()
    return f"{first} {rest[-1][:100]}" if rest else first[:140]


if __name__ == "__main__":
    main()

"""Kill a deploy before and after every statement, run it once more, and count where the database ends up right.

    python -m benchmarks.kill_sweep [--every 1]

Takes `auto_migrate` and Django's `migrate` through the same project (tests/projects/sweep) on the same PostgreSQL, from
the same empty database. Each command's points are its own: those of an undisturbed run, which the sweep counts first.
A point is right if the next run exits with 0, schema and data equal those of the undisturbed run, and the run after
that finds nothing to do.
"""

from __future__ import annotations

import argparse
from collections import Counter

from tests.faults.sweep import Sweep, failures
from tests.servers import PostgreSQL

COMMANDS: dict[str, dict[str, str]] = {"auto_migrate": {}, "migrate": {"STOCK": "true"}}


def main() -> None:
    """Sweep with both commands and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth point only (default: all)")
    every = parser.parse_args().every
    with PostgreSQL() as server:
        print(f"{'command':<22}{'statements':>11}{'killed at':>11}{'right':>8}{'share':>9}")
        for command, env in COMMANDS.items():
            with Sweep(server, command, env=env) as sweep, sweep.measure().twin() as twin:
                points = sweep.points
                wrong = failures([sweep, twin], points[::every])
            taken = len(points[::every])
            right = taken - len(wrong)
            name = command if not env else f"{command} (Django)"
            print(f"{name:<22}{len(points) // 2:>11}{taken:>11}{right:>8}{right / taken:>9.1%}", flush=True)
            for reason, count in Counter(summary(failure) for failure in wrong.values()).most_common():
                print(f"    {count:>4} x {reason}")


def summary(failure: str) -> str:
    """Return a failure in one line: the last one of what the command printed is the error's own."""
    first, *rest = failure.strip().splitlines()
    return f"{first} {rest[-1][:100]}" if rest else first[:140]


if __name__ == "__main__":
    main()

"""Applying from nothing: `manage.py auto_migrate` beside Django's `manage.py migrate`, on the same migrations.

    python -m benchmarks.apply 500 1000 2000

The two take turns, each on a database of its own, and must end with the same schema, records, content types and
permissions. Processor time is compared, since other work on the machine cannot add to it; peak memory is the
process's own. The server's time is the same for both and is in neither.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mixture import Mixture
from tests.manage import ROOT, environment
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

COMMANDS = {"stock": ["migrate", "--verbosity=0"], "ours": ["auto_migrate", "--verbosity=0"]}
LINE = "{name:>10} {who:>6}  {cpu:>7.2f} s cpu  {wall:>7.2f} s  {memory:>7.1f} MiB"


class Different(Exception):
    """The two did not end in the same state, so that their times mean nothing."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process took: processor and wall-clock seconds, and MiB at its peak."""

    cpu: float
    wall: float
    memory: float


@dataclasses.dataclass(frozen=True)
class Subject:
    """A project to be migrated from nothing: a folder with its packages, `stock_settings` and `ours_settings`."""

    name: str
    folder: Path
    python: str = sys.executable


def run(subject: Subject, who: str, url: str) -> Cost:
    """Run one of the commands to its end on an empty database."""
    env = environment({"DATABASE_URL": url}, settings=f"{who}_settings")
    env["PYTHONPATH"] = os.pathsep.join([str(subject.folder), str(ROOT)])
    started = time.monotonic()
    process = subprocess.Popen([subject.python, "-m", "django", *COMMANDS[who]], env=env, cwd=ROOT)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024)


def rounds(server: PostgreSQL, subject: Subject, count: int) -> Iterator[dict[str, Cost]]:
    """Let the two take turns, and check after each that they ended in the same state."""
    for number in range(count):
        costs = {}
        order = list(COMMANDS) if number % 2 == 0 else list(reversed(COMMANDS))
        for who in order:
            costs[who] = run(subject, who, server.create_database(who))
            print(LINE.format(name=subject.name, who=who, **dataclasses.asdict(costs[who])), flush=True)
        differs = snapshot(server, "stock").difference(snapshot(server, "ours"))
        for who in order:
            server.drop_database(who)
        if differs:
            raise Different(f"{subject.name}: {differs}")
        yield costs


def summary(results: list[dict[str, Cost]]) -> str:
    """Say how many times faster, with the spread over the rounds, and how the peaks of memory compare."""
    told = []
    for measure in ("cpu", "wall"):
        ratios = sorted(getattr(costs["stock"], measure) / getattr(costs["ours"], measure) for costs in results)
        told.append(f"{measure} {statistics.median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    memory = max(costs["ours"].memory / costs["stock"].memory for costs in results)
    return ", ".join(told) + f", peak memory at most {memory:.2f} of stock's"


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("migrations", nargs="*", type=int, default=[500, 1000, 2000])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with PostgreSQL() as server, tempfile.TemporaryDirectory() as folder:
        for count in arguments.migrations:
            subject = Subject(str(count), Path(folder) / str(count))
            subject.folder.mkdir()
            Mixture(subject.folder, count).write()
            print(f"{count} migrations: {summary(list(rounds(server, subject, arguments.rounds)))}", flush=True)


if __name__ == "__main__":
    main()

"""Applying from nothing: `auto_migrate` beside Django's `migrate`, on a synthetic project and on public packages.

    python -m benchmarks.apply            prints the tables, writes them and the plot into docs/performance.md
    python -m benchmarks.apply --dry-run  only prints them

The two take turns, each on an empty database of one PostgreSQL, and must end with the same schema, records, content
types and permissions. The processor's time is that of the command and of the server together.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks import peers
from benchmarks.measuring import Cost, manage, spread
from benchmarks.mixture import Mixture
from benchmarks.packages import PACKAGES
from benchmarks.plotting import Line, plot
from benchmarks.report import PERFORMANCE, ROOT, machine, table, write_between
from tests.servers import PostgreSQL
from tests.snapshot import NATURAL, Snapshot, snapshot

SIZES = (100, 500, 1000, 2000)
ROUNDS = 3
STOCK, OURS = "migrate", "auto_migrate"
SETTINGS = "applied_settings"

Pairs = list[dict[str, Cost]]


@dataclasses.dataclass(frozen=True)
class Subject:
    """A project to be migrated from nothing, and which of its tables hold the same rows whoever migrates."""

    name: str
    folder: Path
    python: str = sys.executable
    same_rows: Callable[[str], bool] = lambda _table: True


def synthetic(folder: Path, size: int) -> Subject:
    """Write the synthetic project; its data migrations make the same rows each time."""
    subject = Subject(f"{size:,}", folder / str(size))
    subject.folder.mkdir()
    Mixture(subject.folder, size).write()
    return subject


def public(folder: Path) -> Iterator[Subject]:
    """Write a project for each package; what their data migrations make may bear the time or a random number."""
    for package in PACKAGES:
        package.write(folder / package.name)
        yield Subject(package.requirement, folder / package.name, str(peers.python()), NATURAL.__contains__)


def run(server: PostgreSQL, subject: Subject, command: str) -> Cost:
    """Run one of the commands to its end on an empty database of its own name."""
    server.drop_database(command)
    env = {"PYTHONPATH": f"{subject.folder}:{ROOT}", "DATABASE_URL": server.create_database(command)}
    stock = {"STOCK": "true"} if command == STOCK else {}
    before = used_by(server)
    cost, _output = manage(command, settings=SETTINGS, env={**env, **stock}, python=subject.python)
    return dataclasses.replace(cost, cpu=cost.cpu + used_by(server) - before)


def used_by(server: PostgreSQL) -> float:
    """Give the seconds of the processor that the server and its sessions have used; those that end are counted late."""
    assert server.process
    main = psutil.Process(server.process.pid)
    times = [main.cpu_times()]
    for child in main.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a session that has just ended counts as its parent's
            times.append(child.cpu_times())
    return sum(own.user + own.system for own in times) + times[0].children_user + times[0].children_system


def measure(server: PostgreSQL, subject: Subject, rounds: int) -> Pairs:
    """Let the two take turns; raise `RuntimeError` if they did not end in the same state."""
    pairs: Pairs = []
    for number in range(rounds):
        order = (STOCK, OURS) if number % 2 == 0 else (OURS, STOCK)
        pairs.append({command: run(server, subject, command) for command in order})
        stock, ours = (comparable(snapshot(server, command), subject) for command in (STOCK, OURS))
        if differs := stock.difference(ours):
            raise RuntimeError(f"{subject.name} ended differently: {differs}")
    print(subject.name, *row(pairs), sep="  ", flush=True)
    return pairs


def comparable(seen: Snapshot, subject: Subject) -> Snapshot:
    """Leave the number of rows where the rows themselves say who made them and when."""
    rows = {name: rows if subject.same_rows(name) else [str(len(rows))] for name, rows in seen.rows.items()}
    return dataclasses.replace(seen, rows=rows)


def row(pairs: Pairs) -> list[str]:
    """Tell how many times faster, by the clock and by the processor, then the seconds, then the peak of memory."""
    ratios = [spread([getattr(pair[STOCK], name) / getattr(pair[OURS], name) for pair in pairs]) for name in MEASURES]
    seconds = [f"{median(pairs, command):.1f}" for command in (STOCK, OURS)]
    return [*ratios, *seconds, f"{max(pair[OURS].memory / pair[STOCK].memory for pair in pairs):.2f}"]


MEASURES = ("wall", "cpu")
HEADS = ["× by the clock", "× of the processor", "`migrate`, s", "`auto_migrate`, s", "peak memory to `migrate`'s"]


def median(pairs: Pairs, command: str, name: str = "wall") -> float:
    """Give the median of what a command took."""
    return statistics.median(getattr(pair[command], name) for pair in pairs)


def report(sizes: Mapping[int, Pairs], packages: Mapping[str, Pairs]) -> str:
    """Put everything into words and tables."""
    steps = (max(sizes) - min(sizes)) / 1000
    slopes = [
        f"`{who}` {(median(sizes[max(sizes)], who) - median(sizes[min(sizes)], who)) / steps:.1f} s"
        for who in (STOCK, OURS)
    ]
    return "\n".join(
        [
            "How many times faster than `migrate`, median (least to most), and seconds by the clock:",
            "",
            table(["migrations", *HEADS], [[f"{size:,}", *row(pairs)] for size, pairs in sizes.items()]),
            "",
            f"A thousand migrations more cost {' and '.join(slopes)} on the way from {min(sizes):,} to {max(sizes):,}.",
            "",
            "Public packages, each with the apps of Django that it needs:",
            "",
            table(["package", *HEADS], [[name, *row(pairs)] for name, pairs in packages.items()]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each command (default: {ROUNDS})")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="apply-") as folder, PostgreSQL() as server:
        packages = {subject.name: measure(server, subject, options.rounds) for subject in public(Path(folder))}
        sizes = {size: measure(server, synthetic(Path(folder), size), options.rounds) for size in SIZES}
        version = server.execute("SHOW server_version")[0][0]
    text = f"PostgreSQL {version}, {machine()}, {options.rounds} runs of each.\n\n{report(sizes, packages)}"
    print(text)
    if not options.dry_run:
        lines = [Line(who, {size: median(pairs, who) for size, pairs in sizes.items()}) for who in (STOCK, OURS)]
        write_between("apply", f"{text}\n\n{plot('apply', lines, x='migrations', y='seconds')}", PERFORMANCE)


if __name__ == "__main__":
    main()

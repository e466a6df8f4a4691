"""Applying from nothing: Django's `migrate` beside both commands of this app, on made-up projects and public packages.

    python -m benchmarks.apply                     prints the tables, writes them and the plot into docs/performance.md
    python -m benchmarks.apply --dry-run [NAME]…   only prints them, for packages and sizes with such names if any

They take turns, each on an empty database of one PostgreSQL, and must end with the same schema, records, content types
and permissions. The made-up projects are unapplied as well, in copies of one database that is up to date. The
processor's time is that of the command and of the server together.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import peers
from benchmarks.measuring import Cost, manage, spread, used_by
from benchmarks.mixture import Mixture
from benchmarks.packages import PACKAGES
from benchmarks.plotting import Line, plot
from benchmarks.report import PERFORMANCE, ROOT, machine, table, write_between
from corpus.package import SETTINGS_MODULE
from corpus.ways import BESIDE, OURS, STOCK, WAYS, Way, differences
from tests.servers import PostgreSQL
from tests.snapshot import NATURAL, snapshot

SIZES = (100, 500, 1000, 2000)
ROUNDS = 3
# How many migrations are unapplied at most: stock's `migrate` takes minutes for them, and the square of it for twice.
MOST_BACK = 500
FIRST_APP = "app00"
# The database that is unapplied; and that losing all of it is what is wanted.
UP_TO_DATE = dataclasses.replace(OURS, database="apply_done")
WAYS_BACK = (STOCK, *(dataclasses.replace(way, env={"AUTO_MIGRATE_BLOCK": "never"}) for way in (OURS, BESIDE)))


Rounds = list[dict[Way, Cost]]


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


def run(server: PostgreSQL, subject: Subject, way: Way, *target: str, template: str | None = None) -> Cost:
    """Run a command to its end on an empty database, or on a copy of another."""
    server.drop_database(way.database)
    url = server.create_database(way.database, template=template)
    env = {"PYTHONPATH": f"{subject.folder}:{ROOT}", "DATABASE_URL": url, **way.env}
    stock = {"STOCK": "true"} if way.stock else {}
    before = used_by(server)
    arguments = (way.command, *target)
    cost, _output = manage(*arguments, settings=SETTINGS_MODULE, env={**env, **stock}, python=subject.python)
    return dataclasses.replace(cost, cpu=cost.cpu + used_by(server) - before)


def measure(server: PostgreSQL, subject: Subject, count: int) -> Rounds:
    """Let the ways take turns; raise `RuntimeError` if they did not end in the same state."""
    rounds: Rounds = []
    for number in range(count):
        first = number % len(WAYS)
        rounds.append({way: run(server, subject, way) for way in (*WAYS[first:], *WAYS[:first])})
        for way, differs in differences(server, subject.same_rows).items():
            if differs:
                raise RuntimeError(f"{way.name} left {subject.name} in another state than {STOCK.name}: {differs}")
    print(subject.name, *row(rounds), sep="  ", flush=True)
    return rounds


def measure_back(server: PostgreSQL, subject: Subject, count: int) -> Rounds:
    """Let them unapply the first app, and with it all that depends on it; raise `RuntimeError` if their ends differ."""
    run(server, subject, UP_TO_DATE)
    rounds: Rounds = []
    for _number in range(count):
        rounds.append({
            way: run(server, subject, way, FIRST_APP, "zero", template=UP_TO_DATE.database) for way in WAYS_BACK
        })  # fmt: skip
        stock, *others = (snapshot(server, way.database) for way in WAYS_BACK)
        for way, other in zip(WAYS_BACK[1:], others, strict=True):
            if differs := stock.difference(other):
                raise RuntimeError(f"{way.name} left {subject.name} in another state than {STOCK.name}: {differs}")
    print(subject.name, "unapplied", *row(rounds, WAYS_BACK), sep="  ", flush=True)
    return rounds


def row(rounds: Rounds, ways: Sequence[Way] = WAYS) -> list[str]:
    """Return how many times faster than stock, by clock and by processor, the peak of memory, and the seconds."""
    cells = []
    for way in ways[1:]:
        cells += [spread([getattr(cost[STOCK], name) / getattr(cost[way], name) for cost in rounds]) for name in SPEEDS]
        cells.append(f"{max(cost[way].memory / cost[STOCK].memory for cost in rounds):.2f}")
    return [*cells, " / ".join(f"{median(rounds, way):.1f}" for way in ways)]


SPEEDS = ("wall", "cpu")


def heads(ways: Sequence[Way]) -> list[str]:
    """Return what stands over the cells of a row."""
    told = ("× by the clock", "× of the processor", "memory to stock")
    return [*(f"{way.name}: {what}" for way in ways[1:] for what in told), "seconds: stock / ours / with the app"]


def median(rounds: Rounds, way: Way) -> float:
    """Return the median of what a command took by the clock."""
    return statistics.median(cost[way].wall for cost in rounds)


def report(sizes: Mapping[int, Rounds], packages: Mapping[str, Rounds], back: Mapping[int, Rounds]) -> str:
    """Put everything into words and tables."""
    steps = (max(sizes) - min(sizes)) / 1000
    slopes = [
        f"{way.name} {(median(sizes[max(sizes)], way) - median(sizes[min(sizes)], way)) / steps:.1f} s" for way in WAYS
    ]
    return "\n".join(
        [
            "How many times faster than `migrate` without this app, median (least to most), peak memory in proportion",
            "(the worst), and seconds by the clock:",
            "",
            table(["migrations", *heads(WAYS)], [[f"{size:,}", *row(rounds)] for size, rounds in sizes.items()]),
            "",
            f"A thousand migrations more, on the way from {min(sizes):,} to {max(sizes):,}, cost: {', '.join(slopes)}.",
            "",
            "Public packages, each with the apps of Django that it needs:",
            "",
            table(["package", *heads(WAYS)], [[name, *row(rounds)] for name, rounds in packages.items()]),
            "",
            f"Unapplying, `{FIRST_APP} zero`, which takes nearly all of them back, on the same made-up projects:",
            "",
            table(
                ["migrations", *heads(WAYS_BACK)],
                [[f"{size:,}", *row(rounds, WAYS_BACK)] for size, rounds in back.items()],
            ),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="with --dry-run: only these packages and sizes")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each command (default: {ROUNDS})")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args(arguments)
    if options.names and not options.dry_run:
        parser.error("The document is about all of them: name some with --dry-run only.")

    def wanted(name: str) -> bool:
        return not options.names or name.partition("==")[0] in options.names

    print("project", *heads(WAYS), sep="  ", flush=True)
    with tempfile.TemporaryDirectory(prefix="apply-") as folder, PostgreSQL() as server:
        packages = {
            subject.name: measure(server, subject, options.rounds)
            for subject in public(Path(folder))
            if wanted(subject.name)
        }
        made = {size: synthetic(Path(folder), size) for size in SIZES if wanted(str(size))}
        sizes = {size: measure(server, subject, options.rounds) for size, subject in made.items()}
        back = {
            size: measure_back(server, subject, options.rounds) for size, subject in made.items() if size <= MOST_BACK
        }
        version = server.execute("SHOW server_version")[0][0]
    if options.names:
        return
    text = f"PostgreSQL {version}, {machine()}, {options.rounds} run(s) of each.\n\n{report(sizes, packages, back)}"
    print(text)
    if not options.dry_run:
        lines = [Line(way.name.replace("`", ""), {n: median(r, way) for n, r in sizes.items()}) for way in WAYS]
        write_between("apply", f"{text}\n\n{plot('apply', lines, x='migrations', y='seconds')}", PERFORMANCE)


if __name__ == "__main__":
    main()

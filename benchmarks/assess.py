"""What it costs to judge a plan, beside what people run for it today.

    python -m benchmarks.assess            prints the tables, writes them and the plot into docs/performance.md
    python -m benchmarks.assess --dry-run  only prints them

All look at every migration of a project: `assess_migrations` without a database, the others with an empty one, as they
need it. `sqlmigrate` is called for one migration after the other in one process. What they use of the processor is
compared. The database is looked at before and after: nothing may have changed.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
from pathlib import Path

from benchmarks import peers
from benchmarks.measuring import Cost, manage, spread
from benchmarks.plotting import Line, plot
from benchmarks.report import PERFORMANCE, machine, table, write_between
from benchmarks.synthetic import Synthetic
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

SIZES = (50, 100, 300)
# Where only ours is measured: the others take many minutes.
LARGE = 1000
ROUNDS = 3
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
SQLMIGRATE = """
import io
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
read = 0
for app_label, name in MigrationLoader(None).disk_migrations:
    if app_label.startswith("app"):
        call_command("sqlmigrate", app_label, name, stdout=io.StringIO())
        read += 1
print(read, "read")
"""


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to look at a plan; `said` is what proves that it looked at all of it."""

    name: str
    said: str

    def arguments(self, project: Synthetic) -> tuple[str, ...]:
        """Return the command."""
        apps = sorted(path.name for path in project.folder.glob("app*"))
        return {
            OURS: ("assess_migrations", *apps, "--fail-level", "never"),
            PLAN: ("migrate", "--plan"),
            STOCK: ("shell", "-c", SQLMIGRATE),
            LINTER: ("lintmigrations", "--no-cache", "--include-apps", *apps),
        }[self]

    def run(self, project: Synthetic, url: str) -> Cost:
        """Run it once."""
        env = {**project.env, "DATABASE_URL": NOWHERE if self is OURS else url}
        if self is not OURS:
            env["STOCK"] = "true"
        if self is LINTER:
            env["LINTER"] = "true"
        python = {"python": str(peers.python())} if self is LINTER else {}
        cost, output = manage(*self.arguments(project), settings=project.settings, env=env, **python)
        if (said := self.said.format(count=project.migrations)) not in output:
            raise RuntimeError(f"{self.name} did not say {said!r}:\n{output[-2000:]}")
        return cost


OURS = Way("`assess_migrations`", "{count} migrations judged for")
PLAN = Way("`migrate --plan`", "Planned operations:")
STOCK = Way("`sqlmigrate` of each", "{count} read")
LINTER = Way("django-migration-linter", "/{count}")
WAYS = (OURS, PLAN, STOCK, LINTER)


def by_size(server: PostgreSQL, folder: Path, rounds: int) -> dict[int, dict[Way, list[Cost]]]:
    """Let the ways take turns in projects of every size."""
    found: dict[int, dict[Way, list[Cost]]] = {}
    url = server.create_database("assess")
    before = snapshot(server, "assess")
    for size in (*SIZES, LARGE):
        project = Synthetic(folder / f"size{size}", size)
        ways = WAYS if size in SIZES else (OURS, PLAN)
        for way in ways[:2]:
            way.run(project, url)  # bytecode is written once
        found[size] = {way: [] for way in ways}
        for _round in range(rounds):
            for way in ways:
                found[size][way].append(way.run(project, url))
        print(size, *(f"{way.name} {spread(cpu(costs))}" for way, costs in found[size].items()), sep="  ", flush=True)
    if difference := before.difference(snapshot(server, "assess")):
        raise RuntimeError(f"Looking at a plan changed the database: {difference}")
    return found


def cpu(costs: list[Cost]) -> list[float]:
    """Return the processor time of each run."""
    return [cost.cpu for cost in costs]


def median(costs: list[Cost]) -> float:
    """Return the median of the processor time."""
    return statistics.median(cpu(costs))


def tables(found: dict[int, dict[Way, list[Cost]]]) -> str:
    """Return the ratios first, then the seconds."""
    ratios = [
        [f"{size:,}", *(f"{median(costs[OURS]) / median(costs[way]):.2f}" for way in WAYS[1:])]
        for size, costs in found.items()
        if size in SIZES
    ]
    seconds = [
        [f"{size:,}", *(spread(cpu(costs[way])) if way in costs else "–" for way in WAYS)]
        for size, costs in found.items()
    ]
    return "\n".join(
        [
            "`assess_migrations`, in proportion:",
            "",
            table(["migrations", *(f"to {way.name}" for way in WAYS[1:])], ratios),
            "",
            "Seconds of processor time, median (least to most):",
            "",
            table(["migrations", *(way.name for way in WAYS)], seconds),
        ]
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each (default: {ROUNDS})")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assess-") as folder, PostgreSQL() as server:
        found = by_size(server, Path(folder), options.rounds)
        version = server.execute("SHOW server_version")[0][0]
    text = f"PostgreSQL {version}, {machine()}, {options.rounds} runs of each.\n\n{tables(found)}"
    print(text)
    if not options.dry_run:
        lines = [
            Line(way.name.strip("`"), {size: median(costs[way]) for size, costs in found.items() if way in costs})
            for way in WAYS
        ]
        drawn = plot("assess", lines, x="migrations", y="seconds of processor time")
        write_between("assess", f"{text}\n\n{drawn}", PERFORMANCE)


if __name__ == "__main__":
    main()

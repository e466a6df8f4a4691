"""What a deploy with nothing to do costs, and how it grows with migrations, pods and databases.

    python -m benchmarks.noop            prints the tables, writes them and the plot into docs/performance.md
    python -m benchmarks.noop --dry-run  only prints them

The commands take turns on one database of one PostgreSQL; what they use of the processor is compared, since the clock
also counts what other processes do. Every database is looked at before and after: nothing may have changed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import statistics
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from benchmarks import peers
from benchmarks.measuring import Cost, manage, spread
from benchmarks.plotting import Line, plot
from benchmarks.report import PERFORMANCE, ROOT, machine, table, write_between
from benchmarks.synthetic import Synthetic
from corpus.catalogue import find
from corpus.package import SETTINGS_MODULE, Package
from tests.servers import PostgreSQL
from tests.snapshot import snapshot

SIZES = (100, 500, 1000, 2000)
ROUNDS = 5
PODS = (1, 2, 4, 8)
DATABASES = (1, 2, 4)
# The size at which pods and databases are multiplied.
FLEET_SIZE = 500


class Project(Protocol):
    """What commands are run in: its settings module, its variables, and the interpreter that has its packages."""

    settings: str
    python: str

    @property
    def env(self) -> dict[str, str]:
        """What a process needs to find the project."""


class Packaged:
    """A project that has a public package, with whatever receivers that brings, and little else."""

    settings = SETTINGS_MODULE

    def __init__(self, folder: Path, package: Package) -> None:
        package.write(folder)
        self.folder = folder
        self.name = package.requirement
        self.python = str(peers.python())

    @property
    def env(self) -> dict[str, str]:
        return {"PYTHONPATH": f"{self.folder}:{ROOT}"}


@dataclasses.dataclass(frozen=True)
class Way:
    """A command that finds nothing to do; `said` is what proves that it looked."""

    name: str
    arguments: tuple[str, ...]
    stock: bool
    said: str = ""
    # Whether each run is the first of a release.
    released: bool = False

    def run(self, project: Project, urls: dict[str, str]) -> Cost:
        """Run it once."""
        stock = {"STOCK": "true"} if self.stock else {}
        release = {"AUTO_MIGRATE_RELEASE": uuid.uuid4().hex} if self.released else {}
        env = {**project.env, **urls, **stock, **release}
        cost, output = manage(*self.arguments, settings=project.settings, env=env, python=project.python)
        if self.said not in output:
            raise RuntimeError(f"{self.name} did not say {self.said!r}:\n{output}")
        return cost


NOTHING = "No migrations to apply."
# What any command of the project costs, its models imported.
SHELL = Way("`shell -c pass`", ("shell", "-c", "pass"), stock=False)
FIRST = Way("a new release", ("auto_migrate",), stock=False, said=NOTHING, released=True)
HEARD = Way(
    "a new release that a receiver of the project hears of", ("auto_migrate",), stock=False, said=NOTHING, released=True
)
OURS = Way("`auto_migrate`", ("auto_migrate",), stock=False, said=NOTHING)
OWN_MIGRATE = Way("`migrate` with the app", ("migrate",), stock=False, said=NOTHING)
AFTER = Way("after `migrate`", ("auto_migrate",), stock=False, said=NOTHING)
MIGRATE = Way("`migrate`", ("migrate",), stock=True, said=NOTHING)
CHECK = Way("`migrate --check`", ("migrate", "--check"), stock=True)
WAYS = (SHELL, OURS, FIRST, HEARD, AFTER, CHECK, OWN_MIGRATE, MIGRATE)
WAYS_PACKAGED = (SHELL, FIRST, MIGRATE)


@contextlib.contextmanager
def prepared(
    server: PostgreSQL, project: Synthetic, count: int = 1, *, prefix: str = "noop"
) -> Iterator[dict[str, str]]:
    """Return databases in which every migration is recorded, as variables for DATABASES; check that nothing changes."""
    names = [f"{prefix}_{project.migrations}_{number}" for number in range(count)]
    aliases = ["DATABASE_URL", *(f"DB{number}_DATABASE_URL" for number in range(1, count))]
    urls = {alias: server.url(name) for alias, name in zip(aliases, names, strict=True)}
    for name in names:
        server.drop_database(name)
    server.create_database(names[0])
    env = {**project.env, "DATABASE_URL": server.url(names[0])}
    manage("migrate", "auth", settings=project.settings, env={**env, "STOCK": "true"})
    # The tables of the others would change nothing of what is measured here; the record is what is compared.
    manage("migrate", "--fake", settings=project.settings, env={**env, "STOCK": "true"})
    manage("auto_migrate", settings=project.settings, env=env)
    for name in names[1:]:
        server.create_database(name, template=names[0])
    before = [snapshot(server, name) for name in names]
    yield urls
    for name, seen in zip(names, before, strict=True):
        if difference := seen.difference(snapshot(server, name)):
            raise RuntimeError(f"A run with nothing to do changed {name}: {difference}")
        server.drop_database(name)


def by_size(server: PostgreSQL, folder: Path, rounds: int) -> dict[int, dict[Way, list[Cost]]]:
    """Let the commands take turns in projects of every size."""
    found: dict[int, dict[Way, list[Cost]]] = {}
    for size in SIZES:
        project = Synthetic(folder / f"size{size}", size)
        heard = project.with_receiver()
        with prepared(server, project) as urls, prepared(server, heard, prefix="heard") as heard_urls:
            for way in WAYS:
                way.run(project, urls)  # bytecode is written once
            HEARD.run(heard, heard_urls)
            found[size] = {way: [] for way in WAYS}
            for _round in range(rounds):
                for way in (SHELL, FIRST, OWN_MIGRATE, AFTER, CHECK, MIGRATE):
                    found[size][way].append(way.run(project, urls))
                found[size][HEARD].append(HEARD.run(heard, heard_urls))
                # The fingerprint of a release is looked for by the runs that follow the first.
                OURS.run(project, urls)
                found[size][OURS].append(OURS.run(project, urls))
        print(size, *(f"{way.name} {spread(cpu(costs))}" for way, costs in found[size].items()), sep="  ", flush=True)
    return found


def of_package(server: PostgreSQL, project: Packaged, rounds: int) -> dict[Way, list[Cost]]:
    """Let a project's commands take turns: its own receivers hear of each new release."""
    server.drop_database("packaged")
    urls = {"DATABASE_URL": server.create_database("packaged")}
    manage("auto_migrate", settings=project.settings, env={**project.env, **urls}, python=project.python)
    before = snapshot(server, "packaged")
    found: dict[Way, list[Cost]] = {way: [] for way in WAYS_PACKAGED}
    for _round in range(rounds):
        for way in WAYS_PACKAGED:
            found[way].append(way.run(project, urls))
    if difference := before.difference(snapshot(server, "packaged")):
        raise RuntimeError(f"A run with nothing to do changed {project.name}: {difference}")
    print(project.name, *(f"{way.name} {spread(cpu(costs))}" for way, costs in found.items()), sep="  ", flush=True)
    return found


def package_table(name: str, found: dict[Way, list[Cost]]) -> str:
    """Return what a release of such a project costs."""
    shell, first = median(found[SHELL]), median(found[FIRST])
    row = [name, f"{first / shell:.2f}", *(spread(cpu(found[way])) for way in WAYS_PACKAGED)]
    heads = ["project", "a new release, to `shell -c pass`", *(way.name for way in WAYS_PACKAGED)]
    return f"A project whose package brings receivers of its own, seconds of processor time:\n\n{table(heads, [row])}"


def by_pods(server: PostgreSQL, project: Synthetic) -> dict[int, dict[Way, list[Cost]]]:
    """Start the same command in many pods at once."""
    found: dict[int, dict[Way, list[Cost]]] = {}
    with prepared(server, project) as urls:
        for pods in PODS:
            with ThreadPoolExecutor(pods) as starters:
                found[pods] = {
                    way: list(starters.map(lambda _pod, way=way: way.run(project, urls), range(pods)))
                    for way in (OURS, MIGRATE)
                }
    return found


def by_databases(server: PostgreSQL, project: Synthetic) -> dict[int, dict[str, float]]:
    """Bring several databases up to date: ours with one command, stock with one for each."""
    found = {}
    everywhere = dataclasses.replace(OURS, arguments=("auto_migrate", "--all-databases"))
    with prepared(server, project, max(DATABASES)) as urls:
        for count in DATABASES:
            some = dict(list(urls.items())[:count])
            everywhere.run(project, some)
            stock = sum(MIGRATE.run(project, {"DATABASE_URL": url}).cpu for url in some.values())
            found[count] = {OURS.name: everywhere.run(project, some).cpu, MIGRATE.name: stock}
    return found


def cpu(costs: list[Cost]) -> list[float]:
    """Return the processor time of each run."""
    return [cost.cpu for cost in costs]


def wall(costs: list[Cost]) -> list[float]:
    """Return the time of each run by the clock."""
    return [cost.wall for cost in costs]


def median(costs: list[Cost]) -> float:
    """Return the median of the processor time."""
    return statistics.median(cpu(costs))


def size_tables(found: dict[int, dict[Way, list[Cost]]]) -> str:
    """Return the ratios first, then the seconds."""
    ratios = [
        [
            f"{size:,}",
            f"{median(costs[OURS]) / median(costs[SHELL]):.2f}",
            f"{median(costs[OURS]) / median(costs[MIGRATE]):.2f}",
            f"{median(costs[OURS]) / median(costs[CHECK]):.2f}",
            f"{median(costs[OURS]) - median(costs[SHELL]):+.2f} s",
            f"{median(costs[FIRST]) / median(costs[SHELL]):.2f}",
            f"{median(costs[HEARD]) / median(costs[SHELL]):.2f}",
            f"{median(costs[AFTER]) / median(costs[SHELL]):.2f}",
            f"{median(costs[OWN_MIGRATE]) / median(costs[MIGRATE]):.2f}",
        ]
        for size, costs in found.items()
    ]
    seconds = [[f"{size:,}", *(spread(cpu(costs[way])) for way in WAYS)] for size, costs in found.items()]
    clock = [
        [f"{size:,}", *(spread([cost.wall for cost in costs[way]]) for way in WAYS)] for size, costs in found.items()
    ]
    small, large = found[min(found)], found[max(found)]
    steps = (max(found) - min(found)) / 1000
    slopes = ", ".join(f"{way.name} {(median(large[way]) - median(small[way])) / steps:.2f} s" for way in WAYS)
    heads = [
        "migrations",
        "to `shell -c pass`",
        "to `migrate`",
        "to `migrate --check`",
        "more than `shell -c pass`",
        "a new release, to `shell -c pass`",
        "with a receiver of the project's own",
        "after `migrate`, to `shell -c pass`",
        "`migrate` with the app, to without",
    ]
    return "\n".join(
        [
            "`auto_migrate` with nothing to do, in proportion, of a release that was there before unless it says so:",
            "",
            table(heads, ratios),
            "",
            "Seconds of processor time, median (least to most):",
            "",
            table(["migrations", *(way.name for way in WAYS)], seconds),
            "",
            "Seconds by the clock:",
            "",
            table(["migrations", *(way.name for way in WAYS)], clock),
            "",
            f"A thousand migrations more, with the 250 models that they make, cost: {slopes}.",
        ]
    )


def fleet_tables(pods: dict[int, dict[Way, list[Cost]]], databases: dict[int, dict[str, float]]) -> str:
    """Return what one pod, and one database, of many costs."""
    rows = [
        [str(count), *(f"{statistics.mean(cpu(costs[way])):.2f} s" for way in (OURS, MIGRATE))]
        for count, costs in pods.items()
    ]
    others = [
        [str(count), *(f"{costs[way.name]:.2f} s" for way in (OURS, MIGRATE))] for count, costs in databases.items()
    ]
    return "\n".join(
        [
            f"Pods that start at the same time, {FLEET_SIZE} migrations; processor time for each pod:",
            "",
            table(["pods", OURS.name, MIGRATE.name], rows),
            "",
            "Databases; processor time for all, `auto_migrate --all-databases` beside one `migrate` for each:",
            "",
            table(["databases", OURS.name, MIGRATE.name], others),
        ]
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each command (default: {ROUNDS})")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="noop-") as folder, PostgreSQL() as server:
        sizes = by_size(server, Path(folder), options.rounds)
        project = Synthetic(Path(folder) / "fleet", FLEET_SIZE)
        pods, databases = by_pods(server, project), by_databases(server, project)
        packaged = Packaged(Path(folder) / "packaged", find("wagtail"))
        released = package_table(packaged.name, of_package(server, packaged, options.rounds))
        version = server.execute("SHOW server_version")[0][0]
    text = f"PostgreSQL {version}, {machine()}, {options.rounds} runs of each.\n\n{size_tables(sizes)}"
    fleet = f"{released}\n\n{fleet_tables(pods, databases)}"
    print(text, fleet, sep="\n\n")
    if not options.dry_run:
        shown = "\n".join(plots(sizes, pods, databases))
        write_between("noop", f"{text}\n\n{fleet}\n\n{shown}", PERFORMANCE)


def plots(
    sizes: dict[int, dict[Way, list[Cost]]],
    pods: dict[int, dict[Way, list[Cost]]],
    databases: dict[int, dict[str, float]],
) -> Iterator[str]:
    """Draw how the cost grows."""
    seconds = "seconds of processor time"
    lines = [Line(way.name.strip("`"), {size: median(costs[way]) for size, costs in sizes.items()}) for way in WAYS]
    yield plot("noop", lines, x="migrations", y=seconds)
    both = (OURS, MIGRATE)
    lines = [Line(way.name.strip("`"), {n: sum(cpu(costs[way])) for n, costs in pods.items()}) for way in both]
    yield plot("noop_pods", lines, x="pods", y=seconds)
    lines = [Line(way.name.strip("`"), {n: costs[way.name] for n, costs in databases.items()}) for way in both]
    yield plot("noop_databases", lines, x="databases", y=seconds)


if __name__ == "__main__":
    main()

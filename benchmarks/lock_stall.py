"""How long traffic stands still while a column is added, by four ways of migrating, in one run on one server.

    python -m benchmarks.lock_stall            prints the tables and writes them into docs/reliability.md
    python -m benchmarks.lock_stall --dry-run  only prints them

django-pg-zero-downtime-migrations gets a virtual environment of its own, `.venv-zero-downtime`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.report import ROOT, machine, table, write_between
from benchmarks.traffic import CLIENTS, Traffic, fill, no_gap, transaction
from tests.manage import MANAGE, environment
from tests.servers import PostgreSQL

SETTINGS = "tests.projects.locks.settings"
OTHER = ROOT / ".venv-zero-downtime"
OTHER_PACKAGE = "django-pg-zero-downtime-migrations"
BLOCKED_FOR = 20.0
# A way that has not landed by then never does.
GIVE_UP = 60.0
PAUSE_BETWEEN_TRIES = 1.0


@dataclasses.dataclass(frozen=True)
class Way:
    """One way of migrating: a command, its environment, and whether a failure is followed by another try."""

    name: str
    command: str
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    python: str = sys.executable
    retried: bool = False

    def start(self, url: str) -> subprocess.Popen[bytes]:
        """Start it once."""
        env = environment({"DATABASE_URL": url, **self.env}, settings=SETTINGS)
        quiet = subprocess.DEVNULL
        return subprocess.Popen([self.python, MANAGE, self.command], env=env, cwd=ROOT, stdout=quiet, stderr=quiet)

    def migrate(self, url: str, deadline: float) -> None:
        """Try until it is done or the deadline has come."""
        while True:
            with self.start(url) as process:
                try:
                    done = process.wait(max(0.1, deadline - time.monotonic())) == 0
                except subprocess.TimeoutExpired:
                    process.terminate()
                    return
            if done or not self.retried or time.monotonic() + PAUSE_BETWEEN_TRIES > deadline:
                return
            time.sleep(PAUSE_BETWEEN_TRIES)


STOCK = {"STOCK": "true"}
WAYS = [
    Way("`auto_migrate`", "auto_migrate"),
    Way("Django's `migrate`", "migrate", STOCK),
    Way(
        "`migrate`, `lock_timeout` 2 s, retried", "migrate", {**STOCK, "PGOPTIONS": "-c lock_timeout=2s"}, retried=True
    ),
    Way(
        f"{OTHER_PACKAGE}, lock timeout 2 s, retried",
        "migrate",
        {**STOCK, "ENGINE": "django_zero_downtime_migrations.backends.postgres"},
        python=str(OTHER / "bin" / "python"),
        retried=True,
    ),
]


@dataclasses.dataclass(frozen=True)
class Figure:
    """What one way did to the traffic. Seconds; `landed` counts from where the scenario says, None is never."""

    longest: float
    quiet: float
    landed: float | None


def prepare_other() -> None:
    """Install the package to compare with, once."""
    if not OTHER.exists():
        subprocess.run([sys.executable, "-m", "venv", str(OTHER)], check=True)
        install = [str(OTHER / "bin" / "python"), "-m", "pip", "install", "--quiet", OTHER_PACKAGE, "psycopg[binary]"]
        subprocess.run(install, check=True)


@contextlib.contextmanager
def shop(server: PostgreSQL) -> Iterator[str]:
    """Return the URL of a shop that has its first migration, and some orders."""
    url = server.create_database("shop")
    env = environment({"DATABASE_URL": url, **STOCK}, settings=SETTINGS)
    subprocess.run([sys.executable, MANAGE, "migrate", "shop", "0001"], env=env, check=True, capture_output=True)
    fill(url)
    yield url
    server.drop_database("shop")


def settle(traffic: Traffic, seconds: float) -> float:
    """Return the longest stall of a time in which nobody migrates, and begin to measure anew."""
    traffic.forget()
    time.sleep(seconds)
    quiet = traffic.longest
    traffic.forget()
    return quiet


def await_landing(traffic: Traffic, patience: float) -> None:
    """Let the observer have a moment to see the new column."""
    deadline = time.monotonic() + patience
    while traffic.landed is None and time.monotonic() < deadline:
        time.sleep(0.01)


def behind_one_transaction(way: Way, url: str, blocked_for: float) -> Figure:
    """Migrate while one transaction stays open; landing counts from its end."""
    with Traffic(url) as traffic:
        with transaction(url) as blocker:
            quiet = settle(traffic, 5)
            ends = time.monotonic() + blocked_for
            release = threading.Timer(blocked_for, blocker.commit)
            release.start()
            way.migrate(url, time.monotonic() + GIVE_UP)
            release.join()
        await_landing(traffic, 2)
        return figure(traffic, quiet, ends)


def without_a_gap(way: Way, url: str) -> Figure:
    """Migrate while transactions overlap for as long as it takes; landing counts from the start."""
    with Traffic(url) as traffic, no_gap(url):
        quiet = settle(traffic, 5)
        started = time.monotonic()
        way.migrate(url, started + GIVE_UP)
        await_landing(traffic, 2)
        return figure(traffic, quiet, started)


def figure(traffic: Traffic, quiet: float, since: float) -> Figure:
    """Sum up; raise if a client of the shop failed, since its waits would be missing."""
    if traffic.errors:
        raise traffic.errors[0]
    return Figure(traffic.longest, quiet, None if traffic.landed is None else traffic.landed - since)


def shown(way: Way, result: Figure) -> list[str]:
    """Return one line of the table."""
    landed = "never" if result.landed is None else f"{result.landed:.1f} s"
    return [way.name, f"{1000 * result.longest:.0f} ms", f"{1000 * result.quiet:.0f} ms", landed]


def measure(server: PostgreSQL, blocked_for: float) -> str:
    """Run every way through both scenarios and return the text with the tables."""
    blocked, crowded = [], []
    for way in WAYS:
        with shop(server) as url:
            blocked.append(shown(way, behind_one_transaction(way, url, blocked_for)))
            print(*blocked[-1], sep="  ", flush=True)
        with shop(server) as url:
            crowded.append(shown(way, without_a_gap(way, url)))
            print(*crowded[-1], sep="  ", flush=True)
    heads = ["", "longest statement", "without a migration"]
    return "\n".join(
        [
            f"PostgreSQL {server.execute('SHOW server_version')[0][0]}, {CLIENTS} clients, {machine()}.",
            "",
            f"One transaction stays open for {blocked_for:g} s:",
            "",
            table([*heads, "landed after its end"], blocked),
            "",
            "Three sessions whose transactions of 0.3 to 0.5 s never leave a gap:",
            "",
            table([*heads, "landed after"], crowded),
        ]
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocked-for", type=float, default=BLOCKED_FOR, metavar="SECONDS")
    parser.add_argument("--bin-dir", type=Path, help="binaries of another PostgreSQL than the one from the wheel")
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    options = parser.parse_args()
    prepare_other()
    with PostgreSQL(options.bin_dir) as server:
        text = measure(server, options.blocked_for)
    print(text)
    if not options.dry_run:
        write_between("lock-stall", text)


if __name__ == "__main__":
    main()

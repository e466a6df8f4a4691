"""A sweep: one process killed at each statement in turn, and what a second run makes of it."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from tests.forks import Forked, Nursery
from tests.servers import PostgreSQL
from tests.snapshot import Snapshot, snapshot

SETTINGS = "tests.projects.sweep.settings"
NON_ATOMIC = frozenset({"shop.0003_amount_index", "shop.0004_status", "shop.0005_double", "shop.0006_pair_index"})
OPEN = """
    SELECT 1 FROM auto_migrate_run WHERE status = 'running'
    UNION ALL SELECT 1 FROM auto_migrate_step WHERE status = 'running'
    UNION ALL SELECT 1 FROM auto_migrate_step WHERE operations_done > 0 OR operation_started IS NOT NULL
"""
# What no history of a run that ended well says.
UNTRUE = """
    SELECT run.status, step.name, step.status FROM auto_migrate_run AS run
    LEFT JOIN auto_migrate_step AS step ON step.run_id = run.id
    WHERE run.status <> 'succeeded' OR step.status <> 'applied'
"""
# A cut run must not wait long for the second attempt that it makes by itself.
QUICK = {"AUTO_MIGRATE_RETRY_DELAY": "0.2"}


@dataclasses.dataclass(frozen=True)
class Point:
    """One place to be killed at: before or after a statement, in a migration or outside of any."""

    number: int
    side: str
    statement: str
    migration: str

    @property
    def place(self) -> str:
        """The place as `KILL_AT` takes it."""
        return f"{self.number}:{self.side}"

    def __str__(self) -> str:
        return f"{self.side} {self.number} ({self.migration or 'no migration'}: {self.statement[:80]})"


def points_in(output: str) -> Iterator[Point]:
    """Read the statements, and the migration that each belongs to, from the output of a counted run."""
    migration = ""
    for line in output.splitlines():
        if begun := re.match(r"  (?:Una|A)pplying (\S+)\.\.\.", line):
            migration = begun[1]
        if re.search(r"\bOK\b", line) and not line.startswith("#"):
            migration = ""
        if counted := re.match(r"#(\d+) (.*)", line):
            for side in ("before", "after"):
                yield Point(int(counted[1]), side, counted[2], migration)


class Sweep:
    """Kills one command of the project at every point that an undisturbed run of it passes."""

    def __init__(
        self,
        server: PostgreSQL,
        *command: str,
        env: Mapping[str, str] | None = None,
        template: str = "template1",
        settings: str = SETTINGS,
    ) -> None:
        self.server = server
        self.command = command
        self.env = env or {}
        self.template = template
        self.settings = settings
        self.nursery = Nursery(settings, server.url(), {**QUICK, **self.env})
        # How far the command goes, where not all the way.
        self.target: tuple[str, ...] = ()
        self.points: list[Point] = []
        self.wanted: Snapshot

    @contextlib.contextmanager
    def beginning_after(self, *labels: str) -> Iterator[Self]:
        """Sweep a database that already has some apps, whole or up to a migration (`app name`)."""
        with Clone(self.server, self.template) as name:
            for label in labels:
                done = self.nursery.run(*self.command, *label.split(), database_url=self.server.url(name))
                assert done.returncode == 0, done.output
            self.template, before = name, self.template
            yield self
            self.template = before

    def measure(self) -> Self:
        """Find the points and the right result by a run that nothing disturbs."""
        with Clone(self.server, self.template) as name:
            whole = self.run(name, COUNT_TO="/dev/stdout")
            assert whole.returncode == 0, whole.output
            self.points = list(points_in(whole.output))
            self.wanted = snapshot(self.server, name)
        return self

    def twin(self) -> Sweep:
        """Return a sweep of the same points, to be made at the same time."""
        twin = Sweep(self.server, *self.command, env=self.env, template=self.template, settings=self.settings)
        twin.follow(self)
        return twin

    def follow(self, other: Sweep) -> None:
        """Take over what another sweep has measured."""
        self.template, self.target, self.points, self.wanted = other.template, other.target, other.points, other.wanted

    def run(self, database: str, **env: str) -> Forked:
        """Run the command once."""
        return self.nursery.run(*self.command, *self.target, database_url=self.server.url(database), env=env)

    def failure(self, point: Point) -> str:
        """Kill a run at the point, run again, and say what is wrong afterwards, or nothing."""
        with Clone(self.server, self.template) as name:
            killed = self.run(name, KILL_AT=point.place)
            if killed.returncode != -signal.SIGKILL:
                return f"not killed at all:\n{killed.output}"
            again = self.run(name)
            if again.returncode != 0:
                return f"the next run ends with {again.returncode}:\n{again.output}"
            if difference := snapshot(self.server, name).difference(self.wanted):
                return f"the next run leaves a difference: {difference}"
            last = self.run(name)
            if last.returncode != 0 or "No migrations to apply." not in last.output:
                return f"the run after that finds something to do:\n{last.output}"
            # Django's own command keeps no runs.
            is_open = "STOCK" not in self.env and self.server.execute(OPEN, database=name)
            return "a run or a step is left open" if is_open else ""

    def failure_of_cut(self, point: Point) -> str:
        """Cut the connection at the point instead, and say what is wrong after this one run, or nothing."""
        with Clone(self.server, self.template) as name:
            done = self.run(name, CUT_AT=point.place)
            if done.returncode != 0:
                return f"it ends with {done.returncode}:\n{done.output}"
            if difference := snapshot(self.server, name).difference(self.wanted):
                return f"it leaves a difference: {difference}\n{done.output}"
            if left := self.server.execute(UNTRUE, database=name):
                return f"its history says {left}:\n{done.output}"
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.nursery.__exit__()


def failures(
    sweeps: Sequence[Sweep], points: Sequence[Point], check: Callable[[Sweep, Point], str] = Sweep.failure
) -> dict[Point, str]:
    """Kill at each point, or do what `check` does, shared out among the sweeps, and tell what went wrong where."""

    def share(number: int) -> dict[Point, str]:
        mine = points[number :: len(sweeps)]
        return {point: failure for point in mine if (failure := check(sweeps[number], point))}

    with ThreadPoolExecutor(len(sweeps)) as threads:
        return {point: failure for found in threads.map(share, range(len(sweeps))) for point, failure in found.items()}


class Clone:
    """A database for one point, copied from a template and dropped afterwards."""

    def __init__(self, server: PostgreSQL, template: str) -> None:
        self.server = server
        self.template = template
        self.name = f"sweep_{uuid.uuid4().hex[:12]}"

    def __enter__(self) -> str:
        self.server.create_database(self.name, self.template)
        return self.name

    def __exit__(self, *_: object) -> None:
        self.server.drop_database(self.name)

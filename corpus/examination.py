"""One package examined: its project written, its database made in each way, looked at before and after."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from corpus import environments
from corpus.outcome import CACHE, ROOT, Outcome, State, Step
from corpus.package import OWN_APP, SETTINGS_MODULE, Package
from corpus.ways import (
    BESIDE,
    FILLED,
    ONLINE,
    OURS,
    STOCK,
    STOCK_FILLED,
    WAYS,
    Way,
    difference_of_filled,
    differences,
)
from tests.forks import Nursery
from tests.manage import MANAGE, environment
from tests.servers import PostgreSQL
from tests.snapshot import NATURAL
from tools.matrix import programs
from tools.matrix.debian import NotToBeHad

# For one command, on a busy machine.
TIMEOUT = 3600.0
POLL = 0.05
MIGRATIONS = "SELECT count(*) FROM django_migrations"
LABELS = "SELECT DISTINCT app FROM django_migrations"
FILL = "from corpus.filled_tables import migrate_filled; migrate_filled({command!r})"
RELATIONS = (
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE relkind = ANY(%s) AND nspname !~ '^pg_|^information_schema$'"
)
TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"


class Failed(Exception):
    """A command did not end as it should; the text says how it did, on one line."""


class Project:
    """A package's project in its folder, with the interpreter that has the package."""

    def __init__(self, server: PostgreSQL, package: Package, folder: Path, python: str = sys.executable) -> None:
        self.server = server
        self.package = package
        self.folder = folder
        self.python = python

    def empty(self, way: Way) -> None:
        """Make a way's database anew."""
        self.server.drop_database(way.database)
        self.server.create_database(way.database)

    def write(self) -> None:
        """Write it; let Django make the migrations of its own models."""
        # `makemigrations` asks the database for its history, which must not be that of the package before.
        self.empty(STOCK)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.package.write(self.folder)
        for number, models in enumerate(self.package.models):
            app = self.folder / OWN_APP
            (app / "migrations").mkdir(parents=True, exist_ok=True)
            (app / "__init__.py").touch()
            (app / "migrations" / "__init__.py").touch()
            (app / "models.py").write_text(models)
            name = ("--name", f"release_{number + 1}")
            self.process(STOCK, MANAGE, "makemigrations", OWN_APP, "--noinput", *name)

    def environment(self, way: Way) -> dict[str, str]:
        """Return what each of its processes needs."""
        stock = {"STOCK": "true"} if way.stock else {}
        return {"PYTHONPATH": f"{self.folder}:{ROOT}", "DATABASE_URL": self.server.url(way.database), **stock}

    def nursery(self, way: Way) -> Nursery:
        """Load it once for many commands; raise `Failed`."""
        env = self.environment(way)
        nursery = Nursery(
            SETTINGS_MODULE, env["DATABASE_URL"], env, python=self.python, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        try:
            nursery.run("version", database_url=env["DATABASE_URL"])
        except (OSError, ValueError):
            self.process(way, "-m", "tests.forks")
            raise Failed("does not load") from None
        return nursery

    def process(self, way: Way, *arguments: str) -> str:
        """Run the interpreter to its end and return its output; raise `Failed`."""
        env = environment(self.environment(way), settings=SETTINGS_MODULE)
        try:
            done = subprocess.run(
                [self.python, *arguments], env=env, cwd=self.folder, timeout=TIMEOUT,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failed(f"not done within {TIMEOUT:.0f} s") from None
        if done.returncode:
            raise Failed(last_words(done.stderr or done.stdout))
        return done.stdout


class Commands:
    """Commands in a project that is loaded while the way's database is empty: some migrations look at it by then."""

    def __init__(self, project: Project, way: Way) -> None:
        self.project = project
        project.empty(way)
        self.nursery = project.nursery(way)

    def run(self, way: Way, *arguments: str, expect: tuple[int, ...] = (0,)) -> str:
        """Run `manage.py` on a way's database to its end and return its output; raise `Failed`."""
        running = self.nursery.start(*arguments, database_url=self.project.server.url(way.database), env=way.env)
        deadline = time.monotonic() + TIMEOUT
        while running.poll() is None:
            if time.monotonic() > deadline:
                running.kill()
            time.sleep(POLL)
        if running.returncode not in expect:
            raise Failed(f"exit {running.returncode}: {last_words(running.output)}")
        return running.output

    def migrate(self, way: Way) -> None:
        """Migrate in a way."""
        self.run(way, way.command, "--noinput")

    def migrate_anew(self, way: Way) -> None:
        """Migrate in a way, from nothing."""
        self.project.empty(way)
        self.migrate(way)

    def migrate_filled(self, way: Way) -> list[str]:
        """Migrate in a way, with rows in all tables; return the migrations that refused them and had none, then."""
        self.project.empty(way)
        output = self.run(way, "shell", "-v", "0", "-c", FILL.format(command=way.command))
        refused: list[str] = json.loads(output.splitlines()[-1])
        return refused


def install(server: PostgreSQL, package: Package) -> Project:
    """Return a package's project, with an interpreter that has it; raise `NotInstalled`. Both are kept in `.corpus`."""
    requirements = (package.requirement, *package.also, *environments.SHARED)
    try:
        base = programs.python(package.python) if package.python else Path(sys.executable)
    except NotToBeHad as error:
        raise environments.NotInstalled(str(error)) from None
    python = environments.make(CACHE / "environments" / package.name, requirements, base)
    return Project(server, package, CACHE / "projects" / package.name, str(python))


def examine(server: PostgreSQL, package: Package) -> Outcome:
    """Install one package and examine it."""
    outcome = Outcome(package.name, list(package.pinned), State.NOT_INSTALLED)
    try:
        with timed(outcome, Step.INSTALLATION):
            project = install(server, package)
    except environments.NotInstalled as error:
        outcome.said[Step.INSTALLATION] = str(error)
        return outcome
    return examine_installed(project, outcome)


def examine_installed(project: Project, outcome: Outcome | None = None, *, with_rows: bool = True) -> Outcome:
    """Examine the package of a project whose interpreter has it; `with_rows` on filled tables as well, where it can."""
    outcome = outcome or Outcome(project.package.name, list(project.package.pinned), State.STOCK_FAILS)
    refused: list[str] | None = None
    try:
        with timed(outcome, STOCK.name):
            project.write()
            stock = Commands(project, STOCK)
        with stock.nursery:
            with timed(outcome, STOCK.name):
                stock.migrate(STOCK)
            if with_rows and project.package.fillable:
                refused = refusing(stock, outcome)
    except Failed as error:
        outcome.state, outcome.said[STOCK.name] = State.STOCK_FAILS, str(error)
        return outcome
    describe(project.server, outcome)
    wrong = deploy(project, outcome, refused)
    outcome.said |= wrong
    outcome.state = State.DIFFERENT if wrong else State.EMPTY if refused is None else State.IDENTICAL
    return outcome


@contextlib.contextmanager
def timed(outcome: Outcome, step: str) -> Iterator[None]:
    """Note for how long a step was under way."""
    began = time.monotonic()
    try:
        yield
    finally:
        outcome.took[step] = round(outcome.took.get(step, 0) + time.monotonic() - began, 1)


def refusing(stock: Commands, outcome: Outcome) -> list[str] | None:
    """Migrate filled tables by stock `migrate`; return which migrations refused the rows, None where it cannot."""
    try:
        with timed(outcome, STOCK_FILLED.name):
            return stock.migrate_filled(STOCK_FILLED)
    except Failed as error:
        outcome.said[STOCK_FILLED.name] = str(error)
        return None


def deploy(project: Project, outcome: Outcome, refused: list[str] | None) -> dict[str, str]:
    """Carry out the commands of this app and look in all ways; return what was wrong, by step.

    `refused` are the migrations that refuse filled tables by stock `migrate`, None where those are not to be looked at.
    """
    wrong: dict[str, str] = {}
    try:
        with timed(outcome, Step.LOADING):
            ours = Commands(project, OURS)
    except Failed as error:
        return {Step.LOADING: str(error)}
    with ours.nursery:
        for name, step in steps(ours, refused).items():
            try:
                with timed(outcome, name):
                    step()
            except Failed as error:
                wrong[name] = str(error)
    if all(way.name not in wrong for way in WAYS):
        wrong |= {way.name: said for way, said in differences(project.server, NATURAL.__contains__).items() if said}
    return wrong


def steps(ours: Commands, refused: list[str] | None) -> dict[str, Callable[[], object]]:
    """Return what is done with the commands of this app, by the name that it has in the table."""
    done: dict[str, Callable[[], object]] = {
        Step.CHECK_BEFORE: lambda: ours.run(OURS, "auto_migrate", "--check", expect=(9,)),
        Step.PLAN: lambda: ours.run(OURS, "auto_migrate", "--plan", expect=(0, 6)),
        OURS.name: lambda: ours.migrate(OURS),
        Step.AGAIN: lambda: demand_short_way(ours.run(OURS, "auto_migrate", "--format", "json")),
        Step.CHECK_AFTER: lambda: ours.run(OURS, "auto_migrate", "--check"),
        Step.ASSESSMENT: lambda: assess(ours),
        **{way.name: functools.partial(ours.migrate_anew, way) for way in (BESIDE, ONLINE)},
    }
    return done if refused is None else {**done, FILLED.name: lambda: compare_filled(ours, refused)}


def compare_filled(ours: Commands, refused: list[str]) -> None:
    """Carry everything out online on filled tables; raise `Failed` where the end is another than stock's."""
    refused_online = ours.migrate_filled(FILLED)
    if refused_online != refused:
        raise Failed(f"refused by {', '.join(refused_online) or 'none'} and not by {', '.join(refused) or 'none'}")
    if difference := difference_of_filled(ours.project.server):
        raise Failed(difference)


def assess(commands: Commands) -> None:
    """Judge the whole history of what is installed: recorded is, too, what squashed migrations replace."""
    recorded = {label for (label,) in commands.project.server.execute(LABELS, database=STOCK.database)}
    labels = sorted(recorded.intersection(commands.run(OURS, "showmigrations").splitlines()))
    commands.run(OURS, "assess_migrations", *labels, "--fail-level", "never")


def demand_short_way(output: str) -> None:
    """Raise `Failed` if a run had to lock in order to find that there is nothing to do."""
    events = [json.loads(line)["event"] for line in output.splitlines() if line.startswith("{")]
    if "lock_acquired" in events or "run_succeeded" not in events:
        raise Failed(f"not the short way: {', '.join(events)}")


def describe(server: PostgreSQL, outcome: Outcome) -> None:
    """Count what stock `migrate` has made."""
    with psycopg.connect(server.url(STOCK.database)) as connection:

        def count(query: str, *parameters: object) -> int:
            row = connection.execute(query, parameters or None).fetchone()
            return int(row[0]) if row else 0

        outcome.migrations = count(MIGRATIONS)
        outcome.tables = count(RELATIONS, ["r", "p"])
        outcome.views = count(RELATIONS, ["v", "m"])
        outcome.triggers = count(TRIGGERS)


def last_words(output: str) -> str:
    """Return the end of an output on one line, with no place of this machine in it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()][-3:]
    text = " / ".join(lines).replace(f"{ROOT}/", "").replace(sys.prefix, "…")
    return text if len(text) < 400 else f"{text[:400]}…"

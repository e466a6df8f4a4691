"""How a leg ended, as it is kept between runs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from enum import StrEnum
from pathlib import Path

from benchmarks.report import ROOT
from tools.matrix.legs import Leg


class State(StrEnum):
    """How it ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_TO_BE_HAD = "not to be had"


@dataclasses.dataclass
class Outcome:
    """How a leg fared; `versions` are those that really ran, by the name of the part."""

    state: State
    reason: str = ""
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    suites: list[str] = dataclasses.field(default_factory=list)
    passed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    day: str = ""
    # Of the code that was tried.
    digest: str = ""


class Outcomes:
    """The file that they are kept in, written after each leg."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kept = json.loads(path.read_text()) if path.exists() else {}
        self.by_name = {name: Outcome(**{**each, "state": State(each["state"])}) for name, each in kept.items()}

    def has_passed(self, leg: Leg) -> bool:
        """Return whether all of exactly this leg has passed with exactly this code."""
        outcome = self.by_name.get(leg.name)
        return (
            outcome is not None
            and outcome.state is State.PASSED
            and outcome.digest == digest(leg)
            and set(leg.suites) <= set(outcome.suites)
        )

    def keep(self, leg: Leg, outcome: Outcome) -> None:
        """Write an outcome."""
        outcome.digest = digest(leg)
        self.by_name[leg.name] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(
            json.dumps({name: dataclasses.asdict(each) for name, each in self.by_name.items()}, indent=1)
        )


def digest(leg: Leg) -> str:
    """Return a digest of what the leg is, of the code of auto_migrate and of the tests that it runs."""
    files = [ROOT / suite for suite in leg.suites if suite.endswith(".py")]
    folders = [ROOT / "auto_migrate", *(ROOT / suite for suite in leg.suites if not suite.endswith(".py"))]
    files += [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return hashlib.sha256("\0".join([repr(leg), *(path.read_text() for path in files)]).encode()).hexdigest()

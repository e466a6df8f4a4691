"""What was found out about a package, as it is kept between runs."""

from __future__ import annotations

import dataclasses
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
    """How it ended: only the first is what is promised, and only the second is against it."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    STOCK_FAILS = "stock fails"
    NOT_INSTALLED = "not installed"


@dataclasses.dataclass
class Outcome:
    """How a package fared; `wrong` says what is not as promised, by the name of the command."""

    name: str
    packages: list[str]
    state: State
    reason: str = ""
    wrong: dict[str, str] = dataclasses.field(default_factory=dict)
    migrations: int = 0
    tables: int = 0
    views: int = 0
    triggers: int = 0
    # What was examined, and with what.
    digest: str = ""


class Outcomes:
    """The file that they are kept in, written after each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kept: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        self.by_name = {each["name"]: Outcome(**{**each, "state": State(each["state"])}) for each in kept}

    def of(self, package: Package) -> Outcome | None:
        """Return the outcome of exactly this package with exactly this code, if it is known."""
        outcome = self.by_name.get(package.name)
        return outcome if outcome and outcome.digest == digest(package) else None

    def keep(self, package: Package, outcome: Outcome) -> None:
        """Write an outcome."""
        outcome.digest = digest(package)
        self.by_name[package.name] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps([dataclasses.asdict(each) for each in self.by_name.values()], indent=1))


def digest(package: Package) -> str:
    """Return a digest of the package's definition, of what it runs with, and of the code of auto_migrate."""
    parts = [repr(package), repr(SHARED), django()]
    parts += [path.read_text() for path in sorted((ROOT / "auto_migrate").rglob("*.py"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

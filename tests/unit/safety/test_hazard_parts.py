"""Nothing of a hazard is left to write: its rule, its page, its pair of migrations and its test."""

from __future__ import annotations

from tests.entries import each_entry
from tests.hazards import PAIRS, Pair
from tests.manage import ROOT

PLACES = (
    "auto_migrate/safety/hazards/*.py",
    "docs/hazards/*.md",
    "tests/hazards/*.py",
    "tests/unit/safety/test_am*.py",
)


def test_nothing_is_left_to_write() -> None:
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for place in PLACES
        for path in sorted(ROOT.glob(place))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
    ]
    assert lines
    left = [line for line in lines if "TODO" in line]
    assert left == [], "\n".join(["left to write:", *left])


@each_entry("pair", PAIRS)
def test_each_side_of_a_pair_has_operations(pair: Pair) -> None:
    for side in ("HAZARD", "SAFE"):
        assert all(step["operations"] for step in pair.plan(side.lower())), f"{side} lacks some: write them"  # type: ignore[arg-type]

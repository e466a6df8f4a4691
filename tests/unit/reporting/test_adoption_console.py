"""An adoption as it is told."""

from __future__ import annotations

import pytest

from auto_migrate.reporting.adoption_console import by_app
from auto_migrate.values import MigrationKey

NUMBERED = [f"{number:04}_{name}" for number, name in enumerate(["one", "two", "three", "four", "five"], start=1)]


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (NUMBERED[:1], "0001_one"),
        ([NUMBERED[0], NUMBERED[3]], "0001_one, 0004_four"),
        (NUMBERED[:3], "0001_one, 0002_two, 0003_three"),
        (NUMBERED, "0001_one to 0005_five (5 migrations)"),
        ([*NUMBERED[:3], NUMBERED[4]], "0001_one, 0002_two, 0003_three, 0005_five"),
        (["a", "b", "c", "d"], "a, b, c, d"),
    ],
)
def test_a_gap_is_not_told_as_a_range(names: list[str], line: str) -> None:
    assert list(by_app([MigrationKey("shop", name) for name in names])) == [f"    shop: {line}"]

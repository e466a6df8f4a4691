"""What a refusal of many findings says."""

from __future__ import annotations

from auto_migrate.findings import Finding, Level
from auto_migrate.planning.targets import Goal
from auto_migrate.safety.refusal import LISTED, refused
from auto_migrate.values import MigrationKey


def test_of_many_findings_the_first_are_named_and_all_are_counted() -> None:
    many = [
        Finding("AM206", Level.ERROR, MigrationKey("shop", f"{number:04}_x"), 1, "t", "", "", "", ())
        for number in range(1, LISTED + 3)
    ]
    whole, short = str(refused(many[:LISTED], Goal())), str(refused(many, Goal()))
    assert f"{LISTED} findings" in whole
    assert "AM206:shop.0010_x). Nothing" in whole
    assert f"{LISTED + 2} findings" in short
    assert "AM206:shop.0010_x, …). Nothing" in short

"""Which recorded migrations tell that a newer release has been here."""

from __future__ import annotations

import pytest

from auto_migrate.planning.schema_state import unknown_rows
from auto_migrate.values import Node

KNOWN = {("shop", "0001_initial"), ("shop", "0002_total"), ("shop", "0003_note"), ("users", "0001_initial")}
APPS = {"shop", "users"}


def shop(*names: str) -> list[Node]:
    return [("shop", name) for name in names]


@pytest.mark.parametrize(
    ("recorded", "unknown"),
    [
        ([], []),
        (shop("0001_initial", "0002_total"), []),
        # A newer release has been here.
        (shop("0001_initial", "0002_total", "0003_note", "0004_newer"), ["shop.0004_newer"]),
        (shop("0001_initial", "0004_newer", "0005_newest"), ["shop.0004_newer", "shop.0005_newest"]),
        # An app whose every file is of a newer release.
        ([("users", "0009_other")], ["users.0009_other"]),
        # What a squash replaced, and was then deleted, is older than what came after it.
        (shop("0001_old", "0002_old", "0001_initial", "0002_total"), []),
        # A file that was deleted without a trace lies between others.
        (shop("0001_initial", "0002_gone", "0003_note"), []),
        (shop("0001_initial", "0002_gone", "0003_note", "0004_newer"), ["shop.0004_newer"]),
        # An app that was removed.
        ([*shop("0001_initial"), ("carts", "0001_initial"), ("carts", "0002_more")], []),
        # One app's rows say nothing of another's.
        ([*shop("0004_newer"), ("users", "0001_initial")], ["shop.0004_newer"]),
        ([("users", "0001_initial"), *shop("0001_initial", "0004_newer")], ["shop.0004_newer"]),
    ],
)
def test_rows_are_unknown_if_nothing_known_came_after_them(recorded: list[Node], unknown: list[str]) -> None:
    assert [str(key) for key in unknown_rows(recorded, KNOWN, APPS)] == unknown

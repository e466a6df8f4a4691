"""A column that goes is a step of its own, whichever Django writes the statement."""

from __future__ import annotations

from typing import Any

import pytest

from auto_migrate.applying.online.removals import removed
from auto_migrate.applying.online.step import Rank


@pytest.mark.parametrize("end", [" CASCADE", ""], ids=["up to Django 5.2", "later"])
def test_a_dropped_column_is_a_removal(end: str) -> None:
    statement = f'ALTER TABLE "shop_order" DROP COLUMN "note"{end}'
    context: Any = None
    placed = removed(statement, context)
    assert placed is not None
    [(rank, step)] = placed
    assert (rank, step.sql, step.table, step.subject) == (Rank.REMOVAL, (statement,), '"shop_order"', '"note"')

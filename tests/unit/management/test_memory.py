"""When Python's collector is told to look often: not by a run that has nothing to carry out."""

from __future__ import annotations

import datetime
import gc
import uuid
from collections.abc import Iterator

import pytest

from auto_migrate.events import Context, PlanMade, StateCompared
from auto_migrate.management.memory import THRESHOLDS, collect_models_soon
from auto_migrate.values import MigrationKey, SchemaState

CONTEXT = Context("default", uuid.UUID(int=1), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
KEY = MigrationKey("shop", "0002_price")


@pytest.fixture(autouse=True)
def counts() -> Iterator[tuple[int, int, int]]:
    """Return what the collector is told outside of this test."""
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)


def test_a_run_with_nothing_to_do_leaves_the_collector_alone(counts: tuple[int, int, int]) -> None:
    collect_models_soon(StateCompared(SchemaState.UP_TO_DATE, (), ()), CONTEXT)
    collect_models_soon(PlanMade(("shop",), None, (), backwards=False), CONTEXT)
    assert gc.get_threshold() == counts


@pytest.mark.parametrize(
    "event", [StateCompared(SchemaState.BEHIND, (KEY,), ()), PlanMade(("shop",), None, (KEY,), backwards=False)]
)
def test_models_are_collected_soon_where_there_are_migrations(event: StateCompared | PlanMade) -> None:
    collect_models_soon(event, CONTEXT)
    assert gc.get_threshold() == THRESHOLDS

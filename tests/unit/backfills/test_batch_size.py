"""How many rows a batch takes."""

from __future__ import annotations

import pytest

from auto_migrate.backfills.batch_size import BatchSize
from auto_migrate.backfills.lag import Lag
from auto_migrate.backfills.progress import short
from auto_migrate.duration_words import rough_duration


def test_batches_grow_to_what_takes_their_time_and_no_longer() -> None:
    size, longest = BatchSize(10, 0.5), 0.0
    for _batch in range(30):
        seconds = 0.002 + size.rows / 20_000
        longest = max(longest, seconds)
        size.note(size.rows, seconds)
    assert 0.35 < size.rows / 20_000 <= 0.5
    assert longest <= 0.5


def test_a_slow_batch_makes_the_next_one_small_at_once_and_a_quick_one_not_twice_as_large() -> None:
    size = BatchSize(8_000, 0.5)
    size.note(8_000, 4.0)
    assert size.rows == 800
    size.note(800, 0.04)
    assert size.rows <= 1_600


def test_the_last_page_tells_nothing_to_grow_by_and_a_batch_has_a_row() -> None:
    size = BatchSize(1_000, 0.5)
    size.note(3, 0.000001)
    assert size.rows == 1_000
    for _time in range(20):
        size.halve()
    assert size.rows == 1
    size.note(1, 60.0)
    assert size.rows == 1


def test_a_replica_is_behind_until_it_was_where_the_primary_began_and_then_as_long_as_it_lacks_something() -> None:
    lag = Lag()
    assert lag.has_begun(None)
    for second in range(10):
        lag.note(float(second), second * 100)
    assert not lag.has_begun(None)
    assert not lag.has_begun(-1)
    assert lag.has_begun(0)
    assert lag.of(9.5, 0) == 9.5
    assert lag.of(9.5, 450) == 5.5
    assert lag.of(9.5, 900) == 0.0
    assert lag.of(9.5, 2_000) == 0.0


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (9_999, "9999"), (12_345, "12.3k"), (1_000_000, "1M"), (3_240_000, "3.2M"), (10_000_000, "10M")],
)
def test_numbers_are_short(count: int, text: str) -> None:
    assert short(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (40, "40 s"), (119, "119 s"), (720, "12 min"), (10_800, "3 h"), (259_200, "3 d")],
)
def test_durations_have_one_unit(seconds: float, text: str) -> None:
    assert rough_duration(seconds) == text

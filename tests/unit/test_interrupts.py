"""A signal handler runs between any two lines: one that waits for a lock of the pause that it ends waits forever."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from auto_migrate.clock import Clock
from auto_migrate.exceptions import RunInterrupted


@pytest.mark.timeout(20)
def test_the_wish_to_stop_may_come_at_any_line_of_a_pause() -> None:
    lines = pause_with(Clock(), lambda _line: None)
    assert lines > 5
    for chosen in range(lines):
        clock = Clock()

        def interrupt_at(line: int, clock: Clock = clock, chosen: int = chosen) -> None:
            if line == chosen:
                clock.interrupt()

        pause_with(clock, interrupt_at)
        assert clock.interrupted


def pause_with(clock: Clock, at_line: Callable[[int], None]) -> int:
    """Pause shortly, call `at_line` before each line, the standard library's included, and count them."""
    reached = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal reached
        if event == "line":
            at_line(reached)
            reached += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with contextlib.suppress(RunInterrupted):
            clock.pause(0.001)
    finally:
        sys.settrace(before)
    return reached

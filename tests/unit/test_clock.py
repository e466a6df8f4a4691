"""Pauses are told exactly, and a signal ends them."""

from __future__ import annotations

import datetime
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auto_migrate.clock import Clock
from auto_migrate.exceptions import RunInterrupted
from auto_migrate.interrupts import ECHO, interruptible
from auto_migrate.retry import Retry

FOREVER = 3600.0
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.mark.parametrize(
    ("attempt", "spread", "pause"),
    [
        (1, 0.0, 3.0),
        (1, 1.0, 3.0),
        (2, 0.0, 6.0),
        (2, 1.0, 7.2),
        (2, -1.0, 4.8),
        (3, 0.0, 12.0),
        (3, 0.5, 13.2),
        (5, 0.0, 48.0),
        (6, 0.0, 60.0),
        (10**9, 0.0, 60.0),
        (10**9, -1.0, 48.0),
    ],
)
def test_pauses_double_from_the_first_up_to_the_ceiling(attempt: int, spread: float, pause: float) -> None:
    assert Retry(10, 3.0).pause_after(attempt, spread=spread) == pause


@given(st.integers(1, 40))
def test_without_a_spread_given_a_pause_keeps_within_the_jitter(attempt: int) -> None:
    retry = Retry(50, 3.0)
    middle = retry.pause_after(attempt, spread=0.0)
    assert 0.8 * middle <= retry.pause_after(attempt) <= 1.2 * middle


@pytest.mark.parametrize("attempt", [1, 2, 7])
def test_a_steady_rhythm_neither_grows_nor_spreads(attempt: int) -> None:
    assert Retry(30, 2.0, ceiling=2.0, jitter=0).pause_after(attempt) == 2.0


def test_a_delay_above_the_ceiling_does_not_shrink() -> None:
    assert Retry(5, 100.0).pause_after(3, spread=0.0) == 100.0


@pytest.mark.parametrize("attempt", [1, 2, 10**9])
def test_no_delay_stays_no_delay(attempt: int) -> None:
    assert Retry(5, 0.0).pause_after(attempt) == 0.0


def test_the_time_of_day_is_aware_and_in_utc() -> None:
    assert Clock().now().utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_pause_of_nothing_returns(seconds: float) -> None:
    Clock().pause(seconds)


def test_an_interruption_ends_the_pauses_of_all_threads() -> None:
    clock, ended = Clock(), list[str]()

    def pause() -> None:
        with pytest.raises(RunInterrupted):
            clock.pause(FOREVER)
        ended.append(threading.current_thread().name)

    threads = [threading.Thread(target=pause, name=name, daemon=True) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    clock.interrupt()
    for thread in threads:
        thread.join(60)
    assert sorted(ended) == ["one", "three", "two"]


def test_an_interrupted_clock_pauses_no_more() -> None:
    clock = Clock()
    clock.interrupt()
    assert clock.interrupted
    for _ in range(2):
        with pytest.raises(RunInterrupted):
            clock.pause(FOREVER)


def test_another_thread_ends_a_pause_that_is_under_way() -> None:
    clock = Clock()
    thread = threading.Timer(0.05, clock.interrupt)
    thread.start()
    with pytest.raises(RunInterrupted):
        clock.pause(FOREVER)
    thread.join()


@SIGNALS
def test_a_signal_ends_a_pause_that_is_under_way(number: signal.Signals) -> None:
    with interruptible() as clock:
        thread = threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, number))
        thread.start()
        with pytest.raises(RunInterrupted):
            clock.pause(FOREVER)
        thread.join()


@SIGNALS
def test_the_first_signal_asks_to_stop_and_raises_only_where_that_is_safe(number: signal.Signals) -> None:
    with interruptible() as clock:
        clock.check()
        signal.raise_signal(number)
        with pytest.raises(RunInterrupted, match="asked to stop"):
            clock.check()


@SIGNALS
def test_an_echo_of_the_first_signal_changes_nothing(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    with interruptible() as clock:
        monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
        signal.raise_signal(number)
        monkeypatch.setattr(clock, "monotonic", lambda: 1000.0 + ECHO - 0.001)
        signal.raise_signal(signal.SIGTERM)
        assert clock.interrupted


@SIGNALS
def test_a_second_signal_stops_at_once(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    with interruptible() as clock:
        monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
        signal.raise_signal(number)
        monkeypatch.setattr(clock, "monotonic", lambda: 1000.0 + ECHO)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_a_first_signal_at_instant_zero_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The monotonic clock may begin at zero, and an instant of zero is an instant like any other."""
    with interruptible() as clock:
        monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
        signal.raise_signal(signal.SIGTERM)
        monkeypatch.setattr(clock, "monotonic", lambda: 2 * ECHO)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_the_handlers_of_before_are_put_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def fail() -> None:
        with interruptible():
            assert all(signal.getsignal(number) is not handler for number, handler in before.items())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert {number: signal.getsignal(number) for number in before} == before


def test_outside_of_the_main_thread_signals_are_somebody_elses() -> None:
    found: list[object] = []

    def work() -> None:
        with interruptible() as clock:
            found.extend([clock.interrupted, signal.getsignal(signal.SIGTERM)])

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, before]

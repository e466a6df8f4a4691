"""Calls that may hang are begun once and waited for in time."""

from __future__ import annotations

import os
import signal
import threading
from typing import NoReturn

import pytest

from auto_migrate.web import single_flight


def test_the_answer_is_given() -> None:
    assert single_flight.begin("answer", lambda: 7).result(10) == 7


def test_an_error_is_given_to_whoever_waits() -> None:
    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        single_flight.begin("error", fail).result(10)


def test_a_call_that_hangs_is_not_begun_again() -> None:
    gate, calls = threading.Event(), []

    def hang() -> str:
        calls.append(1)
        gate.wait()
        return "at last"

    first = single_flight.begin("hang", hang)
    second = single_flight.begin("hang", hang)
    with pytest.raises(TimeoutError):
        second.result(0)
    gate.set()
    assert first.result(10) == second.result(10) == "at last"
    assert len(calls) == 1


def test_a_call_that_was_abandoned_is_begun_anew_a_few_times_and_no_more() -> None:
    gate, calls = threading.Event(), []

    def hang() -> bool:
        calls.append(1)
        return gate.wait()

    begun = []
    for _ in range(2 * single_flight.LIMIT):
        begun.append(single_flight.begin("abandon", hang))
        single_flight.abandon("abandon", begun[-1])
    assert len(calls) == single_flight.LIMIT
    assert begun[-1] is begun[single_flight.LIMIT - 1], "whoever comes later waits for the last of them"
    gate.set()
    assert all(future.result(10) for future in begun)
    assert single_flight.begin("abandon", lambda: 7).result(10) == 7


def test_a_call_that_ended_is_begun_anew() -> None:
    answers = iter([1, 2])
    assert single_flight.begin("anew", lambda: next(answers)).result(10) == 1
    assert single_flight.begin("anew", lambda: next(answers)).result(10) == 2


def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    gate = threading.Event()
    single_flight.begin("daemon", gate.wait)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "auto_migrate daemon"]
    assert thread.daemon
    gate.set()
    thread.join()


def answer_or_die() -> NoReturn:
    """Exit with 0 if a call is answered, whatever pytest would do with this process."""
    try:
        # A lock that nobody lets go would hang the test, too.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        os._exit(0 if single_flight.begin("fork", lambda: 7).result(10) == 7 else 1)
    except BaseException:  # noqa: BLE001 # nothing may leave this process
        os._exit(2)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("held", [False, True], ids=["free", "held"])
def test_a_forked_process_waits_for_no_thread_of_its_parent(held: bool) -> None:
    gate = threading.Event()
    begun = single_flight.begin("fork", gate.wait)
    if held:
        single_flight._lock.acquire()
    try:
        pid = os.fork()
        if pid == 0:
            answer_or_die()
        status = os.waitpid(pid, 0)[1]
    finally:
        if held:
            single_flight._lock.release()
        gate.set()
    assert status == 0
    assert begun.result(10) is True, "the parent's own goes on"

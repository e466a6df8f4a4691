"""Calls that may hang are begun once and waited for in time."""

from __future__ import annotations

import threading

import pytest

from auto_migrate.web import bounded


def test_the_answer_is_given() -> None:
    assert bounded.begin("answer", lambda: 7).result(10) == 7


def test_an_error_is_given_to_whoever_waits() -> None:
    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        bounded.begin("error", fail).result(10)


def test_a_call_that_hangs_is_not_begun_again() -> None:
    gate, calls = threading.Event(), []

    def hang() -> str:
        calls.append(1)
        gate.wait()
        return "at last"

    first = bounded.begin("hang", hang)
    second = bounded.begin("hang", hang)
    with pytest.raises(TimeoutError):
        second.result(0)
    gate.set()
    assert first.result(10) == second.result(10) == "at last"
    assert len(calls) == 1


def test_a_call_that_ended_is_begun_anew() -> None:
    answers = iter([1, 2])
    assert bounded.begin("anew", lambda: next(answers)).result(10) == 1
    assert bounded.begin("anew", lambda: next(answers)).result(10) == 2


def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    gate = threading.Event()
    bounded.begin("daemon", gate.wait)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "auto_migrate daemon"]
    assert thread.daemon
    gate.set()
    thread.join()

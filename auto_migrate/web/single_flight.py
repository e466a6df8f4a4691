"""Calls that may hang, made in threads of their own, so that whoever asked need not hang with them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_running: dict[Hashable, Future[Any]] = {}


def begin(key: Hashable, call: Callable[[], T]) -> Future[T]:
    """Begin `call` in a daemon thread, or join the one begun as `key` that has not ended.

    Wait for it with `result(seconds)`. A call that hangs is never begun a second time, so that a probe every few
    seconds leaves one thread behind and not thousands; being a daemon, it does not hold up the end of the process
    either.
    """
    future: Future[T] = Future()
    with _lock:
        if key in _running:
            return _running[key]
        # Registered only once the thread exists: its end waits for this section before it takes the entry away.
        threading.Thread(target=_carry_out, args=(key, future, call), daemon=True, name=f"auto_migrate {key}").start()
        _running[key] = future
    return future


def _carry_out(key: Hashable, future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 # whoever waits gets it
        _forget(key)
        future.set_exception(error)
    else:
        _forget(key)
        future.set_result(result)


def _forget(key: Hashable) -> None:
    with _lock:
        del _running[key]


def _start_afresh() -> None:
    """Forget in a forked process what was running: its parent has the threads, and whichever of them held the lock."""
    global _lock  # noqa: PLW0603 # what was held at the fork, nobody will ever let go
    _lock = threading.Lock()
    _running.clear()


# Windows has no such thing, nor a need for it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)

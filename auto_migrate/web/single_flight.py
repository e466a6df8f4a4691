"""Calls that may hang, made in threads of their own, so that whoever asked need not hang with them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

# How many calls of one key may have been abandoned and not have ended.
LIMIT = 3

_lock = threading.Lock()
_running: dict[Hashable, Future[Any]] = {}
# Those that somebody gave up, oldest first.
_abandoned: dict[Hashable, list[Future[Any]]] = {}


def begin(key: Hashable, call: Callable[[], T]) -> Future[T]:
    """Begin `call` in a daemon thread, or join the one begun as `key` that has not ended.

    Wait for it with `result(seconds)`. A call that hangs is begun a second time only once it was abandoned, and no more
    than `LIMIT` such calls are left behind: a probe every few seconds leaves a few threads behind and not thousands;
    being daemons, they do not hold up the end of the process either.
    """
    future: Future[T] = Future()
    with _lock:
        if key in _running:
            return _running[key]
        if len(left := _abandoned.get(key, [])) >= LIMIT:
            return left[-1]
        # Registered only once the thread exists: its end waits for this section before it takes the entry away.
        threading.Thread(target=_carry_out, args=(key, future, call), daemon=True, name=f"auto_migrate {key}").start()
        _running[key] = future
    return future


def abandon(key: Hashable, future: Future[Any]) -> None:
    """Let the next `begin` begin anew, although this call has not ended."""
    with _lock:
        if _running.get(key) is future:
            del _running[key]
            _abandoned.setdefault(key, []).append(future)


def _carry_out(key: Hashable, future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 # whoever waits gets it
        _forget(key, future)
        future.set_exception(error)
    else:
        _forget(key, future)
        future.set_result(result)


def _forget(key: Hashable, future: Future[Any]) -> None:
    with _lock:
        if _running.get(key) is future:
            del _running[key]
        elif future in (left := _abandoned.get(key, [])):
            left.remove(future)
            if not left:
                del _abandoned[key]


def _start_afresh() -> None:
    """Forget in a forked process what was running: its parent has the threads, and whichever of them held the lock."""
    global _lock  # noqa: PLW0603 # what was held at the fork, nobody will ever let go
    _lock = threading.Lock()
    _running.clear()
    _abandoned.clear()


# Windows has no such thing, nor a need for it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)

"""Whether a backfill is carried out in the release step, which has listeners, a clock and the deploy lock to keep."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator

from auto_migrate.databases.base import DeployLock
from auto_migrate.emitter import Emitter


@dataclasses.dataclass(frozen=True)
class ReleaseStep:
    """Whom to tell, and the lock without which nothing may be written."""

    emit: Emitter
    lock: DeployLock


# Django hands an operation nothing but the schema editor.
_current: contextvars.ContextVar[ReleaseStep | None] = contextvars.ContextVar("release_step", default=None)


@contextlib.contextmanager
def in_release_step(emit: Emitter, lock: DeployLock) -> Iterator[None]:
    """Let the operations of the block know that they are carried out by the release step."""
    token = _current.set(ReleaseStep(emit, lock))
    try:
        yield
    finally:
        _current.reset(token)


def release_step() -> ReleaseStep | None:
    """Return the release step that carries out the present operation; None where Django's executor does."""
    return _current.get()

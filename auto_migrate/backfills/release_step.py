"""Whether a backfill is carried out in the release step, which has listeners, a clock and the deploy lock to keep."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator

from auto_migrate.databases import adapter_for
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.emitter import Emitter


@dataclasses.dataclass(frozen=True)
class ReleaseStep:
    """The database, whom to tell, and the lock without which nothing may be written."""

    database: Database
    emit: Emitter
    lock: DeployLock


# Django hands an operation nothing but the schema editor.
_current: contextvars.ContextVar[ReleaseStep | None] = contextvars.ContextVar("release_step", default=None)


@contextlib.contextmanager
def in_release_step(database: Database, emit: Emitter, lock: DeployLock) -> Iterator[None]:
    """Let the operations of the block know that they are carried out by the release step."""
    token = _current.set(ReleaseStep(database, emit, lock))
    try:
        yield
    finally:
        _current.reset(token)


def release_step() -> ReleaseStep | None:
    """Return the release step that carries out the present operation; None where Django's executor does."""
    return _current.get()


def database_here(alias: str) -> Database:
    """Return the adapter of the release step, which knows its connection, or another one of the alias."""
    step = release_step()
    return step.database if step is not None and step.database.alias == alias else adapter_for(alias)

"""Taking turns: holding the deploy lock, and telling those who wait what its holder is doing."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import socket
import threading
import uuid
from collections.abc import Iterator

from django.db import Error
from django.utils import timezone
from django.utils.translation import gettext as _

from auto_migrate.code_lock import code_aside
from auto_migrate.databases.base import Database, DeployLock
from auto_migrate.emitter import Emitter
from auto_migrate.events import LockAcquired, LockAwaited
from auto_migrate.exceptions import DeployLockTimeout
from auto_migrate.history.store import History
from auto_migrate.retry import teller
from auto_migrate.values import Holder

# How often a waiter looks whether the deploy lock is free, and how often it says so, in seconds.
POLL = 0.5
REPORT = 10.0
# The variable that tells a child which runner it is of. Not AUTO_MIGRATE_…, which are settings.
RUNNER = "DJANGO_AUTO_MIGRATE_RUNNER"
SEPARATOR = "|"


def runner_name(run_id: uuid.UUID) -> str:
    """Name this process for those who wait; at most 63 bytes, as PostgreSQL's application_name takes."""
    return f"auto_migrate {socket.gethostname()[:30]}:{os.getpid()} {run_id.hex[:8]}"


class _Held(threading.local):
    """The turns that this thread has, by alias."""

    def __init__(self) -> None:
        self.turns: dict[str, DeployLock] = {}


_held = _Held()


@contextlib.contextmanager
def hold_deploy_lock(database: Database, emit: Emitter, *, lock_wait: float) -> Iterator[DeployLock]:
    """Hold the deploy lock; raise `DeployLockTimeout` if others keep it for longer than `lock_wait` seconds.

    A run within a run of the same thread, such as a receiver that calls `migrate`, has the turn already.
    """
    if database.alias in _held.turns:
        yield _held.turns[database.alias]
        return
    database.lock_wait = lock_wait
    lock = database.deploy_lock(runner_name(emit.run_id))
    started = emit.clock.monotonic()
    try:
        await_deploy_lock(lock, database, emit, lock_wait=lock_wait)
        # Whoever had the turn before may have been stopped in the middle of something, and must not go on.
        database.hold_fence(lock, emit.clock, teller(emit))
        emit(LockAcquired(emit.clock.monotonic() - started))
        _held.turns[database.alias] = lock
        with _runners.told_to_children(runner_name(emit.run_id)):
            yield lock
    finally:
        _held.turns.pop(database.alias, None)
        lock.release()


@contextlib.contextmanager
def sharing_deploy_lock(alias: str, lock: DeployLock) -> Iterator[None]:
    """Let this thread have the turn that another one of this process has."""
    _held.turns[alias] = lock
    try:
        yield
    finally:
        _held.turns.pop(alias, None)


def await_deploy_lock(lock: DeployLock, database: Database, emit: Emitter, *, lock_wait: float) -> None:
    """Poll until the lock is had: a waiter blocked in the server would hold a snapshot against the holder's indexes."""
    clock = emit.clock
    started = clock.monotonic()
    next_report = 0.0
    while not lock.try_acquire():
        waited = clock.monotonic() - started
        if waited >= next_report:
            next_report = waited + REPORT
            holder = holder_of(lock, database)
            refuse_waiting_for_parent(holder)
            emit(LockAwaited(waited, holder))
        if waited >= lock_wait:
            raise timeout(lock, database, waited)
        # A receiver that migrates another database may wait for a run of this process, which needs what it has.
        with code_aside():
            clock.pause(min(POLL, lock_wait - waited))


class Runners:
    """The runs of this process that have their turns, on several databases."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.names: list[str] = []
        # What whoever started this process has said of itself.
        self.inherited: str | None = None

    @contextlib.contextmanager
    def told_to_children(self, runner: str) -> Iterator[None]:
        """Let the processes that are started within the block know whose they are."""
        with self.mutex:
            self.inherited = self.inherited if self.names else os.environ.get(RUNNER)
            self.names.append(runner)
            self._tell()
        try:
            yield
        finally:
            with self.mutex:
                self.names.remove(runner)
                self._tell()

    def _tell(self) -> None:
        told = f"{os.getpid()} {SEPARATOR.join(self.names)}" if self.names else self.inherited
        os.environ.pop(RUNNER, None)
        if told is not None:
            os.environ[RUNNER] = told


_runners = Runners()


def refuse_waiting_for_parent(holder: Holder | None) -> None:
    """Raise `DeployLockTimeout` if the holder has started this process, and so waits for its end in turn."""
    pid, _space, told = os.environ.get(RUNNER, "").partition(" ")
    if holder is None or pid == str(os.getpid()):
        return
    if any(runner in holder.description for runner in told.split(SEPARATOR) if runner):
        raise DeployLockTimeout(
            _("The deploy lock is held by the run that has started this process: {holder}.").format(
                holder=holder.description
            ),
            hint=_("Whatever a migration starts must not migrate the same database. Call it in the same process."),
        )


def holder_of(lock: DeployLock, database: Database) -> Holder | None:
    """Return who holds the lock and, as the history has it, which migration it is on."""
    return at_its_step(lock.holder(), database)


def at_its_step(holder: Holder | None, database: Database) -> Holder | None:
    """Add to a holder the migration that it is on, as the history has it."""
    if holder is None:
        return None
    # A role that may not read the history still waits its turn.
    # Nor does one whose DateStyle psycopg cannot read.
    with contextlib.suppress(Error, NotImplementedError):
        if step := History(database.alias).current_step():
            return dataclasses.replace(holder, migration=step[0], migration_since=aware(step[1]))
    return holder


def aware(moment: datetime.datetime | None) -> datetime.datetime | None:
    """Return a moment with its zone, which Django leaves out where USE_TZ is off."""
    return timezone.make_aware(moment) if moment is not None and timezone.is_naive(moment) else moment


def timeout(lock: DeployLock, database: Database, waited: float) -> DeployLockTimeout:
    """Say who kept the lock for too long."""
    holder = holder_of(lock, database)
    return DeployLockTimeout(
        _("The deploy lock was not had in {waited:.0f}s; {holder} holds it.").format(
            waited=waited, holder=holder.description if holder else _("another runner")
        ),
        hint=_("Let it finish and run again, or wait for longer: --lock-wait SECONDS."),
    )

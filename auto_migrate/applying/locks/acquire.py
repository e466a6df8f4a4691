"""Getting table locks without stopping traffic.

A lock that is awaited in the server's queue stops every later query on the table, so nothing is queued while somebody
is in the way: the holders are watched until the tables are free, and then taken all at once with NOWAIT. Where traffic
never leaves a gap that would starve; so after a while a single attempt is queued, for about as long as the holders seen
so far took to finish, and only if none of them is older than that. Measured against the alternatives in
docs/reliability.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.databases.base import TableLocks
from auto_migrate.databases.faults import FaultKind
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.databases.session_waits import describe_blocker, endings_of_prepared, endings_of_sessions
from auto_migrate.emitter import Emitter
from auto_migrate.events import TablesAwaited
from auto_migrate.exceptions import MigrationFailed, TransientError
from auto_migrate.values import Blocker, MigrationKey, WantedLock

POLL = 0.05
REPORT_FIRST = 1.0
REPORT_EVERY = 5.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds: a queued attempt at first and at most, and all of it."""

    first: float
    ceiling: float
    patience: float
    # Traffic that leaves gaps at all leaves one within this time, and then nobody has to be stopped.
    watch: float = 5.0
    # Between two queued attempts, traffic gets this many times as long to recover as it was stopped.
    rest: float = 4.0
    # A queued attempt makes autovacuum give way after deadlock_timeout, one second by default.
    autovacuum: float = 1.2


def limits() -> Limits:
    """Return the limits of the project's settings."""
    settings = get_settings()
    ceiling = settings.LOCK_TIMEOUT_CEILING
    return Limits(min(settings.LOCK_TIMEOUT, ceiling), ceiling, settings.LOCK_PATIENCE)


class BlockerWatch:
    """What has been seen of the holders, and what to do about it. Takes the time, never asks for it."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.started = now
        self.not_before = now + limits.watch
        self.growth = 1.0
        self.longest = 0.0
        self._ages: dict[int | None, float] = {}

    def see(self, blockers: Iterable[Blocker]) -> None:
        """Take note of who is in the way; one who has gone tells how long holders take."""
        ages = {blocker.pid: blocker.age or 0.0 for blocker in blockers}
        for pid, age in self._ages.items():
            # A session that began its next transaction is younger than it was.
            if pid not in ages or ages[pid] < age:
                self.longest = max(self.longest, age)
        self._ages = ages

    def queue_for(self, blockers: Iterable[Blocker], now: float) -> float | None:
        """Return how long an attempt may queue now, or None if none may."""
        if now < self.not_before:
            return None
        wanted = max(self.limits.first, 1.5 * self.longest + 2 * POLL) * self.growth
        size = min(wanted, self.limits.ceiling)
        if any(not blocker.autovacuum and self._ages.get(blocker.pid, 0.0) > size for blocker in blockers):
            return None
        if any(blocker.autovacuum for blocker in blockers):
            size = max(size, self.limits.autovacuum)
        return size

    def failed(self, queued_for: float, now: float) -> None:
        """Take note of a queued attempt in vain: let the traffic recover, and ask for more the next time."""
        self.growth *= 1.5
        self.not_before = now + self.limits.rest * queued_for


def lock_more(tables: TableLocks, needs: Mapping[str, LockMode]) -> None:
    """Lock tables in a transaction that has locked or written before; raise `TransientError` if they are not free soon.

    Whoever waits for what the transaction holds already cannot wait for minutes, and one who is in the way may be
    waiting for us: in the queue the server notices that. The whole migration is tried again.
    """
    if tables.take(needs):
        return
    needs = tables.existing(needs)
    if tables.take(needs, queue_for=limits().ceiling):
        return
    told = "; ".join(describe_blocker(blocker).strip() for blocker in tables.blockers(needs))
    raise TransientError(_(FaultKind.LOCK_TIMEOUT.value), detail=told, contention=True)


def lock_ahead(
    tables: TableLocks, needs: Mapping[str, LockMode], *, migration: MigrationKey, emit: Emitter, is_begun: bool = False
) -> None:
    """Lock the tables that exist, all or none at a time; raise `MigrationFailed` when the patience has ended.

    The transaction must not hold anything yet that others could wait for; `is_begun` tells that others came before it.
    """
    if tables.take(needs):
        return
    needs = tables.existing(needs)
    clock = emit.clock
    bounds = limits()
    watch = BlockerWatch(bounds, started := clock.monotonic())
    report_at = REPORT_FIRST
    while True:
        blockers = tables.blockers(needs)
        now = clock.monotonic()
        watch.see(blockers)
        if not blockers and tables.take(needs):
            return
        if (size := watch.queue_for(blockers, now)) is not None:
            if tables.take(needs, queue_for=size):
                return
            watch.failed(size, clock.monotonic())
        waited = clock.monotonic() - started
        if waited >= bounds.patience:
            raise tables_busy(migration, needs, blockers, waited, is_begun=is_begun)
        if waited >= report_at:
            report_at = waited + REPORT_EVERY
            emit(TablesAwaited(migration, waited, blockers, wanted_locks(needs)))
        clock.pause(POLL)


def wanted_locks(needs: Mapping[str, LockMode]) -> tuple[WantedLock, ...]:
    """Return what is waited for as listeners are told it."""
    return tuple(WantedLock(table, mode.sql) for table, mode in sorted(needs.items()))


def tables_busy(
    migration: MigrationKey,
    needs: Mapping[str, LockMode],
    blockers: Sequence[Blocker],
    waited: float,
    *,
    is_begun: bool = False,
) -> MigrationFailed:
    """Say that the tables were never free, who held them, and what to type."""
    text = _("Migration {migration} is untouched: {tables} not free in {waited:.0f}s.")
    if is_begun:
        text = _(
            "Migration {migration} stops half-way, where the next run goes on: {tables} not free in {waited:.0f}s."
        )
    advice = _("Let the transaction in the way end, or raise {setting}.")
    if statements := endings_of_sessions(blockers):
        advice = _("End the transaction in the way, {statement}, or raise {setting}.")
    advice = advice.format(setting="AUTO_MIGRATE_LOCK_PATIENCE", statement=statements)
    told = map(describe_blocker, blockers)
    return MigrationFailed(
        text.format(migration=migration, tables=", ".join(needs), waited=waited),
        hint="\n".join([*told, *endings_of_prepared(blockers), advice]),
    )

"""For whom backfills, and fills of what goes online, wait before their next batch.

A signal that cannot be read holds them up, and says its name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from auto_migrate.backfills.lag import Lag
from auto_migrate.conf import get_settings
from auto_migrate.databases.base import Database
from auto_migrate.databases.faults import first_line
from auto_migrate.exceptions import AutoMigrateError, TransientError
from auto_migrate.history.models import BackfillRecord
from auto_migrate.redaction import presentable

if TYPE_CHECKING:
    from auto_migrate.databases.postgresql.congestion import Congestion

# How often the signals are looked at, in seconds.
EVERY = 1.0


class Mark(Protocol):
    """What is written along with the rows, and grows, so that it tells which of them a replica has."""

    def position(self) -> Any:
        """Return where the database itself is."""

    def reached(self, alias: str) -> Any:
        """Return where a replica is, None where nobody knows; raise what its database raises."""


class RecordMark:
    """The record of a backfill, which each of its batches writes."""

    def __init__(self, record: BackfillRecord) -> None:
        self.record = record

    def position(self) -> Any:
        """Return when the last batch was written."""
        return self.record.updated_at

    def reached(self, alias: str) -> Any:
        """Return when the last batch was written that a replica has."""
        rows = BackfillRecord.objects.using(alias).filter(pk=self.record.pk)
        return rows.values_list("updated_at", flat=True).first()


@dataclasses.dataclass
class ServerWatch:
    """What was seen of a server by whoever works over one connection, whichever table is being written."""

    lag: Lag = dataclasses.field(default_factory=Lag)
    # The signals that are of no one table → when they were looked at, and what had to be waited for.
    told: dict[str, tuple[float, list[str]]] = dataclasses.field(default_factory=dict)

    def lag_at(self, now: float) -> Lag:
        """Return the positions up to now, of which the last must be young: nobody knows what came in between."""
        if not self.lag.is_young(now):
            self.lag = Lag()
        return self.lag


# Of each of Django's connections, which is a thread's own: a thousand schemas are written one after the other.
_watches: WeakKeyDictionary[BaseDatabaseWrapper, ServerWatch] = WeakKeyDictionary()


class Throttle:
    """Looks at the signals of one database for whoever writes a table (quoted) batch by batch."""

    def __init__(self, database: Database, table: str, mark: Mark) -> None:
        self.database = database
        self.table = table
        self.mark = mark
        self.server = _watches.setdefault(database.connection, ServerWatch())
        # How far named replicas are is told by the mark.
        self.lag = Lag()
        self._looked: float | None = None
        self._reason = ""

    def obstacle(self, now: float) -> str:
        """Return what has to be waited for, or nothing; `now` is a time of the monotonic clock."""
        if self._looked is None or now - self._looked >= EVERY:
            self._looked = now
            self._reason = next(self._obstacles(now), "")
        return self._reason

    def _obstacles(self, now: float) -> Iterator[str]:
        settings = get_settings()
        for name in settings.BACKFILL_SIGNALS:
            if name == "replicas" and settings.BACKFILL_REPLICAS:
                yield from self._named_replicas(now)
            elif self.database.vendor == "postgresql":
                yield from self._of_server(name, now) if name in OF_SERVER else self._read(name, SIGNALS[name], now)

    def _of_server(self, name: str, now: float) -> list[str]:
        looked, reasons = self.server.told.get(name, (float("-inf"), []))
        if not looked <= now < looked + EVERY:
            reasons = list(self._read(name, SIGNALS[name], now))
            self.server.told[name] = now, reasons
        return reasons

    def _read(self, name: str, signal: Callable[[Throttle, float], Iterator[str]], now: float) -> Iterator[str]:
        from auto_migrate.databases.postgresql.congestion import UnreadableSignal

        try:
            yield from signal(self, now)
        except (UnreadableSignal, DatabaseError) as error:
            if isinstance(error, DatabaseError) and self._is_lost(error):
                raise
            yield unreadable(name, presentable(first_line(error)))

    def _is_lost(self, error: DatabaseError) -> bool:
        fault = self.database.fault_of(error)
        return fault is not None and fault.kind.transient

    def _named_replicas(self, now: float) -> Iterator[str]:
        """Ask the replicas that the project names whether they have what was written last."""
        from auto_migrate.databases.postgresql.congestion import UnreadableSignal

        self.lag.note(now, self.mark.position())
        for alias in get_settings().BACKFILL_REPLICAS:
            try:
                reached = self.mark.reached(alias)
            except (DatabaseError, AutoMigrateError, TransientError, UnreadableSignal) as error:
                connections[alias].close()
                yield unreadable(alias, presentable(first_line(error)))
                continue
            yield from behind(alias, self.lag, now, reached)

    # -- PostgreSQL ---------------------------------------------------------------------------------------------------

    @cached_property
    def congestion(self) -> Congestion:
        """The means to ask the server."""
        from auto_migrate.databases.postgresql.congestion import Congestion

        return Congestion(self.database.connection)

    def _replicas(self, now: float) -> Iterator[str]:
        if not (replicas := self.congestion.replicas()):
            return
        lag = self.server.lag_at(now)
        lag.note(now, self.congestion.position())
        for name, position in replicas.items():
            yield from behind(name, lag, now, position)

    def _archive(self, _now: float) -> Iterator[str]:
        from auto_migrate.databases.postgresql.congestion import ARCHIVE_BACKLOG

        if (backlog := self.congestion.archive_backlog()) > ARCHIVE_BACKLOG:
            yield _("{megabytes} MB of WAL wait to be archived").format(megabytes=backlog // 1024**2)

    def _vacuum(self, now: float) -> Iterator[str]:
        for who, as_vacuum, _age in self.congestion.users(self.table, now):
            if as_vacuum:
                yield _("vacuum or the like is at work on the table: {who}").format(who=who)

    def _transactions(self, now: float) -> Iterator[str]:
        for who, as_vacuum, age in self.congestion.users(self.table, now):
            if not as_vacuum and age > get_settings().BACKFILL_TRANSACTION:
                yield _("a transaction of {seconds:.0f}s holds the table: {who}").format(seconds=age, who=who)


SIGNALS: dict[str, Callable[[Throttle, float], Iterator[str]]] = {
    "replicas": Throttle._replicas,
    "archive": Throttle._archive,
    "vacuum": Throttle._vacuum,
    "transactions": Throttle._transactions,
}


# Those that are the same whichever table is written.
OF_SERVER = frozenset({"replicas", "archive"})


def behind(name: str, lag: Lag, now: float, position: Any) -> Iterator[str]:
    """Say so if a replica, which is at a position, is too far behind."""
    if not lag.has_begun(position):
        yield _("the replica {name} is behind").format(name=name)
    elif (seconds := lag.of(now, position)) > get_settings().BACKFILL_LAG:
        yield _("the replica {name} is {seconds:.0f}s behind").format(name=name, seconds=seconds)


def unreadable(name: str, reason: str) -> str:
    """Say that a signal cannot be read, and what would let the backfill go on."""
    return _(
        "{name} cannot be read ({reason}): GRANT pg_monitor to the role, name replicas in BACKFILL_REPLICAS, or leave "
        "it out of BACKFILL_SIGNALS"
    ).format(name=name, reason=reason)

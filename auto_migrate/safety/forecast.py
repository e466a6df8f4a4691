"""How long a plan will take, and for how long at most it holds a lock that others wait for.

What the same migration took on this database before is the best there is. Otherwise the work of each statement is told
by the sizes of its tables, at the pace that the history of this database has shown, or that was measured elsewhere.
What a function of the project's does nobody can tell beforehand. Waiting for others is not foreseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auto_migrate.applying.online.step import Kind
from auto_migrate.backfills.atomicity import is_atomic
from auto_migrate.changes.change import Change, DataChange, OpaqueChange, RunFunction
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.findings import Forecast, ForecastBasis, MigrationForecast
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.effects import Blocks, Effect, effects
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.live import Live
from auto_migrate.safety.lock_time import rates_of, seconds
from auto_migrate.values import MigrationKey

# What a migration, each of its operations and each step of what goes online take by themselves, in seconds: round
# trips, locks, the record.
A_MIGRATION, AN_OPERATION, A_STEP = 0.010, 0.004, 0.020
# What a row costs that is filled in a transaction of few (`benchmarks/forecast.py`).
FILLED = 60e-6
# For how long a lock is held under which nothing grows with the table.
AN_INSTANT = 0.005
UNFORESEEN = (RunFunction, OpaqueChange)


def forecast(
    plan: Iterable[ClassifiedMigration],
    server: ServerFacts,
    live: Live | None,
    *,
    earlier: Mapping[MigrationKey, float],
    pace: float | None,
) -> Forecast:
    """Foresee a plan.

    `earlier` are the seconds that migrations took here before; `pace` is how much longer than by its sizes this
    database was seen to take, None where nothing was seen.
    """
    ahead = Forecaster(server, live, earlier, pace)
    found = tuple(ahead.of(read) for read in plan)
    told = [one.seconds for one in found]
    known = [one for one in told if one is not None]
    bases = {one.basis for one in found}
    basis = next((one for one in reversed(ForecastBasis) if one in bases), ForecastBasis.HISTORY)
    longest = max((one.longest_lock_seconds for one in found), default=0.0)
    whole = sum(known) if len(known) == len(told) else None
    return Forecast(None if whole is None else round(whole, 3), round(longest, 3), basis, found)


class Forecaster:
    """Foresees one migration after the other."""

    def __init__(
        self, server: ServerFacts, live: Live | None, earlier: Mapping[MigrationKey, float], pace: float | None
    ) -> None:
        self.server = server
        self.live = live
        self.earlier = earlier
        self.pace = pace

    def of(self, read: ClassifiedMigration) -> MigrationForecast:
        """Foresee one migration."""
        by_sizes = self._by_sizes(read)
        lock = self._longest_lock(read) * (self.pace or 1.0)
        if (took := self.earlier.get(read.key)) is not None:
            # Whatever of it holds a lock was part of it.
            return MigrationForecast(
                read.key, round(took, 3), round(min(lock, took), 3), ForecastBasis.HISTORY, by_sizes
            )
        basis = ForecastBasis.SIZES if self.pace is None else ForecastBasis.LEARNED
        total = None
        if by_sizes is not None:
            total = round(by_sizes * (self.pace or 1.0), 3)
            lock = min(lock, total)
        return MigrationForecast(read.key, total, round(lock, 3), basis, by_sizes)

    def _by_sizes(self, read: ClassifiedMigration) -> float | None:
        """Return what it takes at the pace measured elsewhere, in seconds."""
        if read.backwards or any(isinstance(change, UNFORESEEN) for _operation, change in read.changes()):
            return None
        work = sum(self._work(change) for _operation, change in read.changes())
        steps = sum(len(operation.online) for operation in read.operations)
        filled = sum(map(self._filling, read.operations))
        return round(work + filled + A_MIGRATION + AN_OPERATION * len(read.operations) + A_STEP * steps, 3)

    def _filling(self, operation: OperationChanges) -> float:
        """Return what it takes to fill all rows that may have to be."""
        if self.live is None or not any(step.name == Kind.FILL for step in operation.online):
            return 0.0
        tables = (self.live.table(change.table) for change in operation.changes if change.table)
        return FILLED * max((table.rows for table in tables if table), default=0)

    def _longest_lock(self, read: ClassifiedMigration) -> float:
        """Return for how many seconds a lock that others wait for is held: in a transaction, to its end."""
        longest = since = 0.0
        is_held = False
        at_once = is_atomic(read.migration) and not any(operation.online for operation in read.operations)
        for operation, change in read.changes():
            found = effects(change, self.server)
            blocks = any(effect.blocks is not Blocks.NOTHING and self._is_there(effect) for effect in found)
            is_held = is_held or blocks if at_once else blocks
            # What goes online holds no lock for longer than an instant.
            work = 0.0 if operation.online else self._work(change)
            since = (since if at_once else 0.0) + (work + AN_INSTANT if is_held else 0.0)
            longest = max(longest, since)
        return longest

    def _work(self, change: Change) -> float:
        if isinstance(change, DataChange):
            # At the worst all rows are written anew.
            return self._seconds(Effect(change.table, rewrites=True, scans=True))
        return sum(self._seconds(effect) for effect in effects(change, self.server) if effect.works)

    def _seconds(self, effect: Effect) -> float:
        table = self.live.table(effect.table) if self.live and effect.table else None
        return seconds(effect, table, rates_of(self.server.vendor)) if table else 0.0

    def _is_there(self, effect: Effect) -> bool:
        return self.live is None or self.live.table(effect.table) is not None
